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

    /// What is known of a ServiceAccount with this plan.
    ///
    /// - Parameter identity: the report on it, which tells what was known before this replica led.
    func history(of plan: Plan, reported identity: WorkloadIdentityObject?) -> TrustHistory? {
        let key = plan.subject.key
        let (known, isNew) = state.withLock { state in
            let known = state.histories[key]
            if known == nil, let inherited = identity.flatMap({ TrustHistory($0) }), inherited.isOf(plan) {
                state.histories[key] = inherited
            }
            return (state.histories[key], known == nil)
        }
        if isNew { show(key) }
        return known.flatMap { $0.isOf(plan) ? $0 : nil }
    }

    /// Notes a trial.
    func note(_ history: TrustHistory, of key: ObjectKey) {
        let old = state.withLock { $0.histories.updateValue(history, forKey: key)?.condition?.status }
        for record in history.records {
            guard let sort = record.sort, let outcome = record.countedOutcome else { continue }
            refreshes.count(sort, outcome)
        }
        show(key)
        if let new = history.condition, new.status != old { log(new, old, key) }
        tell(key)
    }

    /// Nothing is tried for it any more.
    func forget(_ key: ObjectKey) {
        guard state.withLock({ $0.histories.removeValue(forKey: key) }) != nil else { return }
        show(key)
        tell(key)
    }

    private func tell(_ key: ObjectKey) {
        let onChange = state.withLock { $0.onChange }
        onChange?(key)
    }

    // MARK: Metrics

    private func show(_ key: ObjectKey) {
        let proofs = state.withLock { state in
            let records = state.histories[key]?.records ?? []
            show(records, of: key, in: &state)
            return records.compactMap { record in record.sort.flatMap { sort in record.lastProof.map { (sort, $0) } } }
        }
        // Of several roles in one pod that counts which was good longest ago.
        refreshes.note(Dictionary(proofs, uniquingKeysWith: min), of: key, by: .exchange)
    }

    private func show(_ records: [TrustRecord], of key: ObjectKey, in state: inout State) {
        // And the worst one.
        var isVerified: [Series: Bool] = [:]
        for record in records where record.status != .unknown {
            let series = Series(provider: record.provider, mechanism: record.mechanism?.rawValue ?? "none")
            isVerified[series] = (isVerified[series] ?? true) && record.status == .true
        }
        var gauges = state.gauges[key] ?? [:]
        for (series, gauge) in gauges where isVerified[series] == nil {
            gauge.destroy()
            gauges[series] = nil
        }
        for (series, isVerified) in isVerified {
            let gauge = gauges[series] ?? gauge(series, key)
            gauge.record(isVerified ? 1 : 0)
            gauges[series] = gauge
        }
        state.gauges[key] = gauges.isEmpty ? nil : gauges
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
