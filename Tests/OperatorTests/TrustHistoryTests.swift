import JSON
import KubernetesModel
import Logging
import MetricsTestKit
import Testing
import WorkloadIdentity

@testable import Operator

/// When trust is tried next, and what the results become.
@Suite struct TrustHistoryTests {
    private static let hour = Duration.seconds(3600)
    private static let plan = StatusFixture.plan(StatusFixture.aws)
    private static let otherPlan = StatusFixture.plan(StatusFixture.aws(and: ["lanyard.dev/aws-region": "eu-west-3"]))
    private static let start = Timestamp(seconds: 1_800_000_000)

    private static func after(_ seconds: Int64) -> Timestamp { Timestamp(seconds: start.seconds + seconds) }

    static let verified = Verdict(outcome: .verified, reason: "Verified", message: "it gave a credential")
    static let denied = Verdict.failed("TrustPolicyMismatch", "it denies", fix: "aws iam get-role")
    static let unreachable = Verdict.failed("Unreachable", "it cannot be reached")
    static let singleUse = Verdict.failed("SingleUseToken", "it takes a token once")
    static let onlyInPod = Verdict.unknown("OnlyInPod", "the agent answers pods alone")

    private static func result(_ verdict: Verdict, _ provider: ProviderName = "aws-bedrock") -> TrialResult {
        TrialResult(provider: provider, mechanism: .irsa, identity: StatusFixture.role, verdict: verdict)
    }

    /// One trial a minute.
    private static func history(_ verdicts: Verdict..., of plan: Plan = plan) -> TrustHistory? {
        verdicts.enumerated().reduce(nil) { history, verdict in
            TrustHistory([result(verdict.element)], of: plan, after: history, at: after(Int64(verdict.offset) * 60))
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
        let record = try #require(
            verdicts.reduce(nil as TrustRecord?) { TrustRecord(Self.result($1), after: $0, at: Self.start) })
        let history = try #require(
            verdicts.reduce(nil as TrustHistory?) {
                TrustHistory([Self.result($1)], of: Self.plan, after: $0, at: Self.start)
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
        for _ in 0..<3 { history = TrustHistory(results, of: Self.plan, after: history, at: Self.start) }
        #expect(
            history?.condition?.message == """
                oracle-genai: the agent answers pods alone; aws-bedrock: it denies; next: aws iam get-role; it is tried \
                again before that counts
                """)
        history = TrustHistory(results, of: Self.plan, after: history, at: Self.start)
        #expect(history?.condition?.status == .false)
        #expect(history?.condition?.message == "aws-bedrock: it denies; next: aws iam get-role")
        let good = TrustHistory(Array(results.prefix(1)), of: Self.plan, after: nil, at: Self.start)
        #expect(good.condition?.message == "A token was exchanged for a credential: openai by irsa")
        #expect(TrustHistory([], of: Self.plan, after: nil, at: Self.start).condition == nil)
    }

    @Test("of another plan nothing is known, by this leader or from a report")
    func otherPlan() throws {
        let ledger = TrustLedger(
            refreshes: CredentialRefreshes(metrics: TestMetrics()), metrics: TestMetrics(),
            logger: Logger(label: "test"))
        let history = try #require(Self.history(Self.verified, Self.denied))
        let object: JSONValue = [
            "metadata": ["name": "llm", "namespace": "ai"], "status": ["verification": history.json],
        ]
        let report = try WorkloadIdentityObject(parsing: object.serialized())
        #expect(ledger.history(of: Self.otherPlan, reported: report) == nil)
        #expect(ledger.history(of: Self.plan, reported: nil) == nil)
        #expect(ledger.history(of: Self.plan, reported: report)?.records == history.records)
        #expect(ledger.history(of: Self.plan, reported: nil)?.records == history.records)
        #expect(ledger.history(of: Self.otherPlan, reported: report) == nil)
        ledger.forget(Self.plan.subject.key)
        #expect(ledger.history(of: Self.plan, reported: nil) == nil)
    }

    @Test("a report holds all that another leader needs, which tries at once only what is not proven")
    func goesOn() throws {
        func reported(_ history: TrustHistory) throws -> TrustHistory {
            let object: JSONValue = ["metadata": ["name": "llm"], "status": ["verification": history.json]]
            return try #require(TrustHistory(try WorkloadIdentityObject(parsing: object.serialized())))
        }
        let good = try #require(Self.history(Self.denied, Self.verified))
        let bad = try #require(Self.history(Self.verified, Self.denied, Self.denied, Self.denied))
        for history in [good, bad] {
            let read = try reported(history)
            #expect(read.json == history.json && read.records == history.records)
        }
        #expect(try reported(good).wait(interval: Self.hour, at: Self.after(60)) > .seconds(3000))
        let inherited = try reported(bad)
        #expect(inherited.wait(interval: Self.hour, at: Self.after(181)) == .zero)
        let next = TrustHistory([Self.result(Self.denied)], of: Self.plan, after: inherited, at: Self.after(182))
        #expect(next.condition?.status == .false && next.records.first?.lastProof == Self.start)
        #expect(next.wait(interval: Self.hour, at: Self.after(182)) > .seconds(400))
    }

    @Test(
        "what others write into a status does no harm",
        arguments: [
            #"{}"#, #"{"lastTrialTime": "yesterday"}"#,
            #"{"lastTrialTime": "2026-01-01T00:00:00Z", "results": {"a": 1}}"#,
            """
            {"lastTrialTime": "2026-01-01T00:00:00Z", "results": [1, {}, {"provider": "x", "outcome": "Good", "reason": ""}]}
            """,
            """
            {"lastTrialTime": "2026-01-01T00:00:00Z", "plan": "x", "results": [
            {"provider": "x", "outcome": "Failed", "reason": "R", "denials": 9999999999}]}
            """,
        ])
    func foreign(text: String) throws {
        let object = try WorkloadIdentityObject(parsing: Array(#"{"status": {"verification": \#(text)}}"#.utf8))
        let history = TrustHistory(object)
        _ = history?.condition
        #expect(history?.wait(interval: Self.hour, at: Self.start) ?? .zero == .zero)
    }
}
