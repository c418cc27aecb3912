/// Something that happened to an object, for people to read (`kubectl describe`, `kubectl get events`). Written, not read.
public enum Event: KubernetesKind {
    /// Served since Kubernetes 1.19.
    public static let resourceType = ResourceType(
        group: "events.k8s.io", version: "v1", kind: "Event", plural: "events")
}
