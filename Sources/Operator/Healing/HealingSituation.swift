internal import KubernetesModel
internal import WorkloadIdentity

/// What is known at one moment of a workload whose pods may be replaced, and what follows from it. A value: no clock, no
/// request.
struct HealingSituation {
    struct Pod: Hashable {
        var name: String
        var uid: String
        /// `nil`: nothing that replacing it would change.
        var cause: HealingCause?
        var isReady = true
        /// Whether it is being deleted.
        var isGoing = false
    }

    /// What holds for the whole cluster.
    struct Brakes: Hashable {
        var allowsDowntime = false
        var concurrency = 3
        var interval = Duration.seconds(10)
        /// Workloads, this one left out, that wait for a replacement.
        var inProgress = 0
        var lastEviction: Timestamp?
        /// Whether so many pods are stale that no stale one is evicted.
        var isStopped = false

        /// Why nothing is evicted in the whole cluster, and how soon to look again; `nil` if something may be.
        func pause(at now: Timestamp) -> (hold: Hold, lookAgain: Duration)? {
            guard inProgress < concurrency else { return (.concurrency, .seconds(5)) }
            guard let lastEviction else { return nil }
            return lastEviction.rest(of: interval, at: now).map { (.interval, $0) }
        }
    }

    let mode: HealingMode
    /// How many pods there should be.
    let desired: Int
    var isRollingOut = false
    /// Whether what is injected into new pods can work: else a stale pod may be better off than its replacement.
    var isServed = true
    let pods: [Pod]
    var record: HealingRecord?
    var brakes = Brakes()

    /// What to do next.
    enum Step: Hashable {
        /// Nothing, until something changes.
        case done
        case hold(Hold, lookAgain: Duration)
        /// The last eviction has come to an end, which is to be written.
        case settle(HealingRecord)
        /// Which is to be written first.
        case evict(Pod, HealingRecord)
    }

    /// Why nothing is done for now.
    enum Hold: String, Hashable {
        case awaitingReplacement = "AwaitingReplacement"
        case evictionRefused = "EvictionRefused"
        case notHealed = "NotHealed"
        case stopped = "HealingStopped"
        case notServed = "NotServed"
        case rollout = "Rollout"
        case podsMissing = "PodsMissing"
        case podsNotReady = "PodsNotReady"
        case onlyReadyPod = "OnlyReadyPod"
        case concurrency = "Concurrency"
        case interval = "Interval"
    }

    /// A replacement that never comes keeps other workloads waiting no longer than this.
    static let patience = Duration.seconds(900)
    private static let soon = Duration.seconds(2)
    private static let later = Duration.seconds(30)

    func next(at now: Timestamp) -> Step {
        if let record, record.phase == .evicting, let step = progress(of: record, at: now) { return step }
        let candidates = candidates
        guard let pod = candidates.first else { return .done }
        if let record, let rest = record.pause(at: now) {
            return .hold(record.phase == .refused ? .evictionRefused : .notHealed, lookAgain: rest)
        }
        if let hold = hold(pod) { return .hold(hold, lookAgain: hold.isOfWorkload ? Self.soon : Self.later) }
        if let (hold, lookAgain) = brakes.pause(at: now) { return .hold(hold, lookAgain: lookAgain) }
        return .evict(pod, intent(pod, among: candidates, at: now))
    }

    /// How the eviction that was asked for last goes on; `nil` if it has to be asked for again.
    private func progress(of record: HealingRecord, at now: Timestamp) -> Step? {
        if let pod = pods.first(where: { $0.uid == record.podUID }) {
            return pod.isGoing ? .hold(.awaitingReplacement, lookAgain: Self.soon) : nil
        }
        let left = candidates.count
        // Whatever came is no better: the webhook is away still, or something undoes what it does.
        if present.count >= desired, left >= record.remaining {
            return .settle(
                record.entered(
                    .notHealed, at: now, failures: record.failures + 1,
                    message: "what came in place of pod \(record.pod) is no better"))
        }
        guard present.count >= desired, others.allSatisfy(\.isReady) else {
            return .hold(.awaitingReplacement, lookAgain: Self.soon)
        }
        return .settle(record.entered(.replaced, at: now, failures: 0))
    }

    private var present: [Pod] { pods.filter { !$0.isGoing } }

    private func isCandidate(_ pod: Pod) -> Bool {
        switch pod.cause {
        case .notInjected: true
        case .stale: mode == .restartStale
        case nil: false
        }
    }

    /// Those to be replaced: first what serves nobody, and what has no credentials at all.
    private var candidates: [Pod] {
        present.filter(isCandidate).sorted { left, right in
            if left.isReady != right.isReady { return !left.isReady }
            if left.cause != right.cause { return left.cause == .notInjected }
            return left.name < right.name
        }
    }

    private var others: [Pod] { present.filter { !isCandidate($0) } }

    /// What in the workload itself, or in what pods would get, is against evicting a pod.
    private func hold(_ pod: Pod) -> Hold? {
        if !isServed { return .notServed }
        if brakes.isStopped, pod.cause == .stale { return .stopped }
        if isRollingOut { return .rollout }
        if present.count < desired || present.count < pods.count { return .podsMissing }
        if !others.allSatisfy(\.isReady) { return .podsNotReady }
        let isOnlyReady = pod.isReady && present.filter(\.isReady).count <= 1
        return isOnlyReady && !brakes.allowsDowntime ? .onlyReadyPod : nil
    }

    private func intent(_ pod: Pod, among candidates: [Pod], at now: Timestamp) -> HealingRecord {
        HealingRecord(
            kind: "", workload: "", pod: pod.name, podUID: pod.uid, cause: pod.cause ?? .notInjected, time: now,
            phase: .evicting, remaining: candidates.count,
            failures: record.map { $0.phase == .replaced ? 0 : $0.failures } ?? 0)
    }
}

extension HealingSituation.Hold {
    /// Whether it is over as soon as pods are ready, which no watch tells.
    fileprivate var isOfWorkload: Bool { [.rollout, .podsMissing, .podsNotReady].contains(self) }

    /// As the end of a sentence that begins with the workload.
    var text: String {
        switch self {
        case .awaitingReplacement: "waits until the replacement of the last pod is ready"
        case .evictionRefused: "waits since the API server refused the last eviction"
        case .notHealed: "waits since the last replacement was no better"
        case .stopped:
            """
            is left alone since too many of the cluster's pods are stale, as by one change: restart it by hand, or raise \
            healing.stopPercent
            """
        case .notServed:
            "is left alone since a provider of its ServiceAccount is not ready, and new pods were no better"
        case .rollout: "waits until its rollout is over"
        case .podsMissing: "waits until all of its pods are there"
        case .podsNotReady: "waits until its other pods are ready"
        case .onlyReadyPod:
            """
            is left alone since the only pod that is ready would go: give it a second replica, restart it by hand, or set \
            healing.allowDowntime
            """
        case .concurrency: "waits until fewer workloads are being healed (healing.concurrency)"
        case .interval: "waits since another pod was evicted a moment ago (healing.intervalSeconds)"
        }
    }

    /// Whether it lasts until somebody does something.
    var needsSomebody: Bool { [.stopped, .onlyReadyPod, .notServed].contains(self) }
}

extension HealingRecord {
    /// How long nothing more is tried, after what did not help; `nil` if something may be.
    fileprivate func pause(at now: Timestamp) -> Duration? {
        let (first, most): (Duration, Duration)
        switch phase {
        case .evicting, .replaced: return nil
        case .refused: (first, most) = (.seconds(10), .seconds(600))
        case .notHealed: (first, most) = (.seconds(60), .seconds(21_600))
        }
        let whole = min(first * (1 << min(max(failures - 1, 0), 12)), most)
        return time.rest(of: whole, at: now)
    }
}

extension Timestamp {
    /// How much is left of so long a time since this one; `nil` if it is over. A time to come was written by a clock that was
    /// wrong, and is over, too: what waits for it might wait for months.
    fileprivate func rest(of duration: Duration, at now: Timestamp) -> Duration? {
        let passed = distance(to: now)
        return (.zero..<duration).contains(passed) ? duration - passed : nil
    }
}
