import KubernetesModel
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct CredentialReadinessTests {
    private typealias Fixture = StatusFixture

    private enum Stamp {
        case injected, own, lacking, planAlone, stale, none
    }

    private static func pod(_ stamp: Stamp) -> ObjectMetadata {
        let current = Fixture.plan(Fixture.aws).hash
        return switch stamp {
        case .injected: Fixture.pod(plan: current, injected: "aws-bedrock=irsa")
        case .own: Fixture.pod(plan: current, injected: "aws-bedrock=own")
        case .lacking: Fixture.pod(plan: current, injected: "aws-bedrock=lacking")
        case .planAlone: Fixture.pod(plan: current)
        case .stale: Fixture.pod(plan: "old")
        case .none: Fixture.pod()
        }
    }

    private static let openAI = ["lanyard.dev/providers": "openai"]

    @Test(
        "the conditions say the first thing that is wrong, and a workload's condition says the same",
        arguments: [
            (Fixture.aws, [], "True True True True", "Ready"),
            (Fixture.aws, [.injected, .own], "True True True True", "Ready"),
            (Fixture.aws, [.injected, .lacking], "True True False False", "PodsLackCredentials"),
            (Fixture.aws, [.injected, .planAlone], "True True Unknown Unknown", "PodsOfEarlierRelease"),
            (Fixture.aws, [.planAlone, .none], "True True False False", "PodsNotInjected"),
            (Fixture.aws, [.none], "True True False False", "PodsNotInjected"),
            (Fixture.aws, [.stale], "True True False False", "PodsStale"),
            (["eks.amazonaws.com/role-arn": "x"], [], "False False True False", "InvalidValue"),
            (Fixture.aws(and: ["lanyard.dev/token-expiration": "1h"]), [], "False True True False", "InvalidValue"),
            (Fixture.aws(and: ["lanyard.dev/inject": "no"]), [], "False True True False", "InvalidValue"),
            (openAI, [], "True False True False", "NoMechanism"),
            (openAI, [.none], "True False False False", "NoMechanism"),
            (Fixture.alibaba, [], "True True True False", "ModelNotReachable"),
            (Fixture.alibaba, [.none], "True True False False", "ModelNotReachable"),
        ] as [([String: String], [Stamp], String, String)])
    private func judges(annotations: [String: String], stamps: [Stamp], statuses: String, reason: String) throws {
        let pods = stamps.map(Self.pod)
        let plan = Fixture.plan(annotations)
        let report = Fixture.report(pods, plan)
        let conditions = CredentialReadiness(of: [plan], pods: report, on: .eks, in: Fixture.subject).conditions
        #expect(conditions.map(\.type) == ["Accepted", "Compatible", "Injected", "Ready"])
        #expect(conditions.map(\.status.rawValue).joined(separator: " ") == statuses)
        #expect(conditions.allSatisfy { !$0.message.isEmpty })
        let ready = try #require(conditions.last)
        #expect(ready.reason == reason)

        let ofWorkload = try #require(Condition.credentialsReady(plan, pods: report, on: .eks))
        #expect(ofWorkload.type == "lanyard.dev/CredentialsReady")
        #expect(ofWorkload.status == ready.status && ofWorkload.reason == ready.reason)
        #expect(ofWorkload.message.hasSuffix(ready.message))
    }

    @Test("what concerns no workload that asks for a provider is said of the ServiceAccount alone")
    func judgesServiceAccount() {
        for (annotations, reason) in [
            (["lanyard.dev/providers": "opnai"], "UnknownProvider"),
            (Fixture.aws(and: ["lanyard.dev/inject": "false"]), "Exempt"),
        ] {
            #expect(Fixture.status(annotations).ready.reason == reason)
            #expect(Condition.credentialsReady(Fixture.plan(annotations), pods: PodReport([]), on: .eks) == nil)
        }
        #expect(Condition.credentialsReady(Fixture.plan([:]), pods: PodReport([]), on: .eks) == nil)
    }

    @Test("a mistake is told once, in Ready, without the name of the object in which it stands; elsewhere with it")
    func saysOnce() throws {
        let plan = Fixture.plan(["eks.amazonaws.com/role-arn": "bedrock"])
        let conditions = CredentialReadiness(of: [plan], pods: PodReport([]), on: .eks, in: Fixture.subject).conditions
        let ready = try #require(conditions.last)
        #expect(ready.message.hasPrefix("eks.amazonaws.com/role-arn is \"bedrock\"; write "))
        #expect(!ready.message.contains("no way"))
        #expect(conditions.prefix(2).map(\.message) == ["see Ready", "see Ready"])
        let ofWorkload = try #require(Condition.credentialsReady(plan, pods: PodReport([]), on: .eks))
        #expect(ofWorkload.message == "ServiceAccount ai/llm: \(ready.message)")
    }

    @Test("two mistakes are both told: Ready has the first, and the other condition the other")
    func saysBoth() {
        let conditions = Fixture.status(
            Fixture.aws(and: ["lanyard.dev/token-expiration": "soon"]), pods: [Fixture.pod("app-1")]
        ).readiness.conditions
        #expect(conditions[3].message.hasPrefix("lanyard.dev/token-expiration is \"soon\""))
        #expect(conditions[0].message == "see Ready")
        #expect(conditions[2].message.hasPrefix("1 of 1 pod was created without injection (app-1)"))
    }

    @Test("what keeps a stored key from its pods is the provider's reason, in both conditions")
    func reportsSecretFailure() {
        let failure = SecretObjectController.Failure(message: "ExternalSecret x: no such path")
        let plan = Fixture.plan(Fixture.aws)
        var readiness = CredentialReadiness(of: [plan], pods: PodReport([]), on: .eks)
        readiness.fail(["aws-bedrock": failure])
        let conditions = [
            readiness.summary("Ready"),
            Condition.credentialsReady(plan, pods: PodReport([]), on: .eks, ["aws-bedrock": failure]),
        ]
        for condition in conditions {
            #expect(condition?.status == .false && condition?.reason == "SecretNotSynced")
            #expect(condition?.message == "ExternalSecret x: no such path")
        }
    }

    @Test(
        "as long as nobody has set vault.allowedPaths, nobody is told to restart what has a key",
        arguments: [nil, "old"])
    func keepsKeys(stamp: String?) {
        var facts = Fixture.facts
        facts.components.hasExternalSecrets = true
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        let plan = Fixture.plan(
            [
                "lanyard.dev/providers": "openai", "lanyard.dev/secret-delivery": "external-secret",
                "lanyard.dev/vault-path.openai": "secret/data/ai/openai",
            ], facts: facts, configuration)
        #expect(plan.problems.contains { $0.reason == .allowedPathsNotSet })
        let report = Fixture.report([Fixture.pod(plan: stamp, of: ("Deployment", "app"))], Fixture.plan(Fixture.aws))
        #expect(report.shortcoming()?.message.contains("rollout restart") == true)
        let injected = CredentialReadiness(of: [plan], pods: report, on: .eks).conditions[2]
        #expect(injected.status == .false && injected.message.contains("until vault.allowedPaths is set"))
        #expect(!injected.message.contains("restart"))
    }

    @Test("of several plans for one provider the worst one is reported")
    func reportsWorst() {
        let good = Fixture.plan(Fixture.aws)
        let bad = Fixture.plan(["lanyard.dev/mechanism.aws-bedrock": "vault-agent"])
        for plans in [[good, bad], [bad, good]] {
            let providers = CredentialReadiness(of: plans, pods: PodReport([]), on: .eks).providers
            #expect(providers.map(\.isBlocked) == [true])
        }
    }
}
