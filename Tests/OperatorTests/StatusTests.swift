import JSON
import KubernetesModel
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct StatusTests {
    private static let aws = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]

    private static func plan(_ annotations: [String: String], pod: PodContext = PodContext()) -> Plan {
        Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations, pod: pod,
            facts: .offline(.eks), configuration: Configuration())
    }

    private static func pods(_ stamps: [String?]) -> [ObjectMetadata] {
        stamps.map { stamp in
            var pod = ObjectMetadata(name: "p", namespace: "ai")
            pod.annotations["lanyard.dev/plan"] = stamp
            return pod
        }
    }

    private static func status(_ annotations: [String: String], stamps: [String?] = []) -> WorkloadIdentityStatus {
        let plan = plan(annotations)
        return WorkloadIdentityStatus(
            facts: .offline(.eks), plans: [plan], workloads: [], pods: PodCount(pods(stamps).map { ($0, plan) }))
    }

    @Test("pods are current, stale or not injected by their stamps")
    func countsPods() throws {
        let hash = try #require(Self.plan(Self.aws).hash)
        let count = Self.status(Self.aws, stamps: [hash, hash, "old", nil]).pods
        #expect((count.total, count.current, count.stale, count.notInjected) == (4, 2, 1, 1))
    }

    @Test("pods that are to be left alone are not counted")
    func skipsExemptPods() {
        var pod = ObjectMetadata(name: "p", namespace: "ai")
        pod.labels = ["lanyard.dev/inject": "false"]
        let count = PodCount([(pod, Self.plan(Self.aws, pod: PodContext(pod)))])
        #expect(count.total == 0 && count.shortcoming() == nil)
    }

    @Test("pods without what their stamp says are not injected")
    func countsForgedPods() throws {
        let plan = Self.plan(Self.aws)
        let count = PodCount(Self.pods([plan.hash, "old", nil]).map { ($0, plan) }, isForged: { _ in true })
        #expect((count.total, count.current, count.stale, count.notInjected) == (3, 0, 1, 2))
    }

    @Test(
        "as long as nobody has set vault.allowedPaths, nobody is told to restart what has a key",
        arguments: [nil, "old"])
    func keepsKeys(stamp: String?) {
        var facts = PlatformFacts.offline(.eks)
        facts.components.hasExternalSecrets = true
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"),
            serviceAccount: [
                "lanyard.dev/providers": "openai", "lanyard.dev/secret-delivery": "external-secret",
                "lanyard.dev/vault-path.openai": "secret/data/ai/openai",
            ], pod: PodContext(), facts: facts, configuration: configuration)
        #expect(plan.problems.contains { $0.reason == .allowedPathsNotSet })
        var count = PodCount(Self.pods([stamp]).map { ($0, Self.plan(Self.aws)) })
        #expect(count.shortcoming()?.message.contains("restart the workload") == true)
        count.total += 1
        let status = WorkloadIdentityStatus(facts: facts, plans: [plan], workloads: [], pods: count)
        let injected = status.conditions[2]
        #expect(injected.status == .false && injected.message.contains("until vault.allowedPaths is set"))
        #expect(!injected.message.contains("restart"))
    }

    @Test(
        "the conditions say the first thing that is wrong",
        arguments: [
            (aws, [], "True True True True", "Ready"),
            (aws, [nil], "True True False False", "PodsNotInjected"),
            (aws, ["old"], "True True False False", "PodsStale"),
            (["eks.amazonaws.com/role-arn": "x"], [], "False False True False", "InvalidValue"),
            (["lanyard.dev/providers": "openai"], [], "True False True False", "NoMechanism"),
            (["lanyard.dev/providers": "openai"], [nil], "True False False False", "NoMechanism"),
            (["lanyard.dev/providers": "opnai"], [], "False True True False", "UnknownProvider"),
            (aws.merging(["lanyard.dev/inject": "false"]) { $1 }, [], "True True False False", "Exempt"),
        ] as [([String: String], [String?], String, String)])
    func judges(annotations: [String: String], stamps: [String?], statuses: String, reason: String) {
        let conditions = Self.status(annotations, stamps: stamps).conditions
        #expect(conditions.map(\.type) == ["Accepted", "Compatible", "Injected", "Ready"])
        #expect(conditions.map(\.status.rawValue).joined(separator: " ") == statuses)
        #expect(conditions.last?.reason == reason)
        #expect(conditions.allSatisfy { !$0.message.isEmpty })
    }

    @Test("a status that says the same keeps its times, so that there is nothing to write")
    func keepsTimes() throws {
        let status = Self.status(Self.aws)
        let first = status.json(replacing: [], at: Timestamp(seconds: 1_000))
        let conditions = try (first["conditions"]?.array ?? []).map { try Condition(parsing: $0.serialized()) }
        #expect(status.json(replacing: conditions, at: Timestamp(seconds: 2_000)) == first)
    }

    @Test("what keeps a stored key from its pods is the provider's reason, and the way out is in its message")
    func reportsSecretFailure() {
        var status = Self.status(Self.aws)
        status.secretFailures = ["aws-bedrock": .init(message: "ExternalSecret x: no such path")]
        #expect(status.ready.status == .false && status.ready.reason == "SecretNotSynced")
        #expect(status.ready.message == "ExternalSecret x: no such path")
    }

    @Test("the status says which signal showed the platform, who the issuer is, and which objects were made")
    func showsFacts() {
        let facts = PlatformFacts(
            platform: .eks, issuer: Issuer(url: "https://oidc.eks.eu-west-1.amazonaws.com/id/A", reach: .public),
            evidence: "issuer https://oidc.eks.eu-west-1.amazonaws.com/id/A")
        var status = WorkloadIdentityStatus(
            facts: facts, plans: [Self.plan(Self.aws)], workloads: [], pods: PodCount([]))
        status.secretObjects = [
            SecretObjectReference(SecretObject(kind: .externalSecret, name: "lanyard-llm-openai-1", spec: [:]))
        ]
        let json = status.json(replacing: [], at: Timestamp(seconds: 1_000))
        #expect(json["evidence"]?.string == facts.evidence)
        #expect(json["issuer"] == ["url": .string(facts.issuer.url ?? ""), "reach": "public"])
        #expect(json["objects"] == [["kind": "ExternalSecret", "name": "lanyard-llm-openai-1"]])
    }

    @Test("a workload without a binding has no condition")
    func leavesOthersAlone() {
        #expect(Condition.credentialsReady(Self.plan([:]), pods: PodCount([])) == nil)
    }
}
