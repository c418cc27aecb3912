internal import CoreMetrics
internal import KubernetesClient
internal import KubernetesModel
internal import Metrics
internal import ServiceLifecycle
internal import Synchronization
internal import WorkloadIdentity

/// How often credentials were renewed of which the operator can know, and how old they are.
final class CredentialRefreshes: Service {
    /// What the metrics are, by name, for `# HELP`.
    static let help = [
        "lanyard_credential_refresh_total":
            """
        Exchanges that the operator tried, by provider, mechanism and outcome (verified, denied or failed), and keys that the \
        External Secrets Operator fetched (refreshed); from the leader alone.
        """,
        "lanyard_credential_age_seconds":
            """
        How long ago an exchange was good last, or a key fetched, by provider and mechanism: of the ServiceAccount for which \
        it is longest ago; from the leader alone.
        """,
    ]

    /// How far an age that is shown may be behind.
    private static let interval = Duration.seconds(15)

    struct Sort: Hashable {
        var provider: ProviderName
        var mechanism: Mechanism

        fileprivate var dimensions: [(String, String)] {
            [("provider", provider.rawValue), ("mechanism", mechanism.rawValue)]
        }
    }

    enum Source: Hashable {
        case exchange
        case externalSecret
    }

    /// A ServiceAccount, by how its credentials are known.
    private struct Holder: Hashable {
        var key: ObjectKey
        var source: Source
    }

    private struct State {
        var times: [Sort: [Holder: Timestamp]] = [:]
        var gauges: [Sort: Gauge] = [:]
        /// By outcome. They outlast leadership, as counters do.
        var counters: [Sort: [String: Counter]] = [:]
    }

    private let factory: any MetricsFactory
    private let clock: any Clock<Duration>
    private let now: @Sendable () -> Timestamp
    private let state = Mutex(State())

    init(
        metrics factory: any MetricsFactory, clock: any Clock<Duration> = .continuous,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.factory = factory
        self.clock = clock
        self.now = now
    }

    /// Shows the ages, which grow while nothing happens.
    func run() async throws {
        await cancelWhenGracefulShutdown { [self] in
            repeat {
                state.withLock { show(&$0) }
            } while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil
        }
        state.withLock { state in
            for gauge in state.gauges.values { gauge.destroy() }
            state = State(counters: state.counters)
        }
    }

    func count(_ sort: Sort, _ outcome: String) {
        state.withLock { count(sort, outcome, in: &$0) }
    }

    /// Replaces what is known of when the credentials of a ServiceAccount were good last.
    func note(_ times: [Sort: Timestamp], of key: ObjectKey, by source: Source) {
        let holder = Holder(key: key, source: source)
        state.withLock { state in
            var isChanged = false
            for sort in Set(state.times.keys).union(times.keys) {
                let old = state.times[sort]?[holder]
                guard old != times[sort] else { continue }
                isChanged = true
                state.times[sort, default: [:]][holder] = times[sort]
                if state.times[sort]?.isEmpty == true { state.times[sort] = nil }
                // Exchanges are counted by who makes them.
                if source == .externalSecret, let old, let new = times[sort], old < new {
                    count(sort, "refreshed", in: &state)
                }
            }
            if isChanged { show(&state) }
        }
    }

    private func count(_ sort: Sort, _ outcome: String, in state: inout State) {
        let counter =
            state.counters[sort]?[outcome]
            ?? Counter(
                label: "lanyard_credential_refresh_total", dimensions: sort.dimensions + [("outcome", outcome)],
                factory: factory)
        state.counters[sort, default: [:]][outcome] = counter
        counter.increment()
    }

    private func show(_ state: inout State) {
        for (sort, gauge) in state.gauges where state.times[sort] == nil {
            gauge.destroy()
            state.gauges[sort] = nil
        }
        let now = now()
        for (sort, times) in state.times {
            guard let oldest = times.values.min() else { continue }
            let gauge =
                state.gauges[sort]
                ?? Gauge(label: "lanyard_credential_age_seconds", dimensions: sort.dimensions, factory: factory)
            gauge.record(oldest.distance(to: now) / .seconds(1))
            state.gauges[sort] = gauge
        }
    }
}
