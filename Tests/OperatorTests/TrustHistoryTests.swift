import JSON
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycle
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

/// When trust is tried next, and what the results become.
@Suite struct TrustHistoryTests {
    private static let hour = Duration.seconds(3600)
    private static let scope = scope(StatusFixture.aws)
    private static let otherScope = scope(StatusFixture.aws(and: ["lanyard.dev/aws-region": "eu-west-3"]))
    private static let start = Timestamp(seconds: 1_800_000_000)

    private static func scope(
        _ annotations: [String: String], _ configuration: Configuration = Configuration()
    ) -> TrialScope {
        guard let scope = TrialScope(StatusFixture.plan(annotations), configuration) else {
            preconditionFailure("there is nothing to try")
        }
        return scope
    }

    private static func after(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start.seconds + seconds) }

    static let verified = Verdict(outcome: .verified, reason: "Verified", message: "it gave a credential")
    static let denied = Verdict.denied("TrustPolicyMismatch", "it denies", fix: "aws iam get-role")
    static let unreachable = Verdict.failed("Unreachable", "it cannot be reached")
    static let singleUse = Verdict.denied("SingleUseToken", "it takes a token once")
    static let onlyInPod = Verdict.unknown("OnlyInPod", "the agent answers pods alone")

    private static func result(_ verdict: Verdict, _ provider: ProviderName = "aws-bedrock") -> TrialResult {
        TrialResult(provider: provider, mechanism: .irsa, identity: StatusFixture.role, verdict: verdict)
    }

    /// One trial every two minutes.
    private static func history(_ verdicts: Verdict...) -> TrustHistory? {
        verdicts.enumerated().reduce(nil) { history, verdict in
            TrustHistory([result(verdict.element)], of: scope, after: history, at: after(Int64(verdict.offset) * 120))
        }
    }

    @Test(
        "what trials in a row become, and how long after the last of them the next one is due",
        arguments: [
            ([verified], "True Verified", 3600), ([denied], "Unknown TrustPolicyMismatch", 60),
            ([denied, denied], "Unknown TrustPolicyMismatch", 120),
            ([denied, denied, denied], "Unknown TrustPolicyMismatch", 240),
            ([denied, denied, denied, denied], "False TrustPolicyMismatch", 480),
            ([verified, denied], "Unknown TrustPolicyMismatch", 60),
            ([denied, denied, denied, denied, verified], "True Verified", 3600),
            ([denied, denied, denied, verified, denied], "Unknown TrustPolicyMismatch", 60),
            // A network that fails in between says nothing, and so it neither counts nor takes back what was counted.
            ([denied, denied, denied, unreachable], "Unknown Unreachable", 600),
            ([denied, denied, denied, unreachable, denied], "False TrustPolicyMismatch", 480),
            ([unreachable, unreachable, unreachable, unreachable, denied], "Unknown TrustPolicyMismatch", 60),
            ([unreachable], "Unknown Unreachable", 600), ([verified, unreachable], "Unknown Unreachable", 600),
            // The provider gave a credential for the first presentation.
            ([singleUse, singleUse, singleUse, singleUse, singleUse], "Unknown SingleUseToken", 600),
            ([onlyInPod, onlyInPod, onlyInPod, onlyInPod], "Unknown OnlyInPod", 3600),
        ])
    func decides(verdicts: [Verdict], expected: String, wait: Int64) throws {
        // Two minutes apart, and the last one at the start.
        func time(_ index: Int) -> Timestamp { Self.after(Int64(index + 1 - verdicts.count) * 120) }
        let record = try #require(
            verdicts.enumerated().reduce(nil as TrustRecord?) {
                TrustRecord(Self.result($1.element), after: $0, at: time($1.offset))
            })
        let history = try #require(
            verdicts.enumerated().reduce(nil as TrustHistory?) {
                TrustHistory([Self.result($1.element)], of: Self.scope, after: $0, at: time($1.offset))
            })
        let condition = try #require(history.condition)
        #expect("\(condition.status.rawValue) \(condition.reason)" == expected)
        #expect(record.wait(interval: Self.hour) == .seconds(wait))
        // A tenth more or less, and the same until then.
        let due = history.wait(interval: Self.hour, at: Self.start)
        #expect((.seconds(wait) * 0.899 ... .seconds(wait) * 1.101).contains(due))
        #expect(history.wait(interval: Self.hour, at: Self.after(30)) == due - .seconds(30))
        #expect(history.wait(interval: Self.hour, at: Self.after(4000)) == .zero)
    }

    @Test(
        "it is False after four denials and five minutes, whichever comes last",
        arguments: [
            ([0, 10, 20, 30], "Unknown"), ([0, 10, 20, 30, 299], "Unknown"), ([0, 10, 20, 300], "False"),
            ([0, 300, 600], "Unknown"), ([0, 100, 200, 300], "False"),
        ])
    func patience(times: [Int64], status: String) throws {
        let record = times.reduce(nil as TrustRecord?) {
            TrustRecord(Self.result(Self.denied), after: $0, at: Self.after($1))
        }
        #expect(record?.status.rawValue == status)
        let last = Self.after(times.last ?? 0)
        #expect(try TrustRecord(#require(record).json, at: last) == record)
    }

    @Test("no wait is longer than the interval, however often it was denied")
    func waits() {
        var record: TrustRecord?
        var waits: [Duration] = []
        for _ in 0..<20 {
            let next = TrustRecord(Self.result(Self.denied), after: record, at: Self.start)
            waits.append(next.wait(interval: Self.hour))
            record = next
        }
        #expect(waits.prefix(8).map { Int($0 / .seconds(1)) } == [60, 120, 240, 480, 960, 1920, 3600, 3600])
        #expect(waits.last == Self.hour)
        #expect(record?.wait(interval: .seconds(10)) == .seconds(10))
    }

    @Test("the condition says what verify prints, the worst first, and keeps quiet of what is good")
    func tells() throws {
        let results = [
            Self.result(Self.verified, "openai"), Self.result(Self.onlyInPod, "oracle-genai"), Self.result(Self.denied),
        ]
        var history: TrustHistory?
        for index in 0..<3 {
            history = TrustHistory(results, of: Self.scope, after: history, at: Self.after(Int64(index)))
        }
        #expect(
            history?.condition?.message == """
                oracle-genai: the agent answers pods alone; aws-bedrock: it denies; next: aws iam get-role; it is tried \
                again before that counts
                """)
        history = TrustHistory(results, of: Self.scope, after: history, at: Self.after(300))
        #expect(history?.condition?.status == .false)
        #expect(history?.condition?.message == "aws-bedrock: it denies; next: aws iam get-role")
        let good = TrustHistory(Array(results.prefix(1)), of: Self.scope, after: nil, at: Self.start)
        #expect(good.condition?.message == "A token was exchanged for a credential: openai by irsa")
        #expect(TrustHistory([], of: Self.scope, after: nil, at: Self.start).condition == nil)
    }

    @Test(
        "what else is tried, or elsewhere, has another name, and nothing has none",
        arguments: [
            StatusFixture.aws(and: ["lanyard.dev/aws-region": "eu-west-3"]),
            // Blocked: a pod gets the same as before.
            StatusFixture.aws(and: ["lanyard.dev/providers": "aws-bedrock,openai"]),
            StatusFixture.aws(and: ["lanyard.dev/providers": "aws-bedrock,anthropic"]),
            ["lanyard.dev/providers": "openai"], ["lanyard.dev/providers": "anthropic"],
        ])
    func names(annotations: [String: String]) throws {
        var elsewhere = Configuration()
        elsewhere.verify.endpoints["aws-bedrock"] = "https://sts.example"
        let others = [
            Self.scope, Self.scope(StatusFixture.aws, elsewhere),
            Self.scope(["lanyard.dev/providers": "aws-bedrock,google-vertex"]),
        ]
        #expect(!others.contains(Self.scope(annotations)))
        #expect(Set(others).count == others.count)
        #expect(TrialScope(StatusFixture.plan([:]), Configuration()) == nil)
    }

    private static func report(_ history: TrustHistory) throws -> WorkloadIdentityObject {
        let object: JSONValue = [
            "metadata": [
                "name": .string(history.subject.serviceAccount), "namespace": .string(history.subject.namespace),
            ],
            "status": ["verification": history.json],
        ]
        return try WorkloadIdentityObject(parsing: object.serialized())
    }

    /// - Parameter body: is told what sets the time, in seconds after the start.
    private static func withLedger(_ body: (TrustLedger, (Int64) -> Void) async throws -> Void) async throws {
        let time = Mutex(start)
        let metrics = TestMetrics()
        let refreshes = CredentialRefreshes(metrics: metrics)
        let ledger = TrustLedger(
            refreshes: refreshes, metrics: metrics, logger: Logger(label: "test"), now: { time.withLock { $0 } })
        try await withThrowingTaskGroup(of: Void.self) { group in
            // What is noted before the term, and after it, is not kept.
            let history = try #require(Self.history(verified))
            ledger.note([result(verified)], of: scope, at: start)
            #expect(ledger.history(of: scope, reported: nil) == nil)
            group.addImmediateTask { try await ledger.run() }
            try await body(ledger) { seconds in time.withLock { $0 = after(seconds) } }
            group.cancelAll()
            try await group.waitForAll()
            ledger.note([result(verified)], of: scope, at: start)
            ledger.inherit(history, of: scope.key)
            #expect(ledger.history(of: scope, reported: nil) == nil)
            #expect(metrics.recorders.isEmpty)
        }
    }

    @Test("of another plan nothing is known, by this leader or from a report, and to look changes nothing")
    func otherPlan() async throws {
        let history = try #require(Self.history(Self.verified, Self.denied))
        let report = try Self.report(history)
        try await Self.withLedger { ledger, setTime in
            setTime(120)
            #expect(ledger.history(of: Self.otherScope, reported: report) == nil)
            #expect(ledger.history(of: Self.scope, reported: report)?.records == history.records)
            #expect(ledger.history(of: Self.scope, reported: nil) == nil)
            ledger.inherit(history, of: Self.scope.key)
            #expect(ledger.history(of: Self.scope, reported: nil)?.records == history.records)
            #expect(ledger.history(of: Self.otherScope, reported: report) == nil)
            ledger.forget(Self.scope.key)
            #expect(ledger.history(of: Self.scope, reported: nil) == nil)
        }
    }

    @Test("a ServiceAccount is not tried more than once a minute, whatever changes")
    func pause() async throws {
        try await Self.withLedger { ledger, setTime in
            let key = Self.scope.key
            #expect(ledger.wait(for: key, interval: Self.hour) == .zero)
            ledger.begin(key)
            ledger.forget(key)
            setTime(20)
            #expect(ledger.wait(for: key, interval: Self.hour) == .seconds(40))
            #expect(ledger.wait(for: key, interval: .seconds(30)) == .seconds(10))
            #expect(ledger.wait(for: ObjectKey(namespace: "ai", name: "other"), interval: Self.hour) == .zero)
            setTime(-1000)
            #expect(ledger.wait(for: key, interval: Self.hour) == .zero)
            setTime(60)
            #expect(ledger.wait(for: key, interval: Self.hour) == .zero)
        }
    }

    @Test(
        "a report of a time to come is none, and no clock that was set back puts a trial off",
        arguments: [(0, true), (20, true), (40, false), (100_000_000, false)])
    func future(seconds: Int64, isKnown: Bool) throws {
        let history = TrustHistory(
            [Self.result(Self.verified)], of: Self.scope, after: nil, at: Self.after(seconds))
        #expect(history.condition?.status == .true)
        let wait = history.wait(interval: Self.hour, at: Self.start)
        #expect(isKnown ? (.seconds(3000)...Self.hour * 1.1).contains(wait) : wait == .zero)
        let read = TrustHistory(try Self.report(history), at: Self.start)
        #expect((read != nil) == isKnown)
    }

    @Test("a proof of a time to come is unknown")
    func futureProof() throws {
        let record = TrustRecord(Self.result(Self.verified), after: nil, at: Self.after(1))
        #expect(TrustRecord(record.json, at: Self.after(1))?.lastProof == Self.after(1))
        #expect(TrustRecord(record.json, at: Self.start)?.lastProof == nil)
    }

    @Test("a report holds all that another leader needs, which tries at once only what is not proven")
    func goesOn() throws {
        func reported(_ history: TrustHistory) throws -> TrustHistory {
            try #require(TrustHistory(try Self.report(history), at: Self.after(360)))
        }
        let good = try #require(Self.history(Self.denied, Self.verified))
        let bad = try #require(Self.history(Self.verified, Self.denied, Self.denied, Self.denied))
        for history in [good, bad] {
            let read = try reported(history)
            #expect(read.json == history.json && read.records == history.records)
        }
        #expect(try reported(good).wait(interval: Self.hour, at: Self.after(120)) > .seconds(3000))
        let inherited = try reported(bad)
        #expect(inherited.wait(interval: Self.hour, at: Self.after(361)) == .zero)
        let next = TrustHistory([Self.result(Self.denied)], of: Self.scope, after: inherited, at: Self.after(420))
        #expect(next.condition?.status == .false && next.records.first?.lastProof == Self.start)
        #expect(next.wait(interval: Self.hour, at: Self.after(420)) > .seconds(400))
    }

    @Test(
        "what others write into a status does no harm",
        arguments: [
            #"{}"#, #"{"lastTrialTime": "yesterday", "plan": "x", "results": []}"#,
            #"{"lastTrialTime": "2026-01-01T00:00:00Z", "plan": "x", "results": {"a": 1}}"#,
            """
            {"lastTrialTime": "2026-01-01T00:00:00Z", "plan": "x", "results": [
            {"provider": "x", "outcome": "Verified", "reason": "R"}, {"provider": "y", "outcome": "Good", "reason": ""}]}
            """,
            """
            {"lastTrialTime": "2026-01-01T00:00:00Z", "plan": "x", "results": [
            {"provider": "x", "outcome": "Failed", "reason": "R", "denied": true, "denials": 9999999999}]}
            """,
        ])
    func foreign(text: String) throws {
        let object = try WorkloadIdentityObject(parsing: Array(#"{"status": {"verification": \#(text)}}"#.utf8))
        let history = TrustHistory(object, at: Self.start)
        // What is not all known is not known.
        #expect(history?.condition?.status != .true)
        #expect(history?.wait(interval: Self.hour, at: Self.start) ?? .zero == .zero)
    }
}
