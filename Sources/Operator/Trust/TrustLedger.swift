internal import CoreMetrics
internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import Metrics
internal import ServiceLifecycle
internal import Synchronization
internal import WorkloadIdentity

/// What came of trying the trust of all ServiceAccounts for which that is asked.
///
/// It knows and tells while it runs, which is while this replica leads.
final class TrustLedger: Service {
    /// What the metrics are, by name, for `# HELP`.
    static let help = [
        "lanyard_trust_verified":
            """
        1 while the provider gives the ServiceAccount a credential, 0 while it denies that; not there while it is not known; \
        from the leader alone.
        """
    ]

    private struct Series: Hashable {
        var provider: ProviderName
        var mechanism: String
    }

    private struct State {
        var histories: [ObjectKey: TrustHistory] = [:]
        var gauges: [ObjectKey: [Series: Gauge]] = [:]
        var onChange: (@Sendable (ObjectKey) -> Void)?
    }

    private let refreshes: CredentialRefreshes
    private let factory: any MetricsFactory
    private let logger: Logger
    private let state = Mutex(State())

    init(refreshes: CredentialRefreshes, metrics factory: any MetricsFactory, logger: Logger) {
        self.refreshes = refreshes
        self.factory = factory
        self.logger = logger
    }

    /// - Parameter onChange: called with the ServiceAccount of which something new is known.
    func observe(_ onChange: @escaping @Sendable (ObjectKey) -> Void) { state.withLock { $0.onChange = onChange } }

    func run() async throws {
        try? await gracefulShutdown()
        state.withLock { state in
            for gauge in state.gauges.values.flatMap(\.values) { gauge.destroy() }
            state = State(onChange: state.onChange)
        }
    }

    /// What is known of a ServiceAccount.
    ///
    /// - Parameter identity: the report on it, which tells what was known before this replica led.
    func history(of key: ObjectKey, reported identity: WorkloadIdentityObject?) -> TrustHistory? {
        if let known = state.withLock({ $0.histories[key] }) { return known }
        guard let inherited = identity.flatMap({ TrustHistory($0) }) else { return nil }
        show(inherited, of: key)
        return inherited
    }

    /// Notes a trial.
    func note(_ history: TrustHistory, of key: ObjectKey) {
        let old = state.withLock { $0.histories[key]?.condition?.status }
        for record in history.records {
            guard let sort = record.sort, let outcome = record.countedOutcome else { continue }
            refreshes.count(sort, outcome)
        }
        show(history, of: key)
        if let new = history.condition, new.status != old { log(new, old, key) }
        tell(key)
    }

    /// Nothing is tried for it any more.
    func forget(_ key: ObjectKey) {
        let wasKnown = state.withLock { state in
            for gauge in (state.gauges.removeValue(forKey: key) ?? [:]).values { gauge.destroy() }
            return state.histories.removeValue(forKey: key) != nil
        }
        refreshes.note([:], of: key, by: .exchange)
        if wasKnown { tell(key) }
    }

    private func tell(_ key: ObjectKey) {
        let onChange = state.withLock { $0.onChange }
        onChange?(key)
    }

    private func show(_ history: TrustHistory, of key: ObjectKey) {
        // Of several roles in one pod the worst counts, and the one that was good longest ago.
        var isVerified: [Series: Bool] = [:]
        var proofs: [CredentialRefreshes.Sort: Timestamp] = [:]
        for record in history.records {
            if record.status != .unknown {
                let series = Series(provider: record.provider, mechanism: record.mechanism?.rawValue ?? "none")
                isVerified[series] = (isVerified[series] ?? true) && record.status == .true
            }
            if let sort = record.sort, let proof = record.lastProof { proofs[sort] = min(proofs[sort] ?? proof, proof) }
        }
        refreshes.note(proofs, of: key, by: .exchange)
        state.withLock { state in
            state.histories[key] = history
            for (series, gauge) in state.gauges[key] ?? [:] where isVerified[series] == nil {
                gauge.destroy()
                state.gauges[key]?[series] = nil
            }
            for (series, isVerified) in isVerified {
                let gauge = state.gauges[key]?[series] ?? gauge(series, key)
                gauge.record(isVerified ? 1 : 0)
                state.gauges[key, default: [:]][series] = gauge
            }
        }
    }

    private func gauge(_ series: Series, _ key: ObjectKey) -> Gauge {
        Gauge(
            label: "lanyard_trust_verified",
            dimensions: [
                ("namespace", key.namespace ?? ""), ("serviceaccount", key.name),
                ("provider", series.provider.rawValue), ("mechanism", series.mechanism),
            ], factory: factory)
    }

    private func log(_ new: Condition, _ old: Condition.Status?, _ key: ObjectKey) {
        logger.info(
            "trust changed",
            metadata: [
                "namespace": "\(key.namespace ?? "")", "serviceaccount": "\(key.name)",
                "verified": "\(new.status.rawValue)", "verified.old": "\(old?.rawValue ?? "")",
                "reason": "\(new.reason)",
            ])
    }
}

extension TrustRecord {
    fileprivate var sort: CredentialRefreshes.Sort? {
        mechanism.map { CredentialRefreshes.Sort(provider: provider, mechanism: $0) }
    }

    /// `nil` if nobody was asked.
    fileprivate var countedOutcome: String? {
        switch verdict.outcome {
        case .verified: "verified"
        case .failed: verdict.isDenial ? "denied" : "failed"
        case .unknown: nil
        }
    }
}
