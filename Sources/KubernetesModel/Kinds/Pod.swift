/// Pods are followed as ``PartialObjectMetadata`` only: there are many of them, and whole ones weigh 12 KB and more.
public enum Pod: KubernetesKind {
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Pod", plural: "pods")
}
