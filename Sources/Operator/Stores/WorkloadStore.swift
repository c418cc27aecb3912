internal import CoreMetrics
internal import KubernetesClient
public import KubernetesModel
internal import KubernetesRuntime
internal import Logging
public import ServiceLifecycle
internal import WorkloadIdentity

/// The workloads of one kind, kept up to date.
public struct WorkloadStore: Sendable {
    public let kind: Workload.Kind
    public let service: any Service

    private let find: @Sendable (ObjectKey) -> Workload?
    private let findByAccount: @Sendable (ObjectKey) -> [Workload]
    private let observeChanges: @Sendable (@escaping @Sendable (_ old: Workload?, _ new: Workload?) -> Void) -> Void
    private let wait: @Sendable () async throws -> Void

    /// - Parameter resourceType: the version that the server has, where it is not the usual one.
    init<Resource: WorkloadResource>(
        _ type: Resource.Type, as resourceType: ResourceType = Resource.resourceType, client: KubernetesClient,
        metrics: any MetricsFactory, logger: Logger
    ) {
        let index = StoreIndex<Resource>("serviceAccount") { ["\($0.workload.serviceAccountKey)"] }
        var configuration = ReflectorConfiguration<Resource>(indexes: [index]) { $0.workload.keepOnlyWhatMatters() }
        configuration.resourceType = resourceType
        let reflector = Reflector(
            Resource.self, client: client, configuration: configuration, metrics: metrics, logger: logger)
        let store = reflector.store
        kind = Resource.workloadKind
        service = reflector
        find = { store[$0]?.workload }
        findByAccount = { store.resources(by: index, "\($0)").map { $0.workload } }
        observeChanges = { observer in store.observe { observer($0.old?.workload, $0.new?.workload) } }
        wait = store.waitUntilSynced
    }

    subscript(key: ObjectKey) -> Workload? { find(key) }

    func workloads(using serviceAccount: ObjectKey) -> [Workload] { findByAccount(serviceAccount) }

    func observe(_ observer: @escaping @Sendable (_ old: Workload?, _ new: Workload?) -> Void) {
        observeChanges(observer)
    }

    func waitUntilSynced() async throws { try await wait() }
}

extension Workload {
    /// Drops what only containers are about: a plan does not depend on them.
    fileprivate mutating func keepOnlyWhatMatters() {
        metadata.keepOnlyWhatMatters()
        template.annotations = template.annotations.filter { AnnotationKey.mayMatter($0.key) }
        template.labels = template.labels.filter { AnnotationKey.mayMatter($0.key) }
        template.initContainers = []
        template.containers = []
    }
}
