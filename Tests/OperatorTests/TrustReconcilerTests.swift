import JSON
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycle
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

/// From the ServiceAccount that is named to the condition, the metrics and the events.
@Suite(.timeLimit(.minutes(5))) struct TrustReconcilerTests {
    private static let path = RunningControllers.identityPath("llm")
    private static let hash = StatusFixture.plan(RunningControllers.role, facts: .offline(.eks)).hash

    private let tried = Recorded()
    private var cluster = RunningControllers()

    init() {
        cluster.configuration.verify.scheduled = [Subject(namespace: "ai", serviceAccount: "llm")]
        for name in ["llm", "other"] { cluster.add(serviceAccount: name, RunningControllers.role) }
    }

    /// - Parameter verdict: the provider's on the role of that name.
    private func trial(_ verdict: @escaping @Sendable (String) -> Verdict) -> TrustTrial {
        { [tried] plan in
            let binding = plan.bindings.first { !$0.isBlocked }
            let role = binding?.outcomes.first?.trust.identity ?? ""
            tried.add("\(plan.subject.serviceAccount) \(role.split(separator: "/").last ?? "")")
            return [TrialResult(provider: "aws-bedrock", mechanism: .irsa, identity: role, verdict: verdict(role))]
        }
    }

    private func report(denials: Int, at time: String = "2026-01-01T00:00:00Z") {
        cluster.put(
            Self.path,
            [
                "status": [
                    "conditions": [["type": "Verified", "status": "Unknown", "reason": "TrustPolicyMismatch"]],
                    "verification": [
                        "plan": .string(Self.hash ?? ""), "lastTrialTime": .string(time),
                        "results": [
                            [
                                "provider": "aws-bedrock", "mechanism": "irsa", "status": "Unknown",
                                "identity": "arn:aws:iam::111122223333:role/bedrock", "outcome": "Failed",
                                "reason": "TrustPolicyMismatch", "denials": .number(JSONNumber(denials)),
                            ]
                        ],
                    ],
                ]
            ])
    }

    private func verified() -> [String]? { cluster.condition("Verified", of: Self.path) }

    private static let series = [
        ("namespace", "ai"), ("serviceaccount", "llm"), ("provider", "aws-bedrock"), ("mechanism", "irsa"),
    ]
    private static let sort = [("provider", "aws-bedrock"), ("mechanism", "irsa")]

    @Test("who is named is tried, again when the identity changes, and nobody else; Ready does not depend on it")
    func tries() async throws {
        var cluster = cluster
        cluster.trial = trial { $0.hasSuffix("/bedrock") ? TrustHistoryTests.verified : TrustHistoryTests.denied }
        try await cluster.running { [cluster] _ in
            await eventually { verified() == ["True", "Verified"] }
            #expect(cluster.gauge("lanyard_trust_verified", Self.series) == 1)
            #expect(cluster.gauge("lanyard_credential_age_seconds", Self.sort).map { $0 < 60 } == true)
            cluster.add(
                serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/another"])
            await eventually { verified() == ["Unknown", "TrustPolicyMismatch"] }
            await eventually { cluster.ready("llm")?.first == "True" && cluster.ready("other")?.first == "True" }
            #expect(cluster.gauge("lanyard_credential_age_seconds", Self.sort) == nil)
        }
        #expect(tried.all == ["llm bedrock", "llm another"])
        #expect(cluster.condition("Verified", of: RunningControllers.identityPath("other")) == nil)
        let counts = try ["verified", "denied"].map { outcome in
            try cluster.metrics.expectCounter("lanyard_credential_refresh_total", Self.sort + [("outcome", outcome)])
                .totalValue
        }
        #expect(counts == [1, 1])
        #expect(cluster.lines("trust changed").map { $0["verified"] } == ["True", "Unknown"])
    }

    @Test("another leader goes on counting: the fourth denial is False, with an event and the metric")
    func goesOn() async throws {
        var cluster = cluster
        report(denials: 3)
        cluster.trial = trial { _ in TrustHistoryTests.denied }
        try await cluster.running { [cluster] _ in
            await eventually { verified() == ["False", "TrustPolicyMismatch"] }
            await eventually { cluster.server.events.contains("TrustPolicyMismatch ServiceAccount llm") }
            #expect(cluster.gauge("lanyard_trust_verified", Self.series) == 0)
            // Nothing of it is left with the identity.
            cluster.add(serviceAccount: "llm", [:])
            await eventually { cluster.identity("llm") == nil }
        }
        #expect(tried.all == ["llm bedrock"])
    }

    @Test("what cannot be tried is neither good nor bad, and no event tells of it")
    func unknown() async throws {
        var cluster = cluster
        cluster.trial = trial { _ in TrustHistoryTests.onlyInPod }
        try await cluster.running { _ in await eventually { verified() == ["Unknown", "OnlyInPod"] } }
        #expect(cluster.gauge("lanyard_trust_verified", Self.series) == nil)
        #expect(!cluster.server.events.contains { $0.hasPrefix("OnlyInPod") })
    }

    @Test("an API server that gives no token is asked again, and nothing is said of the trust")
    func noToken() async throws {
        struct Refused: Error {}
        var cluster = cluster
        let isFirst = Mutex(true)
        cluster.trial = { _ in
            let fails = isFirst.withLock { isFirst in
                defer { isFirst = false }
                return isFirst
            }
            if fails { throw Refused() }
            return [TrialResult(provider: "aws-bedrock", mechanism: .irsa, verdict: TrustHistoryTests.verified)]
        }
        try await cluster.running { _ in await eventually { verified() == ["True", "Verified"] } }
        #expect(cluster.lines("reconciliation failed").count == 1)
    }

    @Test("where nobody asks for it, what an earlier configuration left is removed", arguments: [true, false])
    func isSwitchedOff(isForAnother: Bool) async throws {
        var cluster = cluster
        report(denials: 3)
        cluster.configuration.verify.scheduled =
            isForAnother ? [Subject(namespace: "ai", serviceAccount: "third")] : []
        if isForAnother { cluster.trial = trial { _ in TrustHistoryTests.verified } }
        try await cluster.running { [cluster] _ in
            await eventually { cluster.ready("llm")?.first == "True" && verified() == nil }
        }
        #expect(cluster.identity("llm")?["status"]?["verification"] == nil)
        #expect(tried.all.isEmpty)
    }

    @Test("ages grow while nothing happens, of the oldest proof, and end with their ServiceAccounts")
    func ages() async throws {
        let clock = ManualClock()
        let metrics = TestMetrics()
        let now = Mutex(Timestamp(seconds: 1000))
        let refreshes = CredentialRefreshes(metrics: metrics, clock: clock, now: { now.withLock { $0 } })
        let sort = CredentialRefreshes.Sort(provider: "aws-bedrock", mechanism: .irsa)
        let stored = CredentialRefreshes.Sort(provider: "openai", mechanism: .externalSecret)
        func age() -> Double? {
            try? metrics.expectGauge("lanyard_credential_age_seconds", Self.sort).lastValue
        }
        let (one, other) = (ObjectKey(namespace: "ai", name: "a"), ObjectKey(namespace: "ai", name: "b"))
        await withTaskGroup(of: Void.self) { group in
            group.addTask { try? await refreshes.run() }
            refreshes.note([sort: Timestamp(seconds: 990)], of: one, by: .exchange)
            #expect(age() == 10)
            refreshes.note([sort: Timestamp(seconds: 900)], of: other, by: .exchange)
            #expect(age() == 100)
            now.withLock { $0 = Timestamp(seconds: 1015) }
            await clock.advanceUntil { age() == 115 }
            refreshes.note([:], of: other, by: .exchange)
            #expect(age() == 25)
            // A key that was fetched is known by another way, and counted when it is fetched again.
            refreshes.note([stored: Timestamp(seconds: 1000)], of: one, by: .externalSecret)
            refreshes.note([stored: Timestamp(seconds: 1010)], of: one, by: .externalSecret)
            refreshes.note([:], of: one, by: .exchange)
            #expect(metrics.recorders.count == 1)
            refreshes.note([:], of: one, by: .externalSecret)
            #expect(metrics.recorders.isEmpty)
            group.cancelAll()
        }
        let refreshed = [("provider", "openai"), ("mechanism", "external-secret"), ("outcome", "refreshed")]
        #expect(try metrics.expectCounter("lanyard_credential_refresh_total", refreshed).totalValue == 1)
    }
}
