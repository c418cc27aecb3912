import JSON
import KubernetesModel
import Testing
import WorkloadIdentity

@testable import Operator

/// What is done of a workload whose pods may be replaced, as tables.
@Suite struct HealingSituationTests {
    typealias Pod = HealingSituation.Pod
    typealias Step = HealingSituation.Step

    private static let now = Timestamp(seconds: 1_700_000_000)

    private static func pod(
        _ name: String, _ cause: HealingCause? = nil, ready: Bool = true, going: Bool = false
    ) -> Pod {
        Pod(name: name, uid: "uid-\(name)", cause: cause, isReady: ready, isGoing: going)
    }

    private static func record(
        _ phase: HealingRecord.Phase, pod: String = "gone", secondsAgo: Int64 = 0, remaining: Int = 1,
        failures: Int = 0
    ) -> HealingRecord {
        HealingRecord(
            kind: "Deployment", workload: "app", pod: pod, podUID: "uid-\(pod)", cause: .notInjected,
            time: Timestamp(seconds: now.seconds - secondsAgo), phase: phase, remaining: remaining, failures: failures)
    }

    /// What comes next, in short: `evict a`, `hold Rollout`, `settle Replaced`, `done`.
    private static func next(_ situation: HealingSituation) -> String {
        switch situation.next(at: now) {
        case .done: "done"
        case .hold(let hold, _): "hold \(hold.rawValue)"
        case .settle(let record): "settle \(record.phase.rawValue)"
        case .evict(let pod, _): "evict \(pod.name)"
        }
    }

    private static func situation(
        _ pods: [Pod], mode: HealingMode = .restart, desired: Int? = nil, record: HealingRecord? = nil,
        _ change: (inout HealingSituation) -> Void = { _ in }
    ) -> HealingSituation {
        var situation = HealingSituation(mode: mode, desired: desired ?? pods.count, pods: pods, record: record)
        change(&situation)
        return situation
    }

    struct Case: CustomTestStringConvertible {
        let testDescription: String
        let situation: HealingSituation
        let expected: String

        init(_ description: String, _ situation: HealingSituation, _ expected: String) {
            (testDescription, self.situation, self.expected) = (description, situation, expected)
        }
    }

    static let choices: [Case] = [
        Case("all as they should be", situation([pod("a"), pod("b")]), "done"),
        Case("no pods", situation([]), "done"),
        Case("one of two", situation([pod("a"), pod("b", .notInjected)]), "evict b"),
        Case(
            "what serves nobody goes first",
            situation([pod("a", .notInjected), pod("b", .notInjected, ready: false)]), "evict b"),
        Case("a stale one is left alone by restart", situation([pod("a"), pod("b", .stale)]), "done"),
        Case(
            "a stale one is replaced by restart-stale", situation([pod("a"), pod("b", .stale)], mode: .restartStale),
            "evict b"),
        Case(
            "what was not injected goes before what is stale",
            situation([pod("a", .stale), pod("b", .notInjected)], mode: .restartStale), "evict b"),
        Case("the only one, which is not ready", situation([pod("a", .notInjected, ready: false)]), "evict a"),
    ]

    static let holds: [Case] = [
        Case("the only ready one", situation([pod("a", .notInjected)]), "hold OnlyReadyPod"),
        Case(
            "the only ready one of two, the other being troubled too",
            situation([pod("a", .notInjected), pod("b", .notInjected, ready: false)]), "evict b"),
        Case(
            "the only ready one, where downtime is allowed",
            situation([pod("a", .notInjected)]) { $0.brakes.allowsDowntime = true }, "evict a"),
        Case(
            "a rollout", situation([pod("a"), pod("b", .notInjected)]) { $0.isRollingOut = true }, "hold Rollout"),
        Case("a pod is missing", situation([pod("a"), pod("b", .notInjected)], desired: 3), "hold PodsMissing"),
        Case(
            "a pod is being deleted",
            situation([pod("a"), pod("b", .notInjected), pod("c", going: true)], desired: 2), "hold PodsMissing"),
        Case(
            "another is not ready", situation([pod("a", ready: false), pod("b", .notInjected)]), "hold PodsNotReady"),
        Case(
            "new pods were no better", situation([pod("a"), pod("b", .notInjected)]) { $0.isServed = false },
            "hold NotServed"),
        Case(
            "too many are stale, and this one is",
            situation([pod("a"), pod("b", .stale)], mode: .restartStale) { $0.brakes.isStopped = true },
            "hold HealingStopped"),
        Case(
            "too many are stale, and this one has nothing at all",
            situation([pod("a"), pod("b", .notInjected)]) { $0.brakes.isStopped = true }, "evict b"),
        Case(
            "as many others as may be at once",
            situation([pod("a"), pod("b", .notInjected)]) { $0.brakes.inProgress = 3 }, "hold Concurrency"),
        Case(
            "another was evicted a moment ago",
            situation([pod("a"), pod("b", .notInjected)]) {
                $0.brakes.lastEviction = Timestamp(seconds: now.seconds - 9)
            }, "hold Interval"),
        Case(
            "another was evicted by a replica whose clock was a month ahead",
            situation([pod("a"), pod("b", .notInjected)]) {
                $0.brakes.lastEviction = Timestamp(seconds: now.seconds + 2_592_000)
            }, "evict b"),
        Case(
            "another was evicted long enough ago",
            situation([pod("a"), pod("b", .notInjected)]) {
                $0.brakes.lastEviction = Timestamp(seconds: now.seconds - 10)
            }, "evict b"),
    ]

    static let progress: [Case] = [
        Case(
            "the pod is on its way out",
            situation([pod("a"), pod("b", .notInjected, going: true)], record: record(.evicting, pod: "b")),
            "hold AwaitingReplacement"),
        Case(
            "the leader died before it asked",
            situation([pod("a"), pod("b", .notInjected)], record: record(.evicting, pod: "b")), "evict b"),
        Case(
            "the replacement is not there yet",
            situation([pod("a")], desired: 2, record: record(.evicting)), "hold AwaitingReplacement"),
        Case(
            "the replacement is not ready",
            situation([pod("a"), pod("c", ready: false)], record: record(.evicting)), "hold AwaitingReplacement"),
        Case(
            "the replacement is ready, and the last was",
            situation([pod("a"), pod("c")], record: record(.evicting)), "settle Replaced"),
        Case(
            "the replacement is ready, and there is another to go",
            situation([pod("a", .notInjected), pod("c")], record: record(.evicting, remaining: 2)), "settle Replaced"),
        Case(
            "the replacement is no better",
            situation([pod("a"), pod("c", .notInjected)], record: record(.evicting)), "settle NotHealed"),
        Case(
            "after a success, the next",
            situation([pod("a", .notInjected), pod("c")], record: record(.replaced, remaining: 2)), "evict a"),
        Case(
            "a minute after it did not help",
            situation(
                [pod("a"), pod("c", .notInjected)], record: record(.notHealed, secondsAgo: 60, failures: 1)),
            "evict c"),
        Case(
            "a minute after it did not help twice",
            situation(
                [pod("a"), pod("c", .notInjected)], record: record(.notHealed, secondsAgo: 60, failures: 2)),
            "hold NotHealed"),
        Case(
            "it did not help, by a clock that was a month ahead",
            situation(
                [pod("a"), pod("c", .notInjected)], record: record(.notHealed, secondsAgo: -2_592_000, failures: 1)),
            "evict c"),
        Case(
            "9 s after a refusal",
            situation(
                [pod("a"), pod("b", .notInjected)], record: record(.refused, pod: "b", secondsAgo: 9, failures: 1)),
            "hold EvictionRefused"),
        Case(
            "10 s after a refusal",
            situation(
                [pod("a"), pod("b", .notInjected)], record: record(.refused, pod: "b", secondsAgo: 10, failures: 1)),
            "evict b"),
        Case(
            "10 minutes after the hundredth refusal",
            situation(
                [pod("a"), pod("b", .notInjected)], record: record(.refused, pod: "b", secondsAgo: 600, failures: 100)),
            "evict b"),
        Case(
            "refused, and gone all the same",
            situation([pod("a"), pod("c")], record: record(.refused, pod: "b", failures: 1)), "done"),
    ]

    @Test("which pod goes", arguments: choices) func chooses(_ case: Case) {
        #expect(Self.next(`case`.situation) == `case`.expected)
    }

    @Test("what holds it back", arguments: holds) func waits(_ case: Case) {
        #expect(Self.next(`case`.situation) == `case`.expected)
    }

    @Test("how an eviction goes on", arguments: progress) func goesOn(_ case: Case) {
        #expect(Self.next(`case`.situation) == `case`.expected)
    }

    @Test("failures are counted until a replacement is better, and start from nothing then")
    func countsFailures() throws {
        let pods = [Self.pod("a"), Self.pod("c", .notInjected)]
        let again = Self.situation(pods, record: Self.record(.notHealed, secondsAgo: 300, failures: 2))
        guard case .evict(_, let record) = again.next(at: Self.now) else {
            Issue.record("\(again.next(at: Self.now))")
            return
        }
        #expect(record.failures == 2 && record.remaining == 1 && record.podUID == "uid-c")
        let failed = Self.situation(pods, record: Self.record(.evicting, failures: 2))
        guard case .settle(let settled) = failed.next(at: Self.now) else {
            Issue.record("\(failed.next(at: Self.now))")
            return
        }
        #expect(settled.phase == .notHealed && settled.failures == 3)
    }

    @Test("a record is read as it was written") func records() {
        let record = Self.record(.refused, pod: "b", remaining: 4, failures: 2).entered(
            .refused, at: Self.now, failures: 3, message: "budget")
        #expect(HealingRecord(record.json) == record)
        #expect(HealingRecord(["phase": "Evicting"]) == nil)
    }
}
