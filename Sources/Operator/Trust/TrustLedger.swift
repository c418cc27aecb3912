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
        /// Only then is anything noted: what comes late would outlast the term of this leader.
        var isRunning = false
        /// When each ServiceAccount was tried last, whatever was tried. As many as the configuration names.
        var lastTrials: [ObjectKey: Timestamp] = [:]
        var histories: [ObjectKey: TrustHistory] = [:]
        var gauges: [ObjectKey: [Series: Gauge]] = [:]
        var onChange: (@Sendable (ObjectKey) -> Void)?
    }

    private let refreshes: CredentialRefreshes
    private let factory: any MetricsFactory
    private let logger: Logger
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())

    /// Whoever may write annotations could have a provider asked without end.
    private static let shortestWait = Duration.seconds(60)

    init(
        refreshes: CredentialRefreshes, metrics factory: any MetricsFactory, logger: Logger,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.now = now
        self.refreshes = refreshes
        self.factory = factory
        self.logger = logger
    }

    /// - Parameter onChange: called with the ServiceAccount of which something new is known.
    func observe(_ onChange: @escaping @Sendable (ObjectKey) -> Void) { state.withLock { $0.onChange = onChange } }

    func run() async throws {
        clear(isRunning: true)
        try? await gracefulShutdown()
        clear(isRunning: false)
    }

    private func clear(isRunning: Bool) {
        state.withLock { state in
            for gauge in state.gauges.values.flatMap(\.values) { gauge.destroy() }
            state = State(isRunning: isRunning, onChange: state.onChange)
        }
    }

    var isRunning: Bool { state.withLock { $0.isRunning } }

    /// What is known of a ServiceAccount with this scope.
    ///
    /// - Parameter identity: the report on it, which tells what was known before this replica led.
    func history(of scope: TrialScope, reported identity: WorkloadIdentityObject?) -> TrustHistory? {
        let known =
            state.withLock { $0.histories[scope.key] } ?? identity.flatMap { TrustHistory($0, at: now()) }
        return known.flatMap { $0.isOf(scope) ? $0 : nil }
    }

    /// Goes on from what is reported, if nothing is known.
    func inherit(_ history: TrustHistory, of key: ObjectKey) {
        let isNew = state.withLock { state in
            guard state.isRunning, state.histories[key] == nil else { return false }
            state.histories[key] = history
            return true
        }
        if isNew { show(key) }
    }

    /// How long it is until a ServiceAccount may be tried again, whatever has changed.
    func wait(for key: ObjectKey, interval: Duration) -> Duration {
        let now = now()
        guard let last = state.withLock({ $0.lastTrials[key] }), now.elapsed(until: last) <= TrustHistory.clockSkew
        else { return .zero }
        return max(.zero, min(interval, Self.shortestWait) - last.elapsed(until: now))
    }

    /// A trial begins, however it will end.
    func begin(_ key: ObjectKey) {
        let now = now()
        state.withLock { state in
            if state.isRunning { state.lastTrials[key] = now }
        }
    }

    /// Notes a trial: what is known by now goes before it, since another may have ended meanwhile.
    ///
    /// - Parameters:
    ///   - pod: the one in which it was tried; `nil`: the operator did.
    ///   - time: when it ended.
    func note(_ results: [TrialResult], of scope: TrialScope, seenIn pod: String? = nil, at time: Timestamp) {
        let key = scope.key
        let noted = state.withLock { state -> (new: TrustHistory, old: Condition.Status?)? in
            guard state.isRunning else { return nil }
            let known = state.histories[key].flatMap { $0.isOf(scope) ? $0 : nil }
            let new = TrustHistory(results, of: scope, after: known, seenIn: pod, at: time)
            if pod != nil, new.records == known?.records { return nil }
            return (new, state.histories.updateValue(new, forKey: key)?.condition?.status)
        }
        guard let (history, old) = noted else { return }
        for result in results {
            guard let way = CredentialRefreshes.Way(result.provider, by: result.mechanism),
                let outcome = result.countedOutcome
            else { continue }
            refreshes.count(way, outcome)
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
            return records.compactMap { record -> (CredentialRefreshes.Way, Timestamp)? in
                guard let way = CredentialRefreshes.Way(record.provider, by: record.mechanism) else { return nil }
                return record.lastProof.map { (way, $0) }
            }
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

extension CredentialRefreshes.Way {
    /// `nil` without a mechanism: nobody was asked.
    fileprivate init?(_ provider: ProviderName, by mechanism: Mechanism?) {
        guard let mechanism else { return nil }
        self.init(provider: provider, mechanism: mechanism)
    }
}

extension TrialResult {
    /// `nil` if nobody was asked.
    fileprivate var countedOutcome: String? {
        switch verdict.outcome {
        case .verified: "verified"
        case .failed: verdict.isDenial ? "denied" : "failed"
        case .unknown: nil
        }
    }
}
