public import JSON

/// A kind of object that pods come from, and where in it the pod stands.
public enum WorkloadKind: String, CaseIterable, Hashable, Sendable {
    case pod = "Pod"
    case replicationController = "ReplicationController"
    case replicaSet = "ReplicaSet"
    case deployment = "Deployment"
    case daemonSet = "DaemonSet"
    case statefulSet = "StatefulSet"
    case job = "Job"
    case cronJob = "CronJob"

    /// Where the pod, or the template of the pods, stands in the object.
    public var podPointer: JSONPointer {
        switch self {
        case .pod: JSONPointer()
        case .cronJob: JSONPointer("spec", "jobTemplate", "spec", "template")
        default: JSONPointer("spec", "template")
        }
    }

    /// The pod, or the template of the pods, in an object of this kind.
    public func pod(in object: JSONValue) -> PodManifest? {
        guard let pod = podValue(in: object), pod.object != nil else { return nil }
        return PodManifest(pod)
    }

    /// The same, as it is written.
    public func podValue(in object: JSONValue) -> JSONValue? {
        podPointer.tokens.reduce(object) { place, token in place?[token] }
    }
}
