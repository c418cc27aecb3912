public import KubernetesClient
internal import KubernetesModel
public import KubernetesRuntime
public import Logging
public import Metrics
public import ServiceLifecycle
internal import WorkloadIdentity

/// The controllers, and what makes each of them look again.
public struct WorkloadIdentityControllers: Sendable {
    /// What is to be run, by the one replica that writes.
    public let services: [any Service]

    private let identities: Controller
    /// Those of the kinds that keep our condition.
    private let conditions: [Workload.Kind: Controller]
    /// Finds out as whom pods run, a namespace at a time.
    private let serviceAccounts: Controller
    /// Compares pods with their stamps, a namespace at a time.
    private let podStamps: Controller
    private let keys: IssuerKeyWatch
    /// Where it is enabled: replaces pods without their credentials, for one ServiceAccount after the other.
    private let healing: (controller: Controller, ledger: HealingLedger)?
    /// Where it is enabled: what the API server's own policy injects from.
    private let planSets: PlanSetController?
    /// Where some of it is tried: what came of that.
    private let trust: TrustLedger?
    /// Where it is asked for: tries the trust of ServiceAccounts.
    private let trials: Controller?
    /// Where pods may try it: reads what they say.
    private let podTrials: Controller?
    private let pods: PodsByServiceAccount
    private let stamps: StampVerification
    private let planner: Planner
    private let stores: WorkloadStores

    /// What the metrics of healing are, by name, for `# HELP`.
    public static var helpOnHealing: [String: String] { HealingLedger.help }

    /// What the metrics of trust are, by name, for `# HELP`.
    public static var helpOnTrust: [String: String] {
        TrustLedger.help.merging(CredentialRefreshes.help) { first, _ in first }
    }

    /// What the metrics of CredentialPlanSets are, by name, for `# HELP`.
    public static var helpOnPlanSets: [String: String] { PlanSetController.help }

    /// Each waits for two answers most of the time, and all of them are written at the first start. More would gain nothing.
    private static let identitiesAtOnce = 16
    /// Providers bound how often they are asked.
    private static let trialsAtOnce = 4

    /// - Parameters:
    ///   - namespace: Lanyard's own.
    ///   - keepsPlanSets: whether the API server's own policy is to have what it injects from.
    ///   - trial: tries the trust of a ServiceAccount; `nil`: that is not asked for.
    public init(
        client: KubernetesClient, planner: Planner, stores: WorkloadStores, namespace: String, keepsPlanSets: Bool,
        trial: TrustTrial?, events: EventRecorder, metrics: any MetricsFactory, logger: Logger
    ) {
        let keys = IssuerKeyWatch(
            client: client, namespace: namespace, facts: { planner.facts },
            providersInUse: {
                Set(stores.identities.keys.compactMap { stores.identities[$0] }.flatMap(\.providersOfIssuerKeys))
            },
            metrics: metrics, logger: logger)
        let pods = PodsByServiceAccount(pods: stores.pods)
        let stamps = StampVerification { stores.template(of: $0) }
        let rate = RateLimit(burst: 20, every: .milliseconds(200))
        let synced: [@Sendable () async throws -> Void] = [planner.stores.waitUntilSynced, stores.waitUntilSynced]
        planSets =
            keepsPlanSets
            ? PlanSetController(
                client: client, planner: planner, after: [planner.stores.waitUntilSynced], metrics: metrics,
                logger: logger) : nil
        let refreshes = CredentialRefreshes(metrics: metrics)
        let hasTrials = trial != nil || planner.configuration.verify.image != nil
        let ledger = hasTrials ? TrustLedger(refreshes: refreshes, metrics: metrics, logger: logger) : nil
        trust = ledger
        trials = trial.flatMap { trial in
            ledger.map { ledger in
                Controller(
                    "trust",
                    reconciler: TrustReconciler(planner: planner, stores: stores, ledger: ledger, trial: trial),
                    concurrency: Self.trialsAtOnce, after: synced, metrics: metrics, logger: logger)
            }
        }
        podTrials = planner.configuration.verify.image.flatMap { _ in
            ledger.map { ledger in
                Controller(
                    "podtrial",
                    reconciler: PodTrialReconciler(
                        client: client, planner: planner, stores: stores, pods: pods, ledger: ledger,
                        rate: rate),
                    after: synced, metrics: metrics, logger: logger)
            }
        }
        identities = Controller(
            "workloadidentity",
            reconciler: WorkloadIdentityReconciler(
                client: client, planner: planner, stores: stores, pods: pods, stamps: stamps,
                keys: keys, planSets: planSets?.ledger, trust: trust, refreshes: refreshes, events: events),
            concurrency: Self.identitiesAtOnce, after: synced, metrics: metrics, logger: logger)
        var conditions: [Workload.Kind: Controller] = [:]
        for workloads in stores.workloads where [.deployment, .daemonSet].contains(workloads.kind) {
            conditions[workloads.kind] = Controller(
                workloads.kind.rawValue.lowercased(),
                reconciler: CredentialsReadyReconciler(
                    client: client, planner: planner, workloads: workloads, stores: stores,
                    pods: pods, stamps: stamps, events: events),
                after: synced, metrics: metrics, logger: logger)
        }
        serviceAccounts = Controller(
            "podserviceaccount",
            reconciler: PodServiceAccountReconciler(client: client, pods: pods, rate: rate),
            after: synced, metrics: metrics, logger: logger)
        podStamps = Controller(
            "podstamp", reconciler: StampReconciler(client: client, planner: planner, stamps: stamps, rate: rate),
            after: synced, metrics: metrics, logger: logger)
        if planner.configuration.healing.isEnabled {
            let ledger = HealingLedger(planner.configuration.healing, metrics: metrics, logger: logger)
            let controller = Controller(
                "healing",
                reconciler: HealingReconciler(
                    client: client, planner: planner, stores: stores, pods: pods, stamps: stamps, events: events,
                    ledger: ledger),
                concurrency: 1, after: synced, metrics: metrics, logger: logger)
            healing = (controller, ledger)
        } else {
            healing = nil
        }
        self.conditions = conditions
        self.keys = keys
        self.pods = pods
        self.stamps = stamps
        self.planner = planner
        self.stores = stores
        let report = IdentityReport(
            of: stores.identities, providers: Provider.all(planner.configuration).map(\.name), metrics: metrics,
            logger: logger)
        let trustServices: [any Service] =
            [trust].compactMap { $0 } + [trials, podTrials].compactMap { $0 }
        services =
            [report, keys, refreshes, serviceAccounts, podStamps, identities] + Array(conditions.values)
            + [healing?.controller].compactMap { $0 } + (planSets?.services ?? [])
            + trustServices
        observe()
    }

    // MARK: Triggers

    private func observe() {
        planner.stores.serviceAccounts.observe { change in
            enqueue(change.key)
        }
        planner.stores.namespaces.observe { change in
            guard change.old?.metadata.labels != change.new?.metadata.labels else { return }
            for key in planner.stores.serviceAccounts.keys(by: .namespace, change.key.name) { enqueue(key) }
        }
        planner.stores.webhookConfigurations.observe { change in
            // Only an injector's coming or going changes a plan.
            guard (change.old == nil) != (change.new == nil) else { return }
            for key in stores.identities.keys { enqueue(key) }
        }
        for definition in planner.stores.definitions.values {
            definition.observe { change in
                guard change.old?.servedVersions != change.new?.servedVersions else { return }
                for key in stores.identities.keys { enqueue(key) }
            }
        }
        planSets?.ledger.observe { identities.queue.add($0) }
        trust?.observe { identities.queue.add($0) }
        keys.observe {
            for key in stores.identities.keys { identities.queue.add(key) }
        }
        for workloads in stores.workloads {
            workloads.observe { old, new in
                for workload in [old, new].compactMap({ $0 }) {
                    identities.queue.add(workload.serviceAccountKey)
                    healing?.controller.queue.add(workload.serviceAccountKey)
                    conditions[workload.kind]?.queue.add(workload.key)
                }
            }
        }
        stores.replicaSets.observe { change in
            if let replicaSet = change.new ?? change.old { judgeOwner(of: replicaSet.metadata) }
        }
        stores.pods.observe { change in
            if let old = change.old, let new = change.new, new.metadata.meansTheSame(as: old.metadata) { return }
            stamps.note(change)
            let concerned = pods.note(change)
            for key in concerned {
                identities.queue.add(key)
                podTrials?.queue.add(key)
            }
            if !concerned.isEmpty, let pod = change.new ?? change.old { judgeOwner(of: pod.metadata) }
        }
        pods.observe(
            PodsByServiceAccount.Observer { namespace in
                serviceAccounts.queue.add(ObjectKey(name: namespace))
            } onDiscovery: { discovery in
                for key in discovery.waiting { enqueue(key) }
                for (key, serviceAccount) in discovery.pods {
                    identities.queue.add(serviceAccount)
                    podTrials?.queue.add(serviceAccount)
                    if let pod = stores.pods[key] { judgeOwner(of: pod.metadata) }
                }
            })
        stamps.observe(
            StampVerification.Observer { namespace in
                podStamps.queue.add(ObjectKey(name: namespace))
            } onFinding: { finding in
                identities.queue.add(finding.serviceAccount)
                judgeOwner(of: finding.pod)
            })
        stores.identities.observe { change in
            identities.queue.add(change.key)
            heal(change)
            if change.new?.secretFailures ?? [:] != change.old?.secretFailures ?? [:] { judgeWorkloads(of: change.key) }
        }
    }

    /// Looks again at a ServiceAccount and at all that runs as it.
    private func enqueue(_ serviceAccount: ObjectKey) {
        identities.queue.add(serviceAccount)
        healing?.controller.queue.add(serviceAccount)
        if planner.configuration.verify.isScheduled(serviceAccount) { trials?.queue.add(serviceAccount) }
        podTrials?.queue.add(serviceAccount)
        judgeWorkloads(of: serviceAccount)
    }

    /// Looks at the pods again as soon as a report says other things of them.
    private func heal(_ change: StoreChange<WorkloadIdentityObject>) {
        guard let healing else { return }
        let goesOn = healing.ledger.note(change.new, change.key, isComplete: stores.identities.isSynced)
        for key in goesOn ? stores.identities.keys : [change.key] { healing.controller.queue.add(key) }
    }

    private func judgeWorkloads(of serviceAccount: ObjectKey) {
        for workload in stores.workloads(using: serviceAccount) { conditions[workload.kind]?.queue.add(workload.key) }
    }

    private func judgeOwner(of object: ObjectMetadata) {
        guard let owner = stores.owner(of: object), let kind = owner.workloadKind else { return }
        conditions[kind]?.queue.add(ObjectKey(namespace: object.namespace, name: owner.name))
    }
}

extension ObjectMetadata {
    /// Whether all of a pod's metadata on which a status depends is as it was. Kubelets change the rest all the time.
    fileprivate func meansTheSame(as old: ObjectMetadata) -> Bool {
        uid == old.uid && (deletionTimestamp == nil) == (old.deletionTimestamp == nil)
            && annotations == old.annotations && labels == old.labels
    }
}
