public import CoreMetrics
public import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
public import Logging
public import ServiceLifecycle

/// What the controllers need to know of the cluster, beside what admission does.
public struct WorkloadStores: Sendable {
    let workloads: [WorkloadStore]
    let replicaSets: Store<PartialObjectMetadata<ReplicaSet>>
    /// Pods that are not finished.
    let pods: Store<PartialObjectMetadata<Pod>>
    let identities: Store<WorkloadIdentityObject>

    public let services: [any Service]

    /// For tests.
    init(
        replicaSets: Store<PartialObjectMetadata<ReplicaSet>>, pods: Store<PartialObjectMetadata<Pod>>,
        identities: Store<WorkloadIdentityObject>
    ) {
        (workloads, services) = ([], [])
        (self.replicaSets, self.pods, self.identities) = (replicaSets, pods, identities)
    }

    /// - Throws: if the server cannot be asked which version of CronJob it has.
    public init(client: KubernetesClient, metrics: any MetricsFactory, logger: Logger) async throws {
        let replicaSets = Reflector(
            PartialObjectMetadata<ReplicaSet>.self, client: client,
            configuration: .init { replicaSet in
                replicaSet.metadata.annotations = [:]
                replicaSet.metadata.labels = [:]
            }, metrics: metrics, logger: logger)
        let pods = Reflector(
            PartialObjectMetadata<Pod>.self, client: client,
            configuration: .init(
                fieldSelector: "status.phase!=Succeeded,status.phase!=Failed", indexes: [.namespace, .secretObjects]
            ) { $0.metadata.keepOnlyWhatMatters() }, metrics: metrics, logger: logger)
        let identities = Reflector(
            WorkloadIdentityObject.self, client: client, configuration: .init(indexes: [.namespace]), metrics: metrics,
            logger: logger)

        // CronJob became batch/v1 in Kubernetes 1.21.
        let batch = try await client.servedResources(of: CronJob.resourceType.apiVersion) ?? []
        let cronJob =
            batch.contains { $0.kind == CronJob.resourceType.kind } ? CronJob.resourceType : CronJob.betaResourceType
        workloads = [
            WorkloadStore(Deployment.self, client: client, metrics: metrics, logger: logger),
            WorkloadStore(DaemonSet.self, client: client, metrics: metrics, logger: logger),
            WorkloadStore(StatefulSet.self, client: client, metrics: metrics, logger: logger),
            WorkloadStore(Job.self, client: client, metrics: metrics, logger: logger),
            WorkloadStore(CronJob.self, as: cronJob, client: client, metrics: metrics, logger: logger),
        ]
        self.replicaSets = replicaSets.store
        self.pods = pods.store
        self.identities = identities.store
        services = workloads.map(\.service) + [replicaSets, pods, identities]
    }

    func workloads(using serviceAccount: ObjectKey) -> [Workload] {
        workloads.flatMap { $0.workloads(using: serviceAccount) }
    }

    /// What a pod or a ReplicaSet comes from in the end: a Deployment's pods come from its ReplicaSets.
    ///
    /// - Returns: `nil` if nothing controls it, or nothing that is known controls its ReplicaSet. ReplicaSets of ReplicaSets
    ///   are nobody's but who wrote them so, perhaps in a circle, and are not followed.
    func owner(of object: ObjectMetadata) -> OwnerReference? {
        guard let controller = object.controller, controller.workloadKind == .replicaSet else {
            return object.controller
        }
        let replicaSet = replicaSets[ObjectKey(namespace: object.namespace, name: controller.name)]?.metadata
        guard let replicaSet, replicaSet.uid == controller.uid else { return nil }
        return replicaSet.controller.flatMap { $0.workloadKind == .replicaSet ? nil : $0 }
    }

    /// What people know a pod by, if anything made it: a CronJob rather than one of its Jobs.
    func origin(of pod: ObjectMetadata) -> OwnerReference? {
        guard let owner = owner(of: pod) ?? pod.controller, owner.workloadKind == .job else {
            return owner(of: pod) ?? pod.controller
        }
        let job = workloads.first { $0.kind == .job }?[ObjectKey(namespace: pod.namespace, name: owner.name)]
        return job.flatMap { $0.metadata.uid == owner.uid ? $0.metadata.controller : nil } ?? owner
    }

    /// The template that a pod was made from; `nil` if what made the pod is not followed, or is not there.
    func template(of pod: ObjectMetadata) -> PodTemplate? {
        guard let owner = owner(of: pod), let kind = owner.workloadKind else { return nil }
        let workload = workloads.first { $0.kind == kind }?[ObjectKey(namespace: pod.namespace, name: owner.name)]
        return workload.flatMap { $0.metadata.uid == owner.uid ? $0.template : nil }
    }

    public func waitUntilSynced() async throws {
        for store in workloads { try await store.waitUntilSynced() }
        try await replicaSets.waitUntilSynced()
        try await pods.waitUntilSynced()
        try await identities.waitUntilSynced()
    }
}
