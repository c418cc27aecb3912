import JSON
import PodInjection
import Testing
import WorkloadIdentity

@Suite struct UnmetRequirementTests {
    private func requirement(
        _ account: [String: String], annotations: [String: String] = [:], label: String? = "required",
        env: JSONValue? = nil
    ) -> UnmetRequirement? {
        var pod = InjectionTests.pod(env: env, annotations: annotations)
        if let label { pod["metadata"]?["labels"] = ["lanyard.dev/inject": .string(label)] }
        let context = PodContext(pod: pod)
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: account, pod: context,
            facts: .offline(.eks, isPublic: true), configuration: Configuration())
        return UnmetRequirement(of: context, plan: plan, injection: Injection(of: plan, into: pod))
    }

    private static let aws = InjectionTests.aws.merging(["lanyard.dev/aws-region": "eu-central-1"]) { $1 }

    @Test("a pod that gets its credentials, or does not require them, is not refused")
    func letsIn() {
        #expect(requirement(Self.aws) == nil)
        #expect(requirement([:], label: nil) == nil)
        #expect(requirement([:], label: "false") == nil)
        // Said, and no reason to do without.
        #expect(requirement(Self.aws.merging(["lanyard.dev/token-expiration": "1h"]) { $1 }) == nil)
        // Another webhook's, or the user's.
        let own: JSONValue = [["name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/own"]]
        #expect(requirement(InjectionTests.google, env: own) == nil)
        let agent: JSONValue = [["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1"]]
        #expect(requirement(Self.aws, env: agent) == nil)
    }

    @Test(
        "a name that is no provider, or no list of them, is refused whatever else there is",
        arguments: ["aws-bedrok", ","])
    func refusesNames(names: String) {
        #expect(requirement(Self.aws.merging(["lanyard.dev/providers": names]) { $1 })?.isAmongErrors == true)
    }

    @Test("a pod that would start with one of two credentials is refused for the other")
    func refusesHalf() throws {
        let account = Self.aws.merging(InjectionTests.vault) { $1 }
        let late = ["vault.hashicorp.com/agent-inject-status": "injected"]
        let unmet = try #require(requirement(account, annotations: late))
        #expect(unmet.refusal.contains("openai is left out") && !unmet.refusal.contains("aws-bedrock"))
    }

    @Test(
        "a pod that requires its credentials is refused with what stands in the way, and so is its workload told",
        arguments: [
            ([:], [:], "ServiceAccount ai/llm asks for no provider; annotate it", nil),
            (
                aws, ["lanyard.dev/skip-containers": "app"], "aws-bedrock cannot be injected into it",
                "aws-bedrock cannot be injected into them"
            ),
            (aws, ["lanyard.dev/inject": "false"], "the pod is annotated lanyard.dev/inject=false", nil),
            (
                ["lanyard.dev/providers": "aws-bedrok"], [:],
                "ServiceAccount ai/llm: lanyard.dev/providers names \"aws-bedrok\", which is not a provider; did you mean "
                    + "aws-bedrock?", nil
            ),
            (
                ["lanyard.dev/aws-regoin": "x"], [:],
                "ServiceAccount ai/llm: lanyard.dev/aws-regoin is not a key that Lanyard knows; did you mean "
                    + "lanyard.dev/aws-region?", "ServiceAccount ai/llm asks for no provider; annotate it"
            ),
        ] as [([String: String], [String: String], String, String?)])
    func refuses(
        account: [String: String], annotations: [String: String], obstacle: String, ofWorkload: String?
    ) throws {
        let unmet = try #require(requirement(account, annotations: annotations))
        #expect(unmet.refusal == "the pod is labelled lanyard.dev/inject=required, but \(obstacle)")
        #expect(
            unmet.problem(.error)
                == .error(
                    .requirementUnmet,
                    "its pods are labelled lanyard.dev/inject=required, so they will be denied: \(ofWorkload ?? obstacle)",
                    field: "lanyard.dev/inject", in: .podLabels))
    }
}
