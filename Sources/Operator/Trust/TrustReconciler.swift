internal import AdmissionWebhook
internal import KubernetesModel
internal import KubernetesRuntime
internal import ServiceLifecycle
public import WorkloadIdentity

/// Tries whether the providers trust a ServiceAccount, by the operator's own rights: its exchanges one after the other.
public typealias TrustTrial = @Sendable (Plan) async throws -> [TrialResult]

/// Tries the trust of one ServiceAccount whenever that is due.
struct TrustReconciler: Reconciler {
    let planner: Planner
    let stores: WorkloadStores
    let ledger: TrustLedger
    let trial: TrustTrial
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp

    /// Many exchanges that time out take less.
    private static let limit = Duration.seconds(300)

    init(
        planner: Planner, stores: WorkloadStores, ledger: TrustLedger, trial: @escaping TrustTrial,
        clock: any Clock<Duration> = .continuous, now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.clock = clock
        self.planner = planner
        self.stores = stores
        self.ledger = ledger
        self.trial = trial
        self.now = now
    }

    /// - Parameter key: the ServiceAccount's, which is its WorkloadIdentity's.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        // What is tried before that would be lost.
        guard ledger.isRunning else { return .requeue(after: .seconds(1)) }
        guard let account = planner.stores.serviceAccounts[key], planner.configuration.verify.isScheduled(key) else {
            ledger.forget(key)
            return .done
        }
        let plan = planner.plan(for: Subject(key), account)
        guard let scope = TrialScope(plan, planner.configuration) else {
            ledger.forget(key)
            return .done
        }
        let interval = Duration.seconds(planner.configuration.verify.intervalSeconds)
        let known = ledger.history(of: scope, reported: stores.identities[key])
        if let known { ledger.inherit(known, of: key) } else { ledger.forget(key) }
        let wait = max(
            known?.wait(interval: interval, at: now()) ?? .zero, ledger.wait(for: key, interval: interval))
        guard wait == .zero else { return .requeue(after: wait) }
        ledger.begin(key)

        let results: [TrialResult]
        do {
            results = try await cancelWhenGracefulShutdown { [trial, clock] in
                let results = try await withDeadline(Self.limit, clock: clock) { try await trial(plan) }
                // What was broken off says nothing of the trust.
                try Task.checkCancellation()
                return results
            }
        } catch is CancellationError {
            return .requeue(after: .seconds(1))
        }
        ledger.note(results, of: scope, at: now())
        let history = ledger.history(of: scope, reported: nil)
        return .requeue(after: history?.wait(interval: interval, at: now()) ?? .zero)
    }
}

extension Configuration.VerifySettings {
    func isScheduled(_ key: ObjectKey) -> Bool { scheduled.contains(Subject(key)) }
}
