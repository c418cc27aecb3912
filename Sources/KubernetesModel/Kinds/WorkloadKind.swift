public import JSON

/// A kind of object of Kubernetes' own that pods come from, and where in it the pod stands.
public enum WorkloadKind: String, Hashable, Sendable, CaseIterable {
    case pod = "Pod"
    case replicationController = "ReplicationController"
    case replicaSet = "ReplicaSet"
    case deployment = "Deployment"
    case daemonSet = "DaemonSet"
    case statefulSet = "StatefulSet"
    case job = "Job"
    case cronJob = "CronJob"

    public var resourceType: ResourceType {
        switch self {
        case .pod: Pod.resourceType
        case .replicationController:
            ResourceType(group: "", version: "v1", kind: rawValue, plural: "replicationcontrollers")
        case .replicaSet: ReplicaSet.resourceType
        case .deployment: Deployment.resourceType
        case .daemonSet: DaemonSet.resourceType
        case .statefulSet: StatefulSet.resourceType
        case .job: Job.resourceType
        case .cronJob: CronJob.resourceType
        }
    }

    /// Whether this is what an object with that `apiVersion` and kind is. Others have kinds of the same name.
    public init?(apiVersion: String, kind: String) {
        guard let known = WorkloadKind(rawValue: kind) else { return nil }
        let group = apiVersion.contains("/") ? String(apiVersion.prefix { $0 != "/" }) : ""
        guard group == known.resourceType.group else { return nil }
        self = known
    }

    /// Where the pod, or the template of the pods, stands in the object.
    public var podPointer: JSONPointer {
        switch self {
        case .pod: JSONPointer()
        case .cronJob: JSONPointer("spec", "jobTemplate", "spec", "template")
        default: JSONPointer("spec", "template")
        }
    }
}
