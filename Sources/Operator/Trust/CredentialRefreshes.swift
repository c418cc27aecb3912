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

    /// Whose credential it is, and how it arrives.
    struct Way: Hashable {
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
        /// Only then is anything noted: what comes late would outlast the term of this leader.
        var isRunning = false
        var times: [Way: [Holder: Timestamp]] = [:]
        var gauges: [Way: Gauge] = [:]
        /// By outcome. They outlast leadership, as counters do.
        var counters: [Way: [String: Counter]] = [:]
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
        state.withLock { clear(&$0, isRunning: true) }
        await cancelWhenGracefulShutdown { [self] in
            repeat {
                state.withLock { show(&$0) }
            } while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil
        }
        state.withLock { clear(&$0, isRunning: false) }
    }

    private func clear(_ state: inout State, isRunning: Bool) {
        for gauge in state.gauges.values { gauge.destroy() }
        state = State(isRunning: isRunning, counters: state.counters)
    }

    func count(_ way: Way, _ outcome: String) {
        state.withLock { state in
            if state.isRunning { count(way, outcome, in: &state) }
        }
    }

    /// Replaces what is known of when the credentials of a ServiceAccount were good last.
    func note(_ times: [Way: Timestamp], of key: ObjectKey, by source: Source) {
        let holder = Holder(key: key, source: source)
        state.withLock { state in
            guard state.isRunning else { return }
            var isChanged = false
            for way in Set(state.times.keys).union(times.keys) {
                let old = state.times[way]?[holder]
                guard old != times[way] else { continue }
                isChanged = true
                state.times[way, default: [:]][holder] = times[way]
                if state.times[way]?.isEmpty == true { state.times[way] = nil }
                // Exchanges are counted by who makes them.
                if source == .externalSecret, let old, let new = times[way], old < new {
                    count(way, "refreshed", in: &state)
                }
            }
            if isChanged { show(&state) }
        }
    }

    private func count(_ way: Way, _ outcome: String, in state: inout State) {
        let counter =
            state.counters[way]?[outcome]
            ?? Counter(
                label: "lanyard_credential_refresh_total", dimensions: way.dimensions + [("outcome", outcome)],
                factory: factory)
        state.counters[way, default: [:]][outcome] = counter
        counter.increment()
    }

    private func show(_ state: inout State) {
        for (way, gauge) in state.gauges where state.times[way] == nil {
            gauge.destroy()
            state.gauges[way] = nil
        }
        let now = now()
        for (way, times) in state.times {
            guard let oldest = times.values.min() else { continue }
            let gauge =
                state.gauges[way]
                ?? Gauge(label: "lanyard_credential_age_seconds", dimensions: way.dimensions, factory: factory)
            gauge.record(oldest.distance(to: now) / .seconds(1))
            state.gauges[way] = gauge
        }
    }
}
