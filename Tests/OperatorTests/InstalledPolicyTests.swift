import InMemoryLogging
import JSON
import KubernetesModel
import Logging
import Metrics
import MetricsTestKit
import Testing

@testable import Operator
@testable import lanyard

/// Whether it is known that the API server injects by itself.
@Suite(.timeLimit(.minutes(5))) struct InstalledPolicyTests {
    private static let group = "/apis/admissionregistration.k8s.io/v1"
    static let policy = "\(group)/mutatingadmissionpolicies/pod-injector.lanyard.dev"
    static let binding = "\(group)/mutatingadmissionpolicybindings/pod-injector.lanyard.dev"

    /// What a server of this release's manifests has.
    static func released() throws -> [JSONValue] {
        let file = "manifests/policy.yaml"
        let documents = try YAML.documents(in: try InputFile.text(of: file), file: file).map(\.value)
        return documents.filter { $0["kind"]?.string?.hasPrefix("MutatingAdmissionPolicy") == true }
    }

    static func put(_ item: JSONValue, on server: FakeAPIServer) {
        server.put(group, ["resources": [["name": "mutatingadmissionpolicies", "kind": "MutatingAdmissionPolicy"]]])
        server.put(item["kind"] == "MutatingAdmissionPolicy" ? policy : binding, item)
    }

    private let server = FakeAPIServer()
    private let metrics = TestMetrics()
    private let log = InMemoryLogHandler()
    private let ledger: PlanSetLedger
    private let installed: InstalledPolicy

    init() throws {
        ledger = PlanSetLedger(metrics: metrics)
        installed = InstalledPolicy(
            client: server.client, ledger: ledger, metrics: metrics, logger: Logger(label: "test") { [log] _ in log })
        for item in try Self.released() { Self.put(item, on: server) }
        ledger.succeeded("ai", ["llm": .policy, "bedrock": .webhook(reason: "its own")])
    }

    private func look() async {
        await installed.look(Gauge(label: "lanyard_policy_in_place", factory: metrics))
    }

    private func way(_ name: String) -> InjectionWay? { ledger.way(of: ObjectKey(namespace: "ai", name: name)) }

    @Test("the policy of this release is known by its contents")
    func fingerprint() throws {
        let policy = try #require(try Self.released().first { $0["kind"] == "MutatingAdmissionPolicy" })
        #expect(InstalledPolicy.fingerprint(of: policy) == InstalledPolicy.fingerprint)
    }

    @Test("nothing is said before it was looked for; where policy and binding are in place, the API server injects")
    func isInPlace() async throws {
        #expect(way("llm") == nil)
        #expect(way("bedrock") == .webhook(reason: "its own"))
        for _ in 1...2 { await look() }
        #expect(way("llm") == .policy)
        #expect(way("bedrock") == .webhook(reason: "its own"))
        #expect(try metrics.expectGauge("lanyard_policy_in_place", []).lastValue == 1)
        #expect(log.entries.map(\.message) == ["the API server injects by itself"])
    }

    struct Fault: CustomTestStringConvertible, Sendable {
        var testDescription: String
        var reason: String
        var make: @Sendable (FakeAPIServer) -> Void
    }

    private static let faults = [
        Fault(
            testDescription: "an older Kubernetes",
            reason: """
                the API server has no MutatingAdmissionPolicy in admissionregistration.k8s.io/v1, which Kubernetes has from \
                1.36
                """
        ) { server in
            server.delete(policy)
            server.put(group, ["resources": [["name": "mutatingwebhookconfigurations"]]])
        },
        Fault(
            testDescription: "no policy", reason: "there is no MutatingAdmissionPolicy pod-injector.lanyard.dev"
        ) { $0.delete(policy) },
        Fault(
            testDescription: "no binding", reason: "there is no MutatingAdmissionPolicyBinding pod-injector.lanyard.dev"
        ) { $0.delete(binding) },
        Fault(
            testDescription: "another policy",
            reason: "the MutatingAdmissionPolicy pod-injector.lanyard.dev is not that of this release"
        ) { server in
            server.edit(policy) { $0["spec"]?["matchConditions"] = [["name": "none", "expression": "false"]] }
        },
        Fault(
            testDescription: "a binding to other objects",
            reason: """
                the MutatingAdmissionPolicyBinding pod-injector.lanyard.dev does not bind the policy as in this release
                """
        ) { server in server.edit(binding) { $0["spec"]?["paramRef"]?["name"] = "other" } },
        Fault(
            testDescription: "a binding to some pods",
            reason: """
                the MutatingAdmissionPolicyBinding pod-injector.lanyard.dev does not bind the policy as in this release
                """
        ) { server in
            server.edit(binding) { $0["spec"]?["matchResources"] = ["objectSelector": ["matchLabels": ["a": "b"]]] }
        },
        Fault(
            testDescription: "no right",
            reason: "Lanyard may not read whether the API server's own policy is there"
        ) { $0.refuse { _ in (403, "Forbidden") } },
    ]

    @Test("what is not in place, or goes, leaves injection to the webhook, and is told once", arguments: faults)
    func isNotInPlace(fault: Fault) async throws {
        await look()
        #expect(way("llm") == .policy)
        fault.make(server)
        for _ in 1...2 { await look() }
        #expect(way("llm") == .webhook(reason: fault.reason))
        #expect(way("bedrock") == .webhook(reason: "its own"))
        #expect(try metrics.expectGauge("lanyard_policy_in_place", []).lastValue == 0)
        #expect(
            log.entries.map(\.message) == ["the API server injects by itself", "injection is left to the webhook"])
    }

    @Test("a server that gives no answer changes nothing of what was known")
    func isAway() async throws {
        await look()
        server.refuse { _ in (500, "InternalError") }
        await look()
        #expect(way("llm") == .policy)
        #expect(log.entries.count == 1)
    }
}
