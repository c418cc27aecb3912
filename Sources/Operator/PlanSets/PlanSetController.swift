internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import Logging
internal import Metrics
internal import ServiceLifecycle

/// Keeps all CredentialPlanSets, each written once a second at most.
struct PlanSetController {
    let ledger: PlanSetLedger
    let services: [any Service]

    /// What the metrics are, for `# HELP`.
    static let help = PlanSetLedger.help.merging(InstalledPolicy.help) { first, _ in first }

    private let controller: Controller

    /// How long changes in a namespace are gathered before its object is written.
    private static let delay = Duration.seconds(1)

    init(
        client: KubernetesClient, planner: Planner, after prerequisites: [@Sendable () async throws -> Void],
        metrics: any MetricsFactory, logger: Logger
    ) {
        let objects = Reflector(
            PartialObjectMetadata<CredentialPlanSet>.self, client: client, metrics: metrics, logger: logger)
        let ledger = PlanSetLedger(metrics: metrics)
        let controller = Controller(
            "credentialplanset", reconciler: PlanSetReconciler(client: client, planner: planner, ledger: ledger),
            after: prerequisites + [objects.store.waitUntilSynced], metrics: metrics, logger: logger)
        self.ledger = ledger
        self.controller = controller
        services = [
            objects, controller, InstalledPolicy(client: client, ledger: ledger, metrics: metrics, logger: logger),
        ]
        observe(planner.stores, objects.store)
    }

    private func observe(_ stores: AdmissionStores, _ objects: Store<PartialObjectMetadata<CredentialPlanSet>>) {
        stores.serviceAccounts.observe { change in enqueue(change.key.namespace) }
        stores.namespaces.observe { change in
            if change.old?.metadata.labels != change.new?.metadata.labels { enqueue(change.key.name) }
        }
        let enqueueAll: @Sendable () -> Void = {
            for namespace in Set(stores.serviceAccounts.keys.compactMap(\.namespace)) { enqueue(namespace) }
        }
        stores.webhookConfigurations.observe { change in
            // A webhook that comes or goes changes who may inject.
            if (change.old == nil) != (change.new == nil) { enqueueAll() }
        }
        for definition in stores.definitions.values {
            definition.observe { change in
                if change.old?.servedVersions != change.new?.servedVersions { enqueueAll() }
            }
        }
        // Somebody else may have changed or removed one. Mostly it is what was just written here, which lags behind nothing.
        objects.observe { change in
            guard change.key.name == CredentialPlanSet.name, let namespace = change.key.namespace else { return }
            controller.queue.add(ObjectKey(name: namespace), after: Self.delay)
        }
    }

    private func enqueue(_ namespace: String?) {
        guard let namespace else { return }
        ledger.changed(namespace)
        controller.queue.add(ObjectKey(name: namespace), after: Self.delay)
    }
}
