internal import CoreMetrics
internal import JSON
internal import KubernetesModel
internal import KubernetesRuntime
internal import Logging
internal import Metrics
public import ServiceLifecycle
internal import Synchronization
internal import WorkloadIdentity

/// Tells those who watch many identities of all of them: by metrics, and by a line of log for each whose readiness changes.
///
/// It tells what the WorkloadIdentities say, so that they agree. While it runs, which is while this replica leads, since
/// everything would be counted twice otherwise.
public final class IdentityReport: Service {
    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "lanyard_identities":
            "ServiceAccounts that ask for a provider, by provider, mechanism, readiness and reason; from the leader alone.",
        "lanyard_pods": "Pods of ServiceAccounts that ask for providers, by state; from the leader alone.",
    ]

    private struct State {
        var tally: IdentityTally
        var isTelling = false
        /// Of what there is, and is told.
        var gauges: [IdentityTally.Sort: Gauge] = [:]
    }

    private let identities: Store<WorkloadIdentityObject>
    private let factory: any MetricsFactory
    private let logger: Logger
    private let state: Mutex<State>

    /// - Parameter providers: all that can be asked for.
    init(
        of identities: Store<WorkloadIdentityObject>, providers: some Sequence<ProviderName>,
        metrics factory: any MetricsFactory, logger: Logger
    ) {
        self.identities = identities
        self.factory = factory
        self.logger = logger
        state = Mutex(State(tally: IdentityTally(providers: providers)))
        identities.observe { self.note($0) }
    }

    public func run() async throws {
        tell(true)
        defer { tell(false) }
        try? await gracefulShutdown()
    }

    private func tell(_ isTelling: Bool) {
        state.withLock { state in
            state.isTelling = isTelling
            update(Set(state.tally.counts.keys), in: &state)
        }
    }

    private func note(_ change: StoreChange<WorkloadIdentityObject>) {
        let isTelling = state.withLock { state in
            let changed = state.tally.replace(change.old?.status, by: change.new?.status)
            update(changed, in: &state)
            return state.isTelling
        }
        // What is there at the start has not changed.
        if isTelling, identities.isSynced { log(change) }
    }

    // MARK: Metrics

    private func update(_ sorts: Set<IdentityTally.Sort>, in state: inout State) {
        for sort in sorts {
            if state.isTelling, let count = state.tally.counts[sort] {
                let gauge = state.gauges[sort] ?? gauge(sort)
                gauge.record(count)
                state.gauges[sort] = gauge
            } else {
                state.gauges.removeValue(forKey: sort)?.destroy()
            }
        }
    }

    private func gauge(_ sort: IdentityTally.Sort) -> Gauge {
        switch sort {
        case .identity(let provider, let mechanism, let isReady, let reason):
            Gauge(
                label: "lanyard_identities",
                dimensions: [
                    ("provider", provider), ("mechanism", mechanism), ("ready", isReady ? "true" : "false"),
                    ("reason", reason),
                ], factory: factory)
        case .pod(let state):
            Gauge(label: "lanyard_pods", dimensions: [("state", state)], factory: factory)
        }
    }

    // MARK: Log

    private func log(_ change: StoreChange<WorkloadIdentityObject>) {
        guard let new = change.new, let ready = new.readiness else { return }
        let old = change.old?.readiness
        guard old?.status != ready.status else { return }
        logger.info(
            "readiness changed",
            metadata: [
                "namespace": .string(change.key.namespace ?? ""), "serviceaccount": .string(change.key.name),
                "ready": .string(ready.status), "ready.old": .string(old?.status ?? "Unknown"),
                "reason": .string(ready.reason), "reason.old": .string(old?.reason ?? ""),
                "providers": .string(new.status["summary"]?["providers"]?.string ?? ""),
            ])
    }
}

extension WorkloadIdentityObject {
    /// The condition `Ready`, as it stands in the status.
    fileprivate var readiness: (status: String, reason: String)? {
        let condition = (status["conditions"]?.array ?? []).first { $0["type"]?.string == ConditionType.ready }
        guard let condition, let status = condition["status"]?.string else { return nil }
        return (status, condition["reason"]?.string ?? "")
    }
}
