import JSON
import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import Testing
import WorkloadIdentity

@testable import Operator

/// What the operator does for pods that were created without injection, from the annotation to the eviction and on.
@Suite(.timeLimit(.minutes(5))) struct HealingReconcilerTests {
    private let cluster: RunningControllers

    private static let daemonSet = "/apis/apps/v1/namespaces/ai/daemonsets/agent"
    private static let hash = StatusFixture.plan(RunningControllers.role, facts: .offline(.eks)).hash

    init() {
        var cluster = RunningControllers()
        cluster.configuration.healing.isEnabled = true
        cluster.configuration.healing.intervalSeconds = 0
        self.cluster = cluster
        cluster.put("/version", ["major": "1", "minor": "20", "gitVersion": "v1.20.2"])
        cluster.add(serviceAccount: "llm", RunningControllers.role)
    }

    private func addAgent(_ heal: String?, pods: Int) {
        cluster.add("daemonsets", "agent", as: "llm")
        cluster.server.edit(Self.daemonSet) { object in
            object["metadata"]?["annotations"] = heal.map { ["lanyard.dev/heal": .string($0)] }
            object["status"]?["desiredNumberScheduled"] = .number(JSONNumber(pods))
            object["status"]?["updatedNumberScheduled"] = .number(JSONNumber(pods))
        }
    }

    private func add(pod name: String, isInjected: Bool) {
        let stamps = ["lanyard.dev/plan": Self.hash ?? "", "lanyard.dev/injected": "aws-bedrock=irsa"]
        cluster.add(pod: name, as: "llm", of: "agent", isInjected ? stamps : [:])
        cluster.server.edit("/api/v1/namespaces/ai/pods/\(name)") { pod in
            pod["status"] = ["phase": "Running", "conditions": [["type": "Ready", "status": "True"]]]
        }
    }

    private var evictions: [FakeAPIServer.Write] {
        cluster.server.writes.filter { $0.path.hasSuffix("/eviction") }
    }

    private var record: HealingRecord? {
        cluster.identity("llm")?["status"]?["healing"]?.array?.first.flatMap { HealingRecord($0) }
    }

    @Test("one pod after the other is evicted, the next when the replacement is ready and carries the plan")
    func replaces() async throws {
        addAgent("restart", pods: 2)
        add(pod: "a", isInjected: false)
        add(pod: "b", isInjected: false)
        try await cluster.running { _ in
            await eventually { evictions.count == 1 }
            #expect(evictions.first?.path == "/api/v1/namespaces/ai/pods/a/eviction")
            #expect(evictions.first?.body["apiVersion"] == "policy/v1beta1")
            #expect(evictions.first?.body["deleteOptions"] == ["preconditions": ["uid": "uid-a"]])
            #expect(record?.phase == .evicting && record?.pod == "a" && record?.remaining == 2)
            cluster.server.delete("/api/v1/namespaces/ai/pods/a")
            add(pod: "c", isInjected: true)
            await eventually { evictions.last?.path == "/api/v1/namespaces/ai/pods/b/eviction" }
            cluster.server.delete("/api/v1/namespaces/ai/pods/b")
            add(pod: "d", isInjected: true)
            await eventually { record?.phase == .replaced && record?.pod == "b" }
            await eventually { cluster.server.events.count { $0 == "PodReplaced DaemonSet agent" } > 0 }
        }
        #expect(evictions.count == 2)
        #expect(cluster.server.events.contains("PodEvicted DaemonSet agent"))
    }

    @Test("a refusal is told, kept and not repeated at once; the reports that follow keep it")
    func heedsBudgets() async throws {
        addAgent("restart", pods: 2)
        add(pod: "a", isInjected: false)
        add(pod: "b", isInjected: true)
        cluster.server.refuse { $0.path.hasSuffix("/eviction") ? (429, "TooManyRequests") : nil }
        try await cluster.running { _ in
            await eventually { record?.phase == .refused }
            await eventually { cluster.server.events.contains("EvictionRefused DaemonSet agent") }
            // Another pod comes, so that the report is written again.
            add(pod: "z", isInjected: true)
            await eventually { cluster.identity("llm")?["status"]?["pods"]?["total"] == 3 }
        }
        #expect(evictions.count == 1 && record?.failures == 1)
        #expect(record?.message.contains("TooManyRequests") == true)
        let refused = try cluster.metrics.expectCounter("lanyard_healed_pods_total", [("outcome", "refused")])
        #expect(refused.totalValue == 1)
    }

    @Test("nothing is evicted where nobody asks for it", arguments: [nil, "false", "always"])
    func leavesAlone(_ heal: String?) async throws {
        addAgent(heal, pods: 2)
        add(pod: "a", isInjected: false)
        add(pod: "b", isInjected: true)
        try await cluster.running { controllers in
            await eventually { cluster.ready("llm") == ["False", "PodsNotInjected"] }
            await eventually { cluster.condition("lanyard.dev/CredentialsReady", of: Self.daemonSet)?.first == "False" }
        }
        #expect(evictions.isEmpty && record == nil)
    }

    @Test("healing of stale pods stops while more of them are stale than may be, and goes on after that")
    func stops() throws {
        let ledger = HealingLedger(
            Configuration().healing, metrics: cluster.metrics,
            logger: .init(label: "test") { [log = cluster.log] _ in log })
        func identity(stale: Int, total: Int) throws -> WorkloadIdentityObject {
            try WorkloadIdentityObject(
                parsing: Array(#"{"status": {"pods": {"total": \#(total), "stale": \#(stale)}}}"#.utf8))
        }
        let (one, other) = (ObjectKey(namespace: "ai", name: "a"), ObjectKey(namespace: "ai", name: "b"))
        var workload = Workload(kind: .deployment, metadata: ObjectMetadata(name: "app", namespace: "ai"))
        workload.metadata.uid = "uid"
        let now = Timestamp(seconds: 1_700_000_000)
        func isStopped() -> Bool { ledger.brakes(for: workload, at: now).isStopped }

        ledger.note(try identity(stale: 0, total: 90), one)
        ledger.note(try identity(stale: 9, total: 9), other)
        // Nine of 99 are few, whatever their share.
        #expect(!isStopped() && cluster.gauge("lanyard_healing_stopped", []) == 0)
        ledger.note(try identity(stale: 11, total: 11), other)
        #expect(isStopped() && cluster.gauge("lanyard_healing_stopped", []) == 1)
        #expect(cluster.lines("healing of stale pods stopped").count == 1)
        #expect(ledger.note(nil, other))
        #expect(!isStopped() && cluster.gauge("lanyard_healing_stopped", []) == 0)
    }
}
