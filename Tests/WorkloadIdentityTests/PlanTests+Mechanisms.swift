import JSON
import Testing
import WorkloadIdentity

/// What single mechanisms need, and how they are chosen.
extension PlanTests {
    @Test("Vault's agent needs a token: without one mounted and no audience of its own, the binding is blocked")
    func vaultNeedsToken() throws {
        let pod = PodContext(mountsServiceAccountToken: false)
        let plan = Fixture.plan(Fixture.vaultOpenAI, pod: pod)
        #expect(try #require(plan.problem(.noMechanism)).message.contains("vault.audience"))
        var configuration = Configuration()
        configuration.vault.audience = "vault"
        let outcome = Fixture.plan(Fixture.vaultOpenAI, pod: pod, configuration: configuration).outcome("openai")
        #expect(outcome?.addition.volume?.token?.audience == "vault")
        #expect(outcome?.addition.volume?.mountPath == nil)
    }

    @Test("an injector that has run before Lanyard's turn blocks; with none the credential is injected, and not ready")
    func judgesVaultInjector() {
        func facts(_ injector: Components.VaultInjector) -> PlatformFacts {
            PlatformFacts(
                platform: .eks, issuer: Issuer(reach: .public), components: Components(vaultInjector: injector))
        }
        let first = Fixture.plan(Fixture.vaultOpenAI, facts: facts(.runsFirst(configuration: "a-vault")))
        #expect(first.outcome("openai") == nil)
        #expect(
            first.problem(.noMechanism)?.message.contains("rename its MutatingWebhookConfiguration a-vault") == true)
        let absent = Fixture.plan(Fixture.vaultOpenAI, facts: facts(.absent))
        #expect(absent.outcome("openai") != nil)
        #expect(absent.bindings.map(\.isReady) == [false] && absent.hash != nil)
        #expect(absent.problem(.vaultInjectorNotFound)?.severity == .error)
        #expect(Fixture.plan(Fixture.vaultOpenAI, facts: facts(.present)).bindings.map(\.isReady) == [true])
    }

    @Test("a role with Vault that the pod chooses for itself is used, and the other one is named")
    func namesRivalRole() throws {
        let pod = ["vault.hashicorp.com/role": "other"]
        let plan = Fixture.plan(Fixture.vaultOpenAI, pod: PodContext(annotations: pod))
        #expect(plan.outcome("openai")?.addition.annotations.contains { $0.value == "other" } == true)
        #expect(
            plan.problem(.noEffect)?.message
                == "lanyard.dev/vault-role is \"llm\" and is not used: the pod's own vault.hashicorp.com/role is \"other\"; "
                + "remove one of the two")
        let same = PodContext(annotations: ["vault.hashicorp.com/role": "llm"])
        #expect(Fixture.plan(Fixture.vaultOpenAI, pod: same).problem(.noEffect) == nil)
        // What a pod was given when it was made is not its own choice.
        let injected = PodContext(annotations: pod.merging(["lanyard.dev/plan": "0123456789ab"]) { $1 })
        #expect(Fixture.plan(Fixture.vaultOpenAI, pod: injected).problem(.noEffect) == nil)
    }

    @Test("the configuration adds providers and overrides cells")
    func appliesConfiguration() throws {
        let configuration = try Configuration([
            "providers": ["acme": ["variable": "ACME_API_KEY", "vaultKey": "token"]],
            "matrix": ["eks": ["aws-bedrock": ["vault-agent"]]],
        ])
        let plan = Fixture.plan(
            Fixture.aws.merging(["lanyard.dev/vault-path.acme": "kv/acme", "lanyard.dev/vault-role": "r"]) { $1 },
            configuration: configuration)
        #expect(plan.outcome("aws-bedrock") == nil)
        let template = plan.outcome("acme")?.addition.annotations.first { $0.name.hasSuffix("template-acme") }
        #expect(template?.value.contains("export ACME_API_KEY='{{ index .Data \"token\"") == true)
    }

    @Test("EKS Pod Identity wins over IRSA where the configuration declares its association")
    func declaresPodIdentity() throws {
        let configuration = try Configuration([
            "aws": ["podIdentity": ["identities": [["namespace": "ai", "serviceAccount": "llm"]]]]
        ])
        #expect(Fixture.plan([:], configuration: configuration).outcome("aws-bedrock")?.mechanism == .eksPodIdentity)
        #expect(
            Fixture.plan(Fixture.aws, configuration: configuration).outcome("aws-bedrock")?.mechanism == .eksPodIdentity
        )
        #expect(Fixture.plan(Fixture.aws).outcome("aws-bedrock")?.mechanism == .irsa)
        let elsewhere = Fixture.plan([:], on: .gke, configuration: configuration)
        #expect(elsewhere.problem(.noMechanism)?.message.contains("aws-web-identity needs") == true)
    }

    @Test("RRSA alone reaches no model, and with a key from Vault both arrive")
    func needsMoreThanRRSA() throws {
        let alone = Fixture.plan(Fixture.alibaba, on: .ack)
        let binding = try #require(alone.bindings.first)
        #expect(binding.outcomes.map(\.mechanism) == [.alibabaRRSA])
        #expect(!binding.isReady && !binding.isBlocked)
        #expect(
            alone.problem(.modelNotReachable)?.message
                == "alibaba-modelstudio: alibaba-rrsa reaches the platform's APIs but no model; add lanyard.dev/vault-path.alibaba-modelstudio"
        )
        let key = [
            "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/ai/dashscope", "lanyard.dev/vault-role": "llm",
        ]
        let both = try #require(Fixture.plan(Fixture.alibaba.merging(key) { $1 }, on: .ack).bindings.first)
        #expect(both.outcomes.map(\.mechanism) == [.alibabaRRSA, .vaultAgent])
        #expect(both.isReady)
        #expect(try #require(Fixture.plan(key, on: .ack).bindings.first).outcomes.map(\.mechanism) == [.vaultAgent])
    }

    @Test("a RAM role's name is one of the account that has the OIDC provider")
    func resolvesRoleName() throws {
        let name = ["pod-identity.alibabacloud.com/role-name": "llm"]
        #expect(Fixture.plan(name, on: .ack).problem(.noMechanism)?.message.contains("alibaba.oidcProviderArn") == true)
        var configuration = Configuration()
        configuration.alibaba.oidcProviderARN = "acs:ram::1234567890123456:oidc-provider/p"
        let outcome = Fixture.plan(name, on: .ack, configuration: configuration).bindings.first?.outcomes.first
        #expect(outcome?.variables["ALIBABA_CLOUD_ROLE_ARN"] == "acs:ram::1234567890123456:role/llm")
        #expect(outcome?.variables["ALIBABA_CLOUD_ECS_METADATA_DISABLED"] == "true")
    }

    @Test(
        "a trusted profile is named by its id, by its name, or by a CRN that ends with its id",
        arguments: [
            (
                "Profile-e89c6039-0000-4000-8000-123456789abc", "WATSONX_IAM_PROFILE_ID",
                "Profile-e89c6039-0000-4000-8000-123456789abc"
            ),
            (
                "iam-Profile-e89c6039-0000-4000-8000-123456789abc", "WATSONX_IAM_PROFILE_ID",
                "Profile-e89c6039-0000-4000-8000-123456789abc"
            ),
            (
                "crn:v1:bluemix:public:iam-identity::a/0123::profile:Profile-e89c6039-0000-4000-8000-123456789abc",
                "WATSONX_IAM_PROFILE_ID", "Profile-e89c6039-0000-4000-8000-123456789abc"
            ),
            ("my profile", "WATSONX_IAM_PROFILE_NAME", "my profile"),
        ])
    func namesTrustedProfile(value: String, variable: String, expected: String) {
        let outcome = Fixture.plan(["lanyard.dev/ibm-trusted-profile": value], on: .iks).outcome("ibm-watsonx")
        #expect(outcome?.variables[variable] == expected)
        #expect(outcome?.addition.volume?.token?.audience == "iam")
    }

    @Test("a mechanism of which the application must know is ready, and says what to do")
    func saysWhatToPass() {
        for (annotations, platform) in [(Fixture.openAI, Platform.eks), (Fixture.oracle, .oke), (Fixture.ibm, .iks)] {
            let plan = Fixture.plan(annotations, on: platform)
            #expect(plan.bindings.map(\.isReady) == [true])
            #expect(plan.problem(.applicationMustPass)?.severity == .note)
        }
    }

    @Test("OKE's proxymux takes the pod's own token, so without it the binding is blocked")
    func needsOwnToken() {
        let plan = Fixture.plan(Fixture.oracle, on: .oke, pod: PodContext(mountsServiceAccountToken: false))
        #expect(plan.problem(.noMechanism)?.message.contains("automountServiceAccountToken is false") == true)
    }
}
