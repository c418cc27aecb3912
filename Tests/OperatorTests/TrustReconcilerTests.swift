import AdmissionWebhook
import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
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
    private static let fingerprint = StatusFixture.plan(RunningControllers.role, facts: .offline(.eks))
        .trialFingerprint(Configuration())

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
                        "plan": .string(Self.fingerprint ?? ""), "lastTrialTime": .string(time),
                        "results": [
                            [
                                "provider": "aws-bedrock", "mechanism": "irsa", "status": "Unknown",
                                "identity": "arn:aws:iam::111122223333:role/bedrock", "outcome": "Failed",
                                "reason": "TrustPolicyMismatch", "denied": true,
                                "denials": .number(JSONNumber(denials)), "firstDenialTime": .string(time),
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
    private static let way = [("provider", "aws-bedrock"), ("mechanism", "irsa")]

    @Test("who is named is tried, and nobody else; another identity is neither known nor tried at once")
    func tries() async throws {
        var cluster = cluster
        cluster.trial = trial { _ in TrustHistoryTests.verified }
        try await cluster.running { [cluster] _ in
            await eventually { verified() == ["True", "Verified"] }
            #expect(cluster.gauge("lanyard_trust_verified", Self.series) == 1)
            #expect(cluster.gauge("lanyard_credential_age_seconds", Self.way).map { $0 < 60 } == true)
            cluster.add(
                serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/another"])
            await eventually { verified() == nil }
            await eventually { cluster.ready("llm")?.first == "True" && cluster.ready("other")?.first == "True" }
            #expect(cluster.gauge("lanyard_trust_verified", Self.series) == nil)
            #expect(cluster.gauge("lanyard_credential_age_seconds", Self.way) == nil)
        }
        #expect(tried.all == ["llm bedrock"])
        #expect(cluster.condition("Verified", of: RunningControllers.identityPath("other")) == nil)
        let counter = try cluster.metrics.expectCounter(
            "lanyard_credential_refresh_total", Self.way + [("outcome", "verified")])
        #expect(counter.totalValue == 1)
        #expect(cluster.lines("trust changed").map { $0["verified"] } == ["True"])
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
        cluster.configuration.verify.intervalSeconds = 1
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

    /// Stores that know what the cluster has, and who reads them.
    private func withStores(_ body: (Planner, WorkloadStores, Logger) async throws -> Void) async throws {
        let logger = Logger(label: "test")
        let stores = AdmissionStores(client: cluster.server.client, metrics: cluster.metrics, logger: logger)
        let workloads = try await WorkloadStores(
            client: cluster.server.client, metrics: cluster.metrics, logger: logger)
        let planner = Planner(stores: stores, facts: cluster.facts, configuration: cluster.configuration)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in stores.services + workloads.services { group.addTask { try await service.run() } }
            try await stores.waitUntilSynced()
            try await workloads.waitUntilSynced()
            try await body(planner, workloads, logger)
            group.cancelAll()
        }
    }

    @Test("a trial that does not end is broken off, and a minute passes before the next one")
    func takesTooLong() async throws {
        let key = ObjectKey(namespace: "ai", name: "llm")
        try await withStores { planner, stores, logger in
            let clock = ManualClock()
            let ledger = TrustLedger(
                refreshes: CredentialRefreshes(metrics: cluster.metrics), metrics: cluster.metrics, logger: logger,
                now: { Timestamp(seconds: 1000) })
            let never: TrustTrial = { [tried] _ in
                tried.add("a trial")
                let (nothing, source) = AsyncStream<Void>.makeStream()
                for await _ in nothing {}
                source.finish()
                return []
            }
            let reconciler = TrustReconciler(
                planner: planner, stores: stores, ledger: ledger, trial: never, clock: clock)
            #expect(try await reconciler.reconcile(key) == .requeue(after: .seconds(1)))
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addImmediateTask { try await ledger.run() }
                group.addTask {
                    await #expect(throws: DeadlineExceeded.self) { try await reconciler.reconcile(key) }
                }
                await clock.advanceToNextDeadline()
                try await group.next()
                #expect(try await reconciler.reconcile(key) == .requeue(after: .seconds(60)))
                group.cancelAll()
            }
        }
        #expect(tried.all == ["a trial"])
    }

    @Test("of a ServiceAccount that has gone no age is left, if its WorkloadIdentity has gone before it")
    func isGone() async throws {
        let key = ObjectKey(namespace: "ai", name: "gone")
        try await withStores { planner, stores, logger in
            let refreshes = CredentialRefreshes(metrics: cluster.metrics)
            let client = cluster.server.client
            let reconciler = WorkloadIdentityReconciler(
                client: client, planner: planner, stores: stores, pods: PodsByServiceAccount(pods: stores.pods),
                stamps: StampVerification { stores.template(of: $0) },
                keys: IssuerKeyWatch(
                    client: client, namespace: "lanyard-system", facts: { .offline(.eks) }, providersInUse: { [] },
                    metrics: cluster.metrics, logger: logger),
                planSets: nil, trust: nil, refreshes: refreshes,
                events: EventRecorder(
                    client: client, controller: "lanyard.dev/controller", instance: "test", metrics: cluster.metrics,
                    logger: logger))
            let stored = CredentialRefreshes.Way(provider: "openai", mechanism: .externalSecret)
            let dimensions = [("provider", "openai"), ("mechanism", "external-secret")]
            await withTaskGroup(of: Void.self) { group in
                group.addImmediateTask { try? await refreshes.run() }
                refreshes.note([stored: .now], of: key, by: .externalSecret)
                #expect(cluster.gauge("lanyard_credential_age_seconds", dimensions) != nil)
                #expect((try? await reconciler.reconcile(key)) == .done)
                #expect(cluster.gauge("lanyard_credential_age_seconds", dimensions) == nil)
                group.cancelAll()
            }
        }
    }

    @Test("ages grow while nothing happens, of the oldest proof, and end with their ServiceAccounts")
    func ages() async throws {
        let clock = ManualClock()
        let metrics = TestMetrics()
        let now = Mutex(Timestamp(seconds: 1000))
        let refreshes = CredentialRefreshes(metrics: metrics, clock: clock, now: { now.withLock { $0 } })
        let way = CredentialRefreshes.Way(provider: "aws-bedrock", mechanism: .irsa)
        let stored = CredentialRefreshes.Way(provider: "openai", mechanism: .externalSecret)
        func age() -> Double? {
            try? metrics.expectGauge("lanyard_credential_age_seconds", Self.way).lastValue
        }
        let (one, other) = (ObjectKey(namespace: "ai", name: "a"), ObjectKey(namespace: "ai", name: "b"))
        await withTaskGroup(of: Void.self) { group in
            refreshes.note([way: Timestamp(seconds: 900)], of: one, by: .exchange)
            group.addImmediateTask { try? await refreshes.run() }
            #expect(age() == nil)
            refreshes.note([way: Timestamp(seconds: 990)], of: one, by: .exchange)
            #expect(age() == 10)
            refreshes.note([way: Timestamp(seconds: 900)], of: other, by: .exchange)
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
            refreshes.note([stored: Timestamp(seconds: 1010)], of: one, by: .externalSecret)
            group.cancelAll()
            await group.waitForAll()
            refreshes.note([stored: Timestamp(seconds: 1020)], of: one, by: .externalSecret)
            #expect(metrics.recorders.isEmpty)
        }
        let refreshed = [("provider", "openai"), ("mechanism", "external-secret"), ("outcome", "refreshed")]
        #expect(try metrics.expectCounter("lanyard_credential_refresh_total", refreshed).totalValue == 1)
    }
}
