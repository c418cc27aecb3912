public import JSON

/// A kind of workload that can be listed and watched; all of them hold the same ``Workload``.
public protocol WorkloadResource: KubernetesResource {
    static var workloadKind: WorkloadKind { get }

    var workload: Workload { get set }

    init(_ workload: Workload)
}

extension WorkloadResource {
    public var metadata: ObjectMetadata { workload.metadata }

    public init(from json: inout JSONReader) throws {
        self.init(try Workload(Self.workloadKind, from: &json))
    }
}

public struct Deployment: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.deployment
    public static let resourceType = ResourceType(
        group: "apps", version: "v1", kind: "Deployment", plural: "deployments")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}

public struct DaemonSet: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.daemonSet
    public static let resourceType = ResourceType(group: "apps", version: "v1", kind: "DaemonSet", plural: "daemonsets")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}

public struct StatefulSet: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.statefulSet
    public static let resourceType = ResourceType(
        group: "apps", version: "v1", kind: "StatefulSet", plural: "statefulsets")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}

/// Mostly followed as ``PartialObjectMetadata``: its owner tells which Deployment a pod belongs to.
public struct ReplicaSet: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.replicaSet
    public static let resourceType = ResourceType(
        group: "apps", version: "v1", kind: "ReplicaSet", plural: "replicasets")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}

public struct Job: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.job
    public static let resourceType = ResourceType(group: "batch", version: "v1", kind: "Job", plural: "jobs")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}

public struct CronJob: WorkloadResource, Hashable {
    public static let workloadKind = WorkloadKind.cronJob

    /// Served since Kubernetes 1.21. For 1.20 see ``betaResourceType``.
    public static let resourceType = ResourceType(group: "batch", version: "v1", kind: "CronJob", plural: "cronjobs")

    /// Served up to Kubernetes 1.24.
    public static let betaResourceType = ResourceType(
        group: "batch", version: "v1beta1", kind: "CronJob", plural: "cronjobs")

    public var workload: Workload

    public init(_ workload: Workload) {
        self.workload = workload
    }
}
