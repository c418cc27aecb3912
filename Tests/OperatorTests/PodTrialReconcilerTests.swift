import JSON
import KubernetesModel
import MetricsTestKit
import Testing
import WorkloadIdentity

@testable import Operator
@testable import PodInjection

/// From the termination message of a pod's init container to the condition.
@Suite(.timeLimit(.minutes(5))) struct PodTrialReconcilerTests {
    private static let path = RunningControllers.identityPath("llm")

    private var cluster = RunningControllers()

    init() {
        cluster.configuration.verify.image = "lanyard:1"
        for name in ["llm", "other"] { cluster.add(serviceAccount: name, RunningControllers.role) }
    }

    private var verified: [String]? { cluster.condition("Verified", of: Self.path) }

    private var othersVerified: [String]? {
        cluster.condition("Verified", of: RunningControllers.identityPath("other"))
    }

    private static let good = #""outcome":"Verified","reason":"Verified""#
    private static let denied =
        #""outcome":"Failed","reason":"TrustPolicyMismatch","denied":true,"message":"it denies""#
    private static let away = #""outcome":"Failed","reason":"Unreachable","message":"nobody is there""#
    private static func message(_ result: String) -> String {
        #"{"results":[{"provider":"aws-bedrock","mechanism":"irsa",\#(result)}]}"#
    }

    /// A pod as the webhook leaves it.
    ///
    /// - Parameter message: `nil`: the init container still runs.
    private func pod(
        _ message: String?, named name: String = "app", as account: String = "llm",
        annotations: [String: String] = [:],
        finishedAt: String = "2026-01-01T00:00:00Z", change: (inout JSONValue) -> Void = { _ in }
    ) throws -> JSONValue {
        var pod: JSONValue = [
            "metadata": [
                "name": .string(name), "namespace": "ai", "uid": .string("uid-\(name)"),
                "annotations": .object(JSONObject(["lanyard.dev/verify": "true"].merging(annotations) { $1 })),
            ],
            "spec": ["serviceAccountName": .string(account), "containers": [["name": "app"]]],
        ]
        let manifest = PodManifest(pod)
        let plan = Plan(
            for: StatusFixture.subject, serviceAccount: RunningControllers.role, pod: PodContext(pod: manifest),
            facts: cluster.facts, configuration: cluster.configuration)
        try pod.apply(Injection(of: plan, into: manifest, configuration: cluster.configuration).patch)
        if let message {
            pod["status"] = [
                "initContainerStatuses": [
                    [
                        "name": "lanyard-verify",
                        "state": [
                            "terminated": [
                                "exitCode": 0, "message": .string(message), "finishedAt": .string(finishedAt),
                            ]
                        ],
                    ]
                ]
            ]
        }
        change(&pod)
        return pod
    }

    private func put(_ pod: JSONValue) {
        cluster.put("/api/v1/namespaces/ai/pods/\(pod["metadata"]?["name"]?.string ?? "")", pod)
    }

    @Test(
        "what a pod says becomes the condition: one denial there is one, since the application is denied as well",
        arguments: [
            (good, ["True", "Verified"]), (denied, ["False", "TrustPolicyMismatch"]),
            (away, ["Unknown", "Unreachable"]), ("", ["Unknown", "ResultUnreadable"]),
        ])
    func tells(result: String, condition: [String]) async throws {
        put(try pod(result.isEmpty ? "panic" : Self.message(result)))
        try await cluster.running { [cluster] _ in
            await eventually { verified == condition }
            await eventually { cluster.ready("llm")?.first == "True" && cluster.ready("other")?.first == "True" }
        }
        let record = cluster.identity("llm")?["status"]?["verification"]?["results"]?.array?.first
        #expect(record?["pod"] == "app")
        #expect(record?["lastProofTime"]?.string == (condition[0] == "True" ? "2026-01-01T00:00:00Z" : nil))
        #expect(cluster.condition("Verified", of: RunningControllers.identityPath("other")) == nil)
    }

    @Test(
        "a pod is not believed whose container is its author's own, or another one's, or of which another plan holds",
        arguments: [
            { $0["spec"]?["initContainers"] = [["name": "lanyard-verify", "image": "mine"]] },
            // It is known as one of the ServiceAccount's by its owner, which its author named.
            { $0["spec"]?["serviceAccountName"] = "other" },
            { $0["metadata"]?["annotations"]?["lanyard.dev/plan"] = "0123456789ab" },
            { $0["metadata"]?["annotations"]?["lanyard.dev/verify"] = nil },
            { $0["status"]?["initContainerStatuses"] = nil },
        ] as [@Sendable (inout JSONValue) -> Void])
    func isNotBelieved(change: @Sendable (inout JSONValue) -> Void) async throws {
        let owner = OwnerReference(
            apiVersion: "apps/v1", kind: "ReplicaSet", name: "app", uid: "uid-rs", isController: true)
        // Read first, it says as whom all pods of its owner run.
        put(
            try pod(nil, named: "first") {
                $0["metadata"]?["annotations"]?["lanyard.dev/verify"] = nil
                $0["metadata"]?["ownerReferences"] = [owner.json]
            })
        try await cluster.running { [cluster] controllers in
            await eventually { cluster.ready("llm") != nil }
            put(
                try pod(Self.message(Self.good)) {
                    $0["metadata"]?["ownerReferences"] = [owner.json]
                    change(&$0)
                })
            put(try pod(Self.message(Self.good), named: "good", as: "other"))
            await eventually { othersVerified == ["True", "Verified"] }
        }
        #expect(verified == nil)
    }

    @Test("what pods said goes with the last of them, unless the operator tries it as well")
    func goesWithPods() async throws {
        put(try pod(Self.message(Self.denied)))
        put(try pod(Self.message(Self.denied), named: "second"))
        let series = [
            ("namespace", "ai"), ("serviceaccount", "llm"), ("provider", "aws-bedrock"), ("mechanism", "irsa"),
        ]
        try await cluster.running { [cluster] _ in
            await eventually { verified == ["False", "TrustPolicyMismatch"] }
            cluster.server.delete("/api/v1/namespaces/ai/pods/app")
            put(try pod(Self.message(Self.good), named: "good", as: "other"))
            await eventually { othersVerified == ["True", "Verified"] }
            #expect(verified == ["False", "TrustPolicyMismatch"])
            cluster.server.delete("/api/v1/namespaces/ai/pods/second")
            await eventually { verified == nil && cluster.gauge("lanyard_trust_verified", series) == nil }
        }
    }

    @Test("a container that failed, and is to run again, has said what it said")
    func lastState() throws {
        let (reading, _) = try reading(Self.denied) { pod in
            let status = pod["status"]?["initContainerStatuses"]?.array?.first
            pod["status"]?["initContainerStatuses"] = [
                [
                    "name": "lanyard-verify", "state": ["waiting": ["reason": "CrashLoopBackOff"]],
                    "lastState": status?["state"] ?? [:],
                ]
            ]
        }
        #expect(reading.results.map(\.verdict.reason) == ["TrustPolicyMismatch"])
    }

    @Test(
        "Lanyard's own container that was changed says nothing, and it is said what differs",
        arguments: [
            (["image": "mirror/lanyard:1"], [:], "image, which is mirror/lanyard:1"),
            (["args": ["x"]], [:], "command"),
            ([:], ["volumes": [["name": "lanyard-verify", "emptyDir": [:]]]], "volume lanyard-verify"),
        ] as [(JSONObject, JSONObject, String)])
    func changed(fields: JSONObject, spec: JSONObject, what: String) throws {
        let (changed, scope) = try reading(Self.good) { pod in
            var container = pod["spec"]?["initContainers"]?.array?.first ?? [:]
            for (name, value) in fields { container[name] = value }
            pod["spec"]?["initContainers"] = [container]
            for (name, value) in spec { pod["spec"]?[name] = value }
        }
        #expect(changed.results.map(\.verdict.reason) == ["ContainerChanged"])
        #expect(changed.results[0].verdict.outcome == .unknown && changed.results[0].verdict.message.contains(what))
        // Of pods of the release before that is all there is to say, and no news.
        let known = TrustHistory(
            try reading(Self.good).0.results, of: scope, after: nil, seenIn: "app",
            at: Timestamp(seconds: 1_800_000_000)
        )
        let both = TrustHistory(
            changed.results, of: scope, after: known, seenIn: "new", at: Timestamp(seconds: 1_800_000_060))
        #expect(both.records == known.records)
    }

    @Test("what a pod's own annotations change is not said of its ServiceAccount")
    func otherPlan() async throws {
        put(try pod(Self.message(Self.good), annotations: ["lanyard.dev/aws-region": "eu-west-3"]))
        put(try pod(Self.message(Self.good), named: "good", as: "other"))
        try await cluster.running { [cluster] _ in
            await eventually { cluster.ready("llm") != nil && othersVerified == ["True", "Verified"] }
        }
        #expect(verified == nil)
    }

    @Test("of many pods one is read, the latest, and those that were just made hide none that has ended")
    func readsOne() async throws {
        // By this machine's clock it is seconds old at most.
        put(
            try pod(Self.message(Self.denied), named: "young") {
                $0["metadata"]?["creationTimestamp"] = "2099-01-01T00:00:00Z"
            })
        for number in 0..<50 {
            let time = "2026-01-01T00:00:\(number < 10 ? "0" : "")\(number)Z"
            put(
                try pod(Self.message(number == 49 ? Self.good : Self.denied), named: "app-\(number)") {
                    $0["metadata"]?["creationTimestamp"] = .string(time)
                })
        }
        try await cluster.running { _ in await eventually { verified == ["True", "Verified"] } }
        let denials = try? cluster.metrics.expectCounter(
            "lanyard_credential_refresh_total",
            [("provider", "aws-bedrock"), ("mechanism", "irsa"), ("outcome", "denied")])
        #expect(denials == nil)
    }

    @Test(
        "the latest is read, and once one had not ended, each of those that had more time",
        arguments: [
            ([], nil, [], nil), (["b 20", "a 90"], "a", [], "b"),
            // Two of three wait for a node.
            (["c 90", "b 90", "a 90"], nil, ["c"], "b"), (["c 90", "b 90", "a 90"], nil, ["c", "b"], "a"),
            (["c 90", "b 90", "a 90"], "a", ["c", "b"], "c"), (["c 90", "b 90", "a 90"], "a", ["c"], "b"),
            // One is made every few seconds, and takes longer than that to start.
            (["d 15", "c 70", "b 75", "a 80"], nil, ["c"], "b"), (["d 15", "c 70"], nil, ["c"], "d"),
        ] as [([String], String?, Set<String>, String?)])
    func takesTurns(pods: [String], settled: String?, running: Set<String>, next: String?) {
        let look = PodTrialReconciler.Look(
            time: Timestamp(seconds: 1_800_000_000), settledPod: settled, runningPods: running)
        let pods = pods.map { pod in
            (uid: String(pod.prefix(1)), age: Duration.seconds(Int(pod.dropFirst(2)) ?? 0))
        }
        #expect(PodTrialReconciler.Look.next(of: pods, after: look) == next)
    }

    @Test("what another leader has read is neither read as new nor forgotten")
    func goesOn() async throws {
        put(try pod(Self.message(Self.denied)))
        try await cluster.running { _ in await eventually { verified == ["False", "TrustPolicyMismatch"] } }
        let before = cluster.identity("llm")?["status"]?["verification"]
        try await cluster.running { [cluster] _ in
            await eventually { cluster.ready("llm")?.first == "True" && verified == ["False", "TrustPolicyMismatch"] }
        }
        #expect(cluster.identity("llm")?["status"]?["verification"] == before)
        // Without an image, nothing of it stays.
        var cluster = cluster
        cluster.configuration.verify.image = nil
        try await cluster.running { _ in await eventually { verified == nil } }
    }

    // MARK: With the operator's own trials

    @Test(
        "of a pod's word and the operator's, the latest that a provider spoke counts; else the pod's way to it",
        arguments: [
            (good, TrustHistoryTests.denied, "True", "Unknown"), (denied, TrustHistoryTests.verified, "False", "True"),
            (good, TrustHistoryTests.unreachable, "True", "True"), (good, TrustHistoryTests.onlyInPod, "True", "True"),
            (away, TrustHistoryTests.verified, "Unknown", "True"), (denied, TrustHistoryTests.denied, "False", "False"),
            (away, TrustHistoryTests.onlyInPod, "Unknown", "Unknown"),
        ])
    func merges(result: String, byOperator: Verdict, first: String, second: String) throws {
        let (reading, scope) = try reading(result)
        let start = Timestamp(seconds: 1_800_000_000)
        let ofPod = TrustHistory(reading.results, of: scope, after: nil, seenIn: "app", at: start)
        #expect(ofPod.condition?.status.rawValue == first)
        let identity = reading.results[0].identity
        let tried = TrialResult(
            provider: "aws-bedrock", mechanism: .irsa, identity: identity, verdict: byOperator)
        let both = TrustHistory([tried], of: scope, after: ofPod, at: Timestamp(seconds: start.seconds + 60))
        #expect(both.condition?.status.rawValue == second)
        #expect(both.records.count == 1)
        // And whatever is kept, the next trial is not due at once.
        #expect(both.wait(interval: .seconds(3600), at: Timestamp(seconds: start.seconds + 60)) > .seconds(50))
    }

    @Test("a pod that ended before the operator's trial is heard where that was none, and not where a provider spoke")
    func late() throws {
        let (reading, scope) = try reading(Self.good)
        for (byOperator, reason) in [
            (TrustHistoryTests.onlyInPod, "Verified"), (TrustHistoryTests.denied, "TrustPolicyMismatch"),
        ] {
            let tried = TrialResult(
                provider: "aws-bedrock", mechanism: .irsa, identity: reading.results[0].identity, verdict: byOperator)
            let known = TrustHistory([tried], of: scope, after: nil, at: Timestamp(seconds: 1_800_000_060))
            let both = TrustHistory(
                reading.results, of: scope, after: known, seenIn: "app", at: Timestamp(seconds: 1_800_000_000))
            #expect(both.records.map(\.verdict.reason) == [reason])
            #expect(both.lastTrial == known.lastTrial)
            // Read once more, by another leader, it is the same.
            let again = TrustHistory(
                reading.results, of: scope, after: both, seenIn: "app", at: Timestamp(seconds: 1_800_000_000))
            #expect(again.records == both.records)
        }
    }

    @Test("a mesh that takes what init containers send makes a failure to connect unknown, and a denial not")
    func mesh() throws {
        let proxy: @Sendable (inout JSONValue) -> Void = {
            $0["spec"]?["containers"] = [["name": "app"], ["name": "istio-proxy"]]
        }
        #expect(try reading(Self.away, change: proxy).0.results.map(\.verdict.reason) == ["NoEgressInInit"])
        #expect(try reading(Self.denied, change: proxy).0.results.map(\.verdict.reason) == ["TrustPolicyMismatch"])
        #expect(try reading(Self.away).0.results.map(\.verdict.reason) == ["Unreachable"])
    }

    @Test(
        "the doctor says when a pod tried it, and takes that for no cause where a later proof is known",
        arguments: [(nil, 1), ("2025-12-31T23:59:59Z", 1), ("2026-01-01T00:00:01Z", 0)] as [(String?, Int)])
    func doctor(proof: String?, causes: Int) throws {
        var observation = PodObservation(
            pod: try pod(Self.message(Self.denied)), facts: cluster.facts, configuration: cluster.configuration)
        var account = ObjectMetadata(name: "llm", namespace: "ai")
        account.annotations = RunningControllers.role
        observation.account = .found(ServiceAccount(metadata: account))
        var record: JSONValue = [
            "provider": "aws-bedrock", "mechanism": "irsa", "identity": "arn:aws:iam::111122223333:role/bedrock",
        ]
        record["lastProofTime"] = proof.map { .string($0) }
        let report: JSONValue = ["status": ["verification": ["results": [record]]]]
        observation.report = try WorkloadIdentityObject(parsing: report.serialized())
        let diagnosis = PodDiagnosis(of: observation)
        #expect(diagnosis.podTrialTime == Timestamp("2026-01-01T00:00:00Z") && diagnosis.podTrials?.count == 1)
        #expect(diagnosis.causes.filter { $0.kind == .notTrusted }.count == causes)
    }

    private func reading(
        _ result: String, change: (inout JSONValue) -> Void = { _ in }
    ) throws -> (PodTrialReading, TrialScope) {
        let pod = try self.pod(Self.message(result), change: change)
        let plan = Plan(
            for: StatusFixture.subject, serviceAccount: RunningControllers.role,
            pod: PodContext(pod: PodManifest(pod)), facts: cluster.facts, configuration: cluster.configuration)
        guard case .ended(let reading) = PodTrialReading.state(of: pod, plan, cluster.configuration) else {
            throw NotRead()
        }
        return (reading, try #require(TrialScope(plan, cluster.configuration)))
    }

    private struct NotRead: Error {}
}
