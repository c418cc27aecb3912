import JSON
import KubernetesClient
import KubernetesModel
import MetricsTestKit
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

/// The objects from which the API server's own policy injects, as the leader keeps them.
@Suite(.timeLimit(.minutes(5))) struct PlanSetTests {
    private static let object = "/apis/lanyard.dev/v1alpha1/namespaces/ai/credentialplansets/lanyard"
    private static let azure = [
        "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ]

    private let cluster: RunningControllers

    init() throws {
        var cluster = RunningControllers()
        cluster.configuration.injection.keepsPlanSets = true
        self.cluster = cluster
        for item in try InstalledPolicyTests.released() { InstalledPolicyTests.put(item, on: cluster.server) }
    }

    private var plans: [String] { cluster.server[Self.object]?["spec"]?["plans"]?.object?.keys.sorted() ?? [] }

    private func writes() -> [FakeAPIServer.Write] {
        cluster.server.writes.filter { $0.path.contains("/credentialplansets") }
    }

    @Test("the identities of a namespace are in one object, which is written once for all of them")
    func writesOnce() async throws {
        for number in 0..<20 { cluster.add(serviceAccount: "llm-\(number)", Self.azure) }
        cluster.add(serviceAccount: "other", [:])
        try await cluster.running { _ in
            await eventually { plans.count == 20 }
            await eventually { cluster.gauge("lanyard_plan_sets_behind", []) == 0 }
        }
        #expect(writes().map(\.method) == [.post])
        #expect(!plans.contains("other"))
    }

    @Test("a report says which way serves its ServiceAccount, and why one is left to the webhook")
    func reports() async throws {
        cluster.add(serviceAccount: "llm", Self.azure)
        cluster.add(serviceAccount: "bedrock", RunningControllers.role)
        try await cluster.running { _ in
            await eventually { cluster.identity("llm")?["status"]?["injection"]?["by"] == "policy" }
            await eventually { cluster.identity("bedrock")?["status"]?["injection"]?["by"] == "webhook" }
        }
        #expect(
            cluster.identity("bedrock")?["status"]?["injection"]?["reason"]
                == "aws-bedrock: a webhook of the platform may serve irsa, and has to run first")
        #expect(plans == ["llm"])
    }

    @Test("a report says that the webhook injects as long as the policy is not there, and why")
    func reportsWithoutPolicy() async throws {
        cluster.add(serviceAccount: "llm", Self.azure)
        cluster.server.delete(InstalledPolicyTests.policy)
        try await cluster.running { _ in
            await eventually { cluster.identity("llm")?["status"]?["injection"]?["by"] == "webhook" }
            await eventually { cluster.gauge("lanyard_policy_in_place", []) == 0 }
        }
        #expect(
            cluster.identity("llm")?["status"]?["injection"]?["reason"]
                == "there is no MutatingAdmissionPolicy pod-injector.lanyard.dev")
        #expect(plans == ["llm"])
        #expect(cluster.lines("injection is left to the webhook").count == 1)
    }

    @Test("an entry goes with its ServiceAccount, and the object with the last one")
    func removes() async throws {
        for name in ["first", "second"] { cluster.add(serviceAccount: name, Self.azure) }
        try await cluster.running { _ in
            await eventually { plans == ["first", "second"] }
            cluster.server.delete("/api/v1/namespaces/ai/serviceaccounts/first")
            await eventually { plans == ["second"] }
            cluster.server.delete("/api/v1/namespaces/ai/serviceaccounts/second")
            await eventually { cluster.server[Self.object] == nil }
        }
        #expect(writes().map(\.method) == [.post, .put, .delete])
    }

    @Test("what somebody else writes into the object, or removes, is made good")
    func restores() async throws {
        cluster.add(serviceAccount: "llm", Self.azure)
        try await cluster.running { _ in
            await eventually { plans == ["llm"] }
            let written = cluster.server[Self.object]?["spec"]
            cluster.server.edit(Self.object) { $0["spec"]?["plans"]?["llm"]?["hash"] = "forged" }
            await eventually { cluster.server[Self.object]?["spec"] == written }
            cluster.server.delete(Self.object)
            await eventually { cluster.server[Self.object]?["spec"] == written }
        }
    }

    @Test("an object that cannot be written counts as behind until it can")
    func countsBehind() async throws {
        cluster.add(serviceAccount: "llm", Self.azure)
        cluster.server.refuse { request in
            request.method == .post && request.path.hasSuffix("/credentialplansets") ? (500, "InternalError") : nil
        }
        try await cluster.running { _ in
            await eventually { writes().count > 1 }
            #expect(cluster.gauge("lanyard_plan_sets_behind", []) == 1)
            cluster.server.refuse(nil)
            await eventually { plans == ["llm"] }
            await eventually { cluster.gauge("lanyard_plan_sets_behind", []) == 0 }
        }
    }

    @Test("where it is not asked for there is no object, and no report speaks of it")
    func isOff() async throws {
        let cluster = RunningControllers()
        cluster.add(serviceAccount: "llm", Self.azure)
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
        }
        #expect(cluster.server[Self.object] == nil)
        #expect(cluster.identity("llm")?["status"]?["injection"] == nil)
    }

    @Test("what does not fit into an object is left to the webhook, and told")
    func isBounded() throws {
        let accounts = (0..<10).map { ServiceAccount(metadata: ObjectMetadata(name: "llm-\($0)", namespace: "ai")) }
        func contents(_ largest: Int) -> PlanSetContents {
            PlanSetContents(of: accounts, largest: largest) { account throws(CompiledPlan.LeftToWebhook) in
                try CompiledPlan(mountsServiceAccountToken: true, requestLabels: [:], beside: []) { pod in
                    Plan(
                        for: Subject(account.key), serviceAccount: Self.azure, pod: pod, facts: .offline(.aks),
                        configuration: Configuration())
                }
            }
        }
        let all = contents(PlanSetContents.largest)
        #expect(all.plans.count == 10 && all.ways.values.allSatisfy { $0 == .policy })
        let size = JSONValue.object(all.plans).serialized().count
        let half = contents(size / 2)
        #expect(half.plans.keys == Array(all.plans.keys.prefix(half.plans.count)))
        #expect(half.plans.count == 4 || half.plans.count == 5)
        #expect(JSONValue.object(half.plans).serialized().count <= size / 2)
        guard case .webhook(let reason) = half.ways["llm-9"] else {
            Issue.record("the last one is said to be injected by the API server")
            return
        }
        #expect(reason.hasPrefix("the plans of the namespace have more than"))
    }
}
