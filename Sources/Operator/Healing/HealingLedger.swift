internal import CoreMetrics
internal import JSON
internal import KubernetesModel
internal import KubernetesRuntime
internal import Logging
internal import Metrics
internal import Synchronization
internal import WorkloadIdentity

/// What all WorkloadIdentities say of healing, and of how many pods are stale: by it one workload waits for another.
final class HealingLedger: Sendable {
    /// What the metrics are, by name, for `# HELP`.
    static let help = [
        "lanyard_healed_pods_total":
            """
        Evictions of pods without their credentials, by outcome: evicted, refused, and afterwards replaced or not_healed; \
        from the leader alone.
        """,
        "lanyard_healing_stopped":
            "1 while so many pods are stale that no stale pod is evicted (healing.stopPercent), else 0.",
    ]

    /// Fewer stale pods stop nothing, whatever their share: a small cluster changes by halves.
    static let fewestToStop = 10

    private struct State {
        var records: [ObjectKey: [HealingRecord]] = [:]
        var pods: [ObjectKey: (total: Int, stale: Int)] = [:]
        var total = 0
        var stale = 0
        var lastEviction: Timestamp?
        var isStopped = false

        mutating func note(_ identity: WorkloadIdentityObject?, _ key: ObjectKey) {
            records[key] = identity.map(\.healing).flatMap { $0.isEmpty ? nil : $0 }
            note(records[key] ?? [])
            let old = pods[key] ?? (0, 0)
            let counts = identity?.status["pods"]
            func count(_ name: String) -> Int { min(max(counts?[name]?.integer ?? 0, 0), 1_000_000) }
            let new = (total: count("total"), stale: count("stale"))
            pods[key] = identity == nil ? nil : new
            total += new.total - old.total
            stale += new.stale - old.stale
        }

        mutating func note(_ records: [HealingRecord]) {
            for record in records where record.phase == .evicting {
                lastEviction = max(lastEviction ?? record.time, record.time)
            }
        }
    }

    private let settings: Configuration.HealingSettings
    private let stopped: Gauge
    private let counters: [Outcome: Counter]
    private let logger: Logger
    private let state = Mutex(State())

    init(_ settings: Configuration.HealingSettings, metrics factory: any MetricsFactory, logger: Logger) {
        self.settings = settings
        self.logger = logger
        stopped = Gauge(label: "lanyard_healing_stopped", factory: factory)
        stopped.record(0)
        counters = Dictionary(
            uniqueKeysWithValues: Outcome.allCases.map { outcome in
                let counter = Counter(
                    label: "lanyard_healed_pods_total", dimensions: [("outcome", outcome.rawValue)], factory: factory)
                // So that a rate is there from the first on.
                counter.increment(by: 0)
                return (outcome, counter)
            })
    }

    /// Notes that a WorkloadIdentity has come, changed or gone.
    ///
    /// - Parameter isComplete: whether all are known by now. Of a part of them nothing follows.
    /// - Returns: whether healing goes on again that had stopped.
    @discardableResult
    func note(_ identity: WorkloadIdentityObject?, _ key: ObjectKey, isComplete: Bool = true) -> Bool {
        state.withLock { $0.note(identity, key) }
        return isComplete && judge()
    }

    /// Stops healing of stale pods, or lets it go on.
    ///
    /// - Returns: whether it goes on again that had stopped.
    @discardableResult
    private func judge() -> Bool {
        let (was, stale, total, isStopped) = state.withLock { state in
            let was = state.isStopped
            // Both are sums of bounded numbers of pods that are there.
            state.isStopped =
                state.stale >= Self.fewestToStop && state.stale * 100 > settings.stopPercent * state.total
            return (was, state.stale, state.total, state.isStopped)
        }
        guard was != isStopped else { return false }
        stopped.record(isStopped ? 1 : 0)
        let counts: Logger.Metadata = ["pods.stale": "\(stale)", "pods": "\(total)"]
        if isStopped {
            logger.warning("healing of stale pods stopped", metadata: counts)
        } else {
            logger.notice("healing of stale pods goes on", metadata: counts)
        }
        return !isStopped
    }

    /// Notes what was written, which the watch tells a little later.
    func note(_ records: [HealingRecord], of key: ObjectKey) {
        state.withLock { state in
            state.records[key] = records
            state.note(records)
        }
    }

    /// What holds for one workload because of all others, which are known by now.
    func brakes(for workload: Workload, at now: Timestamp) -> HealingSituation.Brakes {
        judge()
        return state.withLock { state in
            let inProgress = state.records.reduce(0) { sum, entry in
                sum
                    + entry.value.count { record in
                        let isOwn =
                            entry.key.namespace == workload.metadata.namespace
                            && record.kind == workload.kind.rawValue && record.workload == workload.metadata.name
                        return !isOwn && record.phase == .evicting
                            && (.zero..<HealingSituation.patience).contains(record.time.distance(to: now))
                    }
            }
            return HealingSituation.Brakes(
                allowsDowntime: settings.allowsDowntime, concurrency: settings.concurrency,
                interval: .seconds(settings.intervalSeconds), inProgress: inProgress,
                lastEviction: state.lastEviction, isStopped: state.isStopped)
        }
    }

    /// What became of an eviction, and of the pod that came after it.
    enum Outcome: String, CaseIterable {
        case evicted
        case refused
        case replaced
        case notHealed = "not_healed"
    }

    func count(_ outcome: Outcome) { counters[outcome]?.increment() }
}
