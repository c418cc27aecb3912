public import CoreMetrics
public import KubernetesClient
public import KubernetesModel
public import KubernetesRuntime
public import Logging
public import ServiceLifecycle
package import WorkloadIdentity

/// What admission needs to know of the cluster, kept up to date.
public struct AdmissionStores: Sendable {
    public let serviceAccounts: Store<ServiceAccount>
    public let namespaces: Store<PartialObjectMetadata<Namespace>>
    public let webhookConfigurations: Store<MutatingWebhookConfiguration>
    /// The definitions of the kinds by which stored keys get to pods. Each store holds one object or none.
    let definitions: [SecretObject.Kind: Store<CustomResourceDefinition>]

    /// What keeps the stores up to date, to be run.
    public let services: [any Service]

    public init(client: KubernetesClient, metrics: any MetricsFactory, logger: Logger) {
        let accounts = Reflector(
            ServiceAccount.self, client: client,
            configuration: .init(indexes: [.namespace]) { $0.metadata.keepOnlyWhatMatters() }, metrics: metrics,
            logger: logger)
        let namespaces = Reflector(
            PartialObjectMetadata<Namespace>.self, client: client,
            configuration: .init { $0.metadata.keepOnlyWhatMatters() }, metrics: metrics, logger: logger)
        let configurations = Reflector(
            MutatingWebhookConfiguration.self, client: client, metrics: metrics, logger: logger)
        let definitions = SecretObject.Kind.allCases.map { kind in
            let selector = "metadata.name=\(kind.resourceType.definitionName)"
            return (
                kind,
                Reflector(
                    CustomResourceDefinition.self, client: client, configuration: .init(fieldSelector: selector),
                    metrics: metrics, logger: logger)
            )
        }
        self.init(
            serviceAccounts: accounts.store, namespaces: namespaces.store,
            webhookConfigurations: configurations.store,
            definitions: Dictionary(uniqueKeysWithValues: definitions.map { ($0, $1.store) }),
            services: [accounts, namespaces, configurations] + definitions.map(\.1))
    }

    package init(
        serviceAccounts: Store<ServiceAccount>, namespaces: Store<PartialObjectMetadata<Namespace>>,
        webhookConfigurations: Store<MutatingWebhookConfiguration>,
        definitions: [SecretObject.Kind: Store<CustomResourceDefinition>] = [:], services: [any Service]
    ) {
        self.serviceAccounts = serviceAccounts
        self.namespaces = namespaces
        self.webhookConfigurations = webhookConfigurations
        self.definitions = definitions
        self.services = services
    }

    public func waitUntilSynced() async throws {
        try await serviceAccounts.waitUntilSynced()
        try await namespaces.waitUntilSynced()
        try await webhookConfigurations.waitUntilSynced()
        for definition in definitions.values { try await definition.waitUntilSynced() }
    }
}

extension StoreIndex {
    static var namespace: StoreIndex { StoreIndex("namespace") { [$0.metadata.namespace ?? ""] } }
}

extension ObjectMetadata {
    /// Drops annotations and labels on which no decision rests: most of a large cluster's memory.
    mutating func keepOnlyWhatMatters() {
        annotations = annotations.filter { AnnotationKey.mayMatter($0.key) }
        labels = labels.filter { AnnotationKey.mayMatter($0.key) }
    }
}
