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

    /// - Throws: if the server cannot be asked which version of CronJob it has.
    public init(client: KubernetesClient, logger: Logger) async throws {
        let replicaSets = Reflector(
            PartialObjectMetadata<ReplicaSet>.self, client: client,
            configuration: .init { replicaSet in
                replicaSet.metadata.annotations = [:]
                replicaSet.metadata.labels = [:]
            }, logger: logger)
        let pods = Reflector(
            PartialObjectMetadata<Pod>.self, client: client,
            configuration: .init(
                fieldSelector: "status.phase!=Succeeded,status.phase!=Failed", indexes: [.namespace, .secretObjects]
            ) { $0.metadata.keepOnlyWhatMatters() }, logger: logger)
        let identities = Reflector(
            WorkloadIdentityObject.self, client: client, configuration: .init(indexes: [.namespace]), logger: logger)

        // CronJob became batch/v1 in Kubernetes 1.21.
        let batch = try await client.servedResources(of: CronJob.resourceType.apiVersion) ?? []
        let cronJob =
            batch.contains { $0.kind == CronJob.resourceType.kind } ? CronJob.resourceType : CronJob.betaResourceType
        workloads = [
            WorkloadStore(Deployment.self, client: client, logger: logger),
            WorkloadStore(DaemonSet.self, client: client, logger: logger),
            WorkloadStore(StatefulSet.self, client: client, logger: logger),
            WorkloadStore(Job.self, client: client, logger: logger),
            WorkloadStore(CronJob.self, as: cronJob, client: client, logger: logger),
        ]
        self.replicaSets = replicaSets.store
        self.pods = pods.store
        self.identities = identities.store
        services = workloads.map(\.service) + [replicaSets, pods, identities]
    }

    func workloads(using serviceAccount: ObjectKey) -> [Workload] {
        workloads.flatMap { $0.workloads(using: serviceAccount) }
    }

    public func waitUntilSynced() async throws {
        for store in workloads { try await store.waitUntilSynced() }
        try await replicaSets.waitUntilSynced()
        try await pods.waitUntilSynced()
        try await identities.waitUntilSynced()
    }
}
