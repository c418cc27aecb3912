import AdmissionWebhook
import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct DeniedWorkloadTests: ReviewsApplications {
    let cluster = FakeCluster()

    // MARK: Denials

    @Test("in a strict namespace one error is denied in a sentence, and several in a list; warnings are still told")
    func refuses() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let one = try await review(
            .applying(.serviceAccount(["lanyard.dev/providers": "opnai", "lanyard.dev/x": "y"])))
        #expect(
            one.refusal?.message
                == "ServiceAccount ai/llm is denied, because Namespace ai is labelled lanyard.dev/policy=enforce: "
                + "ServiceAccount ai/llm: lanyard.dev/providers names \"opnai\", which is not a provider; did you mean openai?"
        )
        #expect(one.warnings.count == 1 && one.warnings[0].contains("lanyard.dev/x is not a key"))

        let two = try await review(.applying(.serviceAccount(["lanyard.dev/providers": "opnai, antropic"])))
        let lines = two.refusal?.message.split(separator: "\n").map(String.init) ?? []
        #expect(
            lines.first
                == "ServiceAccount ai/llm is denied, because Namespace ai is labelled lanyard.dev/policy=enforce:")
        #expect(lines.dropFirst().map { $0.prefix(3) } == ["1. ", "2. "])

        let many = (0..<100).map { "nobody\($0)" }.joined(separator: ",")
        let cut = try await review(.applying(.serviceAccount(["lanyard.dev/providers": many])))
        #expect(cut.refusal?.message.split(separator: "\n").count == 22)
        #expect(cut.refusal?.message.hasSuffix("\nand 80 more") == true)
    }

    @Test("warnings never deny")
    func allowsWarnings() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let response = try await review(.applying(.serviceAccount(["lanyard.dev/foo": "bar"])))
        #expect(response.allowed && response.warnings.count == 1)
    }

    @Test(
        "an update is denied for what it makes worse, and for nothing else",
        arguments: [
            ("nothing changes", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "opnai"], nil),
            (
                "one error more", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "opnai,antropic"],
                "antropic"
            ),
            ("one error less", ["lanyard.dev/providers": "opnai,antropic"], ["lanyard.dev/providers": "opnai"], nil),
            ("one for another", ["lanyard.dev/providers": "opnai"], ["lanyard.dev/providers": "antropic"], "antropic"),
            ("a new key", [:], ["lanyard.dev/providers": "opnai"], "opnai"),
            (
                "half of what is missing", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/openai-service-account-id": "sa-1"], nil
            ),
            (
                "a malformed half", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/vault-path.openai": "/x"], "lanyard.dev/vault-path.openai is"
            ),
            (
                "another provider without a way", ["lanyard.dev/providers": "openai"],
                ["lanyard.dev/providers": "openai,anthropic"], "anthropic: no usable mechanism"
            ),
            (
                "left alone before", ["lanyard.dev/inject": "false", "lanyard.dev/providers": "opnai"],
                ["lanyard.dev/providers": "opnai"], "opnai"
            ),
            ("fixed", ["lanyard.dev/providers": "opnai"], [:], nil),
        ] as [(String, [String: String], [String: String], String?)])
    func ratchets(
        change: String, before: [String: String], after: [String: String], refused: String?
    ) async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", [:])
        for (old, new, kind) in [
            (JSONValue.serviceAccount(before), JSONValue.serviceAccount(after), nil),
            (.workload(.deployment, template: before), .workload(.deployment, template: after), .deployment),
        ] as [(JSONValue, JSONValue, WorkloadKind?)] {
            let response = try await review(.applying(new, kind, replacing: old))
            #expect(response.allowed == (refused == nil), "\(change): \(response.refusal?.message ?? "")")
            if let refused { #expect(response.refusal?.message.contains(refused) == true) }
            // What was wrong before and still is, is told all the same.
            if change == "nothing changes" { #expect(response.warnings.count == 1) }
        }
    }

    @Test(
        "a workload is not denied for its ServiceAccount's old errors, but for changing to a ServiceAccount with others"
    )
    func ratchetsServiceAccounts() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad)
        cluster.add(serviceAccount: "other", ["lanyard.dev/providers": "openai"])
        cluster.add(serviceAccount: "good", Self.good)
        func update(_ old: String, _ new: String) async throws -> AdmissionResponse {
            try await review(
                .applying(
                    .workload(.deployment, serviceAccount: new),
                    replacing: .workload(.deployment, serviceAccount: old)))
        }
        #expect(try await update("llm", "llm").allowed)
        #expect(try await update("llm", "llm").warnings.count == 1)
        #expect(try await update("llm", "good").allowed)
        #expect(try await !update("good", "llm").allowed)
        #expect(try await !update("llm", "other").allowed)
        #expect(try await review(.applying(.workload(.deployment))).allowed == false)
    }

    @Test("an update that does not say what was before is not denied")
    func allowsUnknownPast() async throws {
        cluster.addNamespace(labels: Self.enforce)
        let response = try await review(.applying(.serviceAccount(Self.bad), replacing: .null))
        #expect(response.allowed && response.warnings.count == 1)
    }

    // MARK: The policy

    @Test(
        "the policy is a label of the Namespace, or a label or annotation of the workload; what is misspelt is told",
        arguments: [
            (
                ["lanyard.dev/policy": "enforce"], [:], [:], [:], "Namespace ai is labelled lanyard.dev/policy=enforce",
                nil
            ),
            ([:], [:], ["lanyard.dev/policy": "enforce"], [:], "it has the annotation lanyard.dev/policy=enforce", nil),
            ([:], [:], [:], ["lanyard.dev/policy": "enforce"], "it has the label lanyard.dev/policy=enforce", nil),
            (
                ["lanyard.dev/policy": "enforced"], [:], [:], [:], nil,
                "Namespace ai: the label lanyard.dev/policy is \"enforced\" and has no effect; write \"enforce\""
            ),
            (
                [:], ["lanyard.dev/policy": "enforce"], [:], [:], nil,
                "Namespace ai: lanyard.dev/policy has no effect as an annotation; make it a label: kubectl label namespace "
                    + "ai lanyard.dev/policy=enforce"
            ),
            (
                [:], [:], ["lanyard.dev/policy": "strict"], [:], nil,
                "Deployment ai/app: the annotation lanyard.dev/policy is \"strict\" and has no effect; write \"enforce\""
            ),
            (
                ["lanyard.dev/policy": "enforce"], [:], ["lanyard.dev/policy": "warn"], [:],
                "Namespace ai is labelled lanyard.dev/policy=enforce",
                "Deployment ai/app: the annotation lanyard.dev/policy is \"warn\" and has no effect; write \"enforce\""
            ),
        ]
            as [(
                [String: String], [String: String], [String: String], [String: String], enforcement: String?,
                warning: String?
            )])
    func readsPolicy(
        namespaceLabels: [String: String], namespaceAnnotations: [String: String], annotations: [String: String],
        labels: [String: String], enforcement: String?, warning: String?
    ) async throws {
        cluster.addNamespace(labels: namespaceLabels, annotations: namespaceAnnotations)
        cluster.add(serviceAccount: "llm", Self.bad)
        let response = try await review(
            .applying(.workload(.deployment, metadata: annotations, metadataLabels: labels)))
        #expect(response.allowed == (enforcement == nil))
        if let enforcement {
            #expect(
                response.refusal?.message.hasPrefix("Deployment ai/app is denied, because \(enforcement):") == true)
        }
        let told = response.warnings.filter { $0.contains("lanyard.dev/policy") }
        #expect(told == [warning].compactMap { $0 }.map { "lanyard: \($0)" })
    }

    @Test("what has nothing to do with Lanyard is not told of a namespace's misspelt policy")
    func spareOthers() async throws {
        cluster.addNamespace(labels: ["lanyard.dev/policy": "enforced"])
        cluster.add(serviceAccount: "llm", [:])
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(try await review(.applying(.serviceAccount(["example.com/team": "shop"]))) == .allowed())
    }
}
