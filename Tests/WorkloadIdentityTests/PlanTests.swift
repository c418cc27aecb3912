import JSON
import Testing
import WorkloadIdentity

@Suite struct PlanTests {
    @Test(
        "chooses the mechanism that the matrix and the inputs give",
        arguments: [
            (Platform.eks, Fixture.aws, "aws-bedrock", Mechanism.irsa, Tier.native),
            (.gke, Fixture.aws, "aws-bedrock", .awsWebIdentity, .federated),
            (.selfManaged, Fixture.aws, "aws-bedrock", .awsWebIdentity, .federated),
            (.aks, Fixture.azure, "azure-openai", .azureWorkloadIdentity, .native),
            (.eks, Fixture.azure, "azure-openai", .azureWorkloadIdentity, .federated),
            (.gke, ["lanyard.dev/providers": "google-vertex"], "google-vertex", .gkeWorkloadIdentity, .native),
            (
                .gke, ["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"], "google-vertex",
                .gkeWorkloadIdentity, .native
            ),
            (.eks, Fixture.google, "google-vertex", .gcpWorkloadIdentityFederation, .federated),
            (.iks, Fixture.anthropic, "anthropic", .anthropicFederation, .federated),
            (.oke, Fixture.vaultOpenAI, "openai", .vaultAgent, .vault),
            (.iks, Fixture.ibm, "ibm-watsonx", .ibmTrustedProfile, .native),
            (.oke, Fixture.oracle, "oracle-genai", .okeWorkloadIdentity, .native),
            (.selfManaged, Fixture.openAI, "openai", .openAIFederation, .federated),
            (
                .eks, ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"], "aws-bedrock", .eksPodIdentity, .native
            ),
            (
                .eks, Fixture.aws.merging(["lanyard.dev/mechanism.aws-bedrock": "aws-web-identity"]) { $1 },
                "aws-bedrock", .awsWebIdentity, .federated
            ),
            (
                .gke, ["lanyard.dev/vault-path.google-vertex": "kv/vertex", "lanyard.dev/vault-role": "r"],
                "google-vertex", .vaultAgent, .vault
            ),
        ] as [(Platform, [String: String], ProviderName, Mechanism, Tier)])
    func choosesMechanism(
        platform: Platform, annotations: [String: String], provider: ProviderName, mechanism: Mechanism, tier: Tier
    ) throws {
        let plan = Fixture.plan(annotations, on: platform)
        let outcome = try #require(plan.outcome(provider))
        #expect(outcome.mechanism == mechanism)
        #expect(outcome.tier == tier)
        #expect(plan.problems.allSatisfy { $0.severity != .error })
    }

    @Test(
        "a malformed value that says which identity is meant leaves the binding out, and nothing takes its place",
        arguments: [
            (Fixture.google, "cloud.google.com/service-account-email", "llm@example.com", "google-vertex"),
            (["lanyard.dev/providers": "google-vertex"], "lanyard.dev/mechanism.google-vertex", "x", "google-vertex"),
            (Fixture.aws, "lanyard.dev/mechanism.aws-bedrock", "irsaa", "aws-bedrock"),
            (Fixture.aws, "lanyard.dev/aws-role-arns", "app=role", "aws-bedrock"),
            (Fixture.azure, "azure.workload.identity/tenant-id", "contoso", "azure-openai"),
            (Fixture.anthropic, "lanyard.dev/anthropic-service-account-id", "me", "anthropic"),
            (Fixture.anthropic, "lanyard.dev/anthropic-workspace-id", "mine", "anthropic"),
            (Fixture.alibaba, "pod-identity.alibabacloud.com/role-name", "a/b", "alibaba-modelstudio"),
            (Fixture.vaultOpenAI, "lanyard.dev/secret-delivery", "vault-agnet", "openai"),
            (Fixture.vaultOpenAI, "lanyard.dev/vault-role", "a role", "openai"),
            (Fixture.vaultOpenAI, "lanyard.dev/vault-key.openai", "a key", "openai"),
        ] as [([String: String], String, String, ProviderName)])
    func blocksMalformedChoice(
        annotations: [String: String], key: String, value: String, provider: ProviderName
    ) throws {
        var configuration = Configuration()
        configuration.azure.tenantID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        configuration.vault.role = "another"
        let plan = Fixture.plan(annotations.merging([key: value]) { $1 }, configuration: configuration)
        #expect(plan.outcome(provider) == nil)
        let binding = try #require(plan.bindings.first { $0.provider == provider })
        #expect(binding.problems.map(\.reason) == [.invalidValue] && binding.problems.map(\.field) == [key])
        #expect(plan.problems.filter { $0.severity == .error } == binding.problems)
    }

    @Test("a list of containers that cannot be used leaves the binding out")
    func blocksMalformedContainers() {
        let names = (0...100).map { "c\($0)" }.joined(separator: ",")
        let pod = PodContext(annotations: ["lanyard.dev/skip-containers": names])
        #expect(Fixture.plan(Fixture.aws, pod: pod).outcome("aws-bedrock") == nil)
    }

    @Test(
        "a malformed lifetime or flag has a default that does no harm",
        arguments: [
            ("lanyard.dev/token-expiration", "1h"), ("eks.amazonaws.com/sts-regional-endpoints", "yes"),
        ])
    func keepsDefault(key: String, value: String) {
        let plan = Fixture.plan(Fixture.aws.merging([key: value]) { $1 })
        #expect(plan.outcome("aws-bedrock") != nil)
        #expect(plan.problem(.invalidValue)?.field == key)
    }

    @Test(
        "service accounts that Google makes are taken",
        arguments: [
            ("123456789012-compute@developer.gserviceaccount.com", nil), ("proj@appspot.gserviceaccount.com", "proj"),
            ("llm@proj.iam.gserviceaccount.com", "proj"),
        ] as [(String, String?)])
    func takesGoogleAccounts(email: String, project: String?) throws {
        let plan = Fixture.plan(["iam.gke.io/gcp-service-account": email], on: .gke)
        let outcome = try #require(plan.outcome("google-vertex"))
        if let project { #expect(outcome.variables["GOOGLE_CLOUD_PROJECT"] == project) }
        #expect(plan.problem(.invalidValue) == nil)
    }

    @Test("the policy's key on a ServiceAccount or a pod is known, and belongs elsewhere")
    func knowsPolicy() throws {
        for plan in [
            Fixture.plan(["lanyard.dev/policy": "enforce"]),
            Fixture.plan([:], pod: PodContext(annotations: ["lanyard.dev/policy": "enforce"])),
        ] {
            #expect(try #require(plan.problem(.misplacedKey)).message.contains("make it a label of the Namespace"))
            #expect(plan.problem(.unknownKey) == nil)
        }
    }

    // MARK: Labels

    @Test(
        "a slip in a pod's label of Lanyard's is told",
        arguments: [
            (["lanyard.dev/inject": "Required"], Problem.Reason.invalidValue, "the pod: the label"),
            (["lanyard.dev/inject": "False"], .invalidValue, "did you mean \"false\"?"),
            (["lanyard.dev/inject": "maybe"], .invalidValue, "write one of \"true\", \"false\", \"required\""),
            (["lanyard.dev/injct": "required"], .unknownKey, "did you mean lanyard.dev/inject?"),
            (["lanyard.dev/skip-containers": "a"], .unknownKey, "make it an annotation"),
        ] as [([String: String], Problem.Reason, String)])
    func judgesPodLabels(labels: [String: String], reason: Problem.Reason, message: String) throws {
        let plan = Fixture.plan(Fixture.aws, pod: PodContext(labels: labels))
        #expect(try #require(plan.problem(reason)).message.contains(message))
        #expect(plan.outcome("aws-bedrock") != nil)
    }

    @Test(
        "a slip in a Namespace's label of Lanyard's is told",
        arguments: [
            (
                ["lanyard.dev/inject": "no"], [:],
                "the label lanyard.dev/inject is \"no\"; did you mean \"false\"?"
            ),
            (
                ["lanyard.dev/polcy": "enforce"], [:],
                "lanyard.dev/polcy is not a label that Lanyard knows; did you mean lanyard.dev/policy?"
            ),
            (
                [:], ["lanyard.dev/inject": "false"],
                "lanyard.dev/inject has no effect as an annotation; make it a label: kubectl label namespace ai "
                    + "lanyard.dev/inject=false"
            ),
        ] as [([String: String], [String: String], String)])
    func judgesNamespaceLabels(labels: [String: String], annotations: [String: String], message: String) {
        let problems = Labels.problems(ofNamespace: "ai", labels: labels, annotations: annotations)
        #expect(problems.map(\.message) == [message] && problems.allSatisfy { $0.severity == .warning })
        let right = ["lanyard.dev/policy": "enforce", "lanyard.dev/inject": "false", "team": "x"]
        #expect(Labels.problems(ofNamespace: "ai", labels: right, annotations: [:]).isEmpty)
    }

    @Test("labels that are right, or somebody else's, are no problem")
    func acceptsLabels() {
        for value in ["true", "false", "required"] {
            let pod = PodContext(
                labels: ["lanyard.dev/inject": value, "lanyard.dev/injected-by": "policy", "app": "x"])
            let reasons = Fixture.plan(Fixture.aws, pod: pod).problems.map(\.reason)
            #expect(!reasons.contains(.invalidValue) && !reasons.contains(.unknownKey))
        }
    }

    @Test("a pod with Azure's label gets what Azure's webhook gives without a client's id")
    func takesAzureLabel() throws {
        let pod = PodContext(labels: ["azure.workload.identity/use": "true"])
        let tenant = ["azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"]
        let outcome = try #require(Fixture.plan(tenant, on: .aks, pod: pod).outcome("azure-openai"))
        #expect(
            Set(outcome.variables.keys) == ["AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"])
        #expect(Fixture.plan(tenant, on: .aks).bindings.isEmpty)
        // Azure's own webhook may know the tenant.
        let needy = Fixture.plan([:], on: .aks, pod: pod)
        #expect(needy.bindings.isEmpty)
        #expect(needy.problem(.noMechanism)?.severity == .warning)
        #expect(needy.problem(.noMechanism)?.message.contains("azure.workload.identity/tenant-id") == true)
    }

    @Test(
        "a pod with the label by which EKS' webhook leaves it alone is left alone, unless it asks for what only Lanyard has"
    )
    func takesEKSLabel() {
        let pod = PodContext(labels: ["eks.amazonaws.com/skip-pod-identity-webhook": "x"])
        let declined = Fixture.plan(Fixture.aws, pod: pod)
        #expect(declined.bindings.isEmpty && declined.problem(.noEffect)?.provider == "aws-bedrock")
        for (key, value) in [
            ("lanyard.dev/aws-session-name-from-pod", "true"), ("lanyard.dev/providers", "aws-bedrock"),
            ("lanyard.dev/mechanism.aws-bedrock", "irsa"),
        ] {
            let plan = Fixture.plan(Fixture.aws.merging([key: value]) { $1 }, pod: pod)
            #expect(plan.outcome("aws-bedrock")?.mechanism == .irsa, "\(key)")
        }
        let malformed = Fixture.plan(Fixture.aws.merging(["lanyard.dev/aws-role-arns": "x"]) { $1 }, pod: pod)
        #expect(malformed.bindings.first?.isBlocked == true)
        let key = ["lanyard.dev/vault-path.aws-bedrock": "kv/bedrock", "lanyard.dev/vault-role": "r"]
        let stored = Fixture.plan(Fixture.aws.merging(key) { $1 }, pod: pod)
        #expect(stored.outcome("aws-bedrock")?.mechanism == .vaultAgent)
    }

    @Test(
        "a stored key that no SDK reads by itself is the application's to pass",
        arguments: [
            ("oracle-genai", true), ("ibm-watsonx", true), ("groq", false),
        ] as [(ProviderName, Bool)])
    func tellsUnreadKey(provider: ProviderName, isTold: Bool) throws {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.vault.allowedPaths = ["kv/*"]
        var facts = PlatformFacts.offline(.selfManaged, isPublic: true)
        facts.components.hasExternalSecrets = true
        let keys = ["lanyard.dev/vault-path.\(provider)": "kv/x", "lanyard.dev/secret-delivery": "external-secret"]
        let plan = Fixture.plan(keys, facts: facts, configuration: configuration)
        #expect(try #require(plan.outcome(provider)).reach == (isTold ? .needsCode : .sdkDefault))
        #expect((plan.problem(.applicationMustPass) != nil) == isTold)
    }

    @Test("a ServiceAccount without any key of Lanyard's has no binding, no problem and no hash")
    func leavesOthersAlone() {
        let plan = Fixture.plan([
            "kubectl.kubernetes.io/x": "y", "cloud.google.com/neg": "{}", "lanyard.example/x": "y",
        ])
        #expect(plan.bindings.isEmpty && plan.problems.isEmpty && plan.hash == nil)
    }

    @Test("a region, a project, a lifetime or an audience alone asks for nothing")
    func asksForNothing() {
        let plan = Fixture.plan([
            "lanyard.dev/aws-region": "eu-central-1", "lanyard.dev/gcp-project": "p",
            "lanyard.dev/token-expiration": "900",
            "eks.amazonaws.com/audience": "x",
        ])
        #expect(plan.bindings.isEmpty && plan.problems.isEmpty)
    }

    @Test("an issuer that AWS cannot reach blocks the binding and says how to go on")
    func blocksPrivateIssuer() throws {
        let facts = PlatformFacts(
            platform: .selfManaged, issuer: Issuer(url: "https://kubernetes.default.svc", reach: .private))
        let plan = Fixture.plan(Fixture.aws, facts: facts)
        #expect(plan.outcome("aws-bedrock") == nil)
        let problem = try #require(plan.problem(.noMechanism))
        #expect(
            problem.message
                == "aws-bedrock: no usable mechanism on self-managed: aws-web-identity needs an issuer that AWS can reach (this cluster's is private; once it is published, set issuer.public: true)"
        )
    }

    @Test("providers that take uploaded keys do not need a public issuer")
    func acceptsPrivateIssuer() {
        let facts = PlatformFacts(platform: .selfManaged, issuer: Issuer(url: "https://k.svc", reach: .private))
        #expect(Fixture.plan(Fixture.google, facts: facts).outcome("google-vertex") != nil)
        #expect(Fixture.plan(Fixture.anthropic, facts: facts).outcome("anthropic") != nil)
    }

    @Test("an issuer of which nothing is known warns and does not block")
    func warnsOfUnknownIssuer() {
        let facts = PlatformFacts(platform: .selfManaged, issuer: Issuer(url: "https://k.example.com", reach: .unknown))
        let plan = Fixture.plan(Fixture.azure, facts: facts)
        #expect(plan.outcome("azure-openai") != nil)
        #expect(plan.problem(.issuerUnverified)?.severity == .warning)
    }

    @Test("GKE's annotation on another platform is answered with what to write there")
    func explainsForeignAnnotation() throws {
        let plan = Fixture.plan(["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"], on: .eks)
        let problem = try #require(plan.problem(.noMechanism))
        #expect(problem.message.contains("cloud.google.com/workload-identity-provider"))
        #expect(problem.message.contains("iam.gke.io/gcp-service-account works on gke only"))

        let both = Fixture.plan(
            Fixture.google.merging(["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"]) { $1 })
        #expect(both.outcome("google-vertex")?.mechanism == .gcpWorkloadIdentityFederation)
        #expect(both.problem(.noEffect)?.field == "iam.gke.io/gcp-service-account")
    }

    @Test("never half of something: a client id without a tenant blocks")
    func blocksHalf() throws {
        let half = ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"]
        let plan = Fixture.plan(half, on: .aks)
        #expect(plan.outcome("azure-openai") == nil)
        #expect(try #require(plan.problem(.noMechanism)).message.contains("azure.workload.identity/tenant-id"))
        var configuration = Configuration()
        configuration.azure.tenantID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        #expect(Fixture.plan(half, on: .aks, configuration: configuration).outcome("azure-openai") != nil)
    }

    @Test(
        "names an unknown provider or mechanism and what was likely meant",
        arguments: [
            ("lanyard.dev/providers", "aws-bedrok", Problem.Reason.unknownProvider, "did you mean aws-bedrock?"),
            ("lanyard.dev/providers", "chatbot", .unknownProvider, "write one of aws-bedrock, azure-openai"),
            (
                "lanyard.dev/mechanism.aws-bedrock", "irsaa", .invalidValue,
                "did you mean \"irsa\"?"
            ),
            (
                "lanyard.dev/mechanism.aws-bedrock", "gke-workload-identity", .unknownMechanism,
                "write one of \"eks-pod-identity\", \"irsa\", \"aws-web-identity\", \"vault-agent\""
            ),
        ])
    func namesUnknowns(key: String, value: String, reason: Problem.Reason, advice: String) throws {
        let problem = try #require(Fixture.plan([key: value]).problem(reason))
        #expect(problem.severity == .error)
        #expect(problem.sentence.hasPrefix("ServiceAccount ai/llm: \(key) "))
        #expect(problem.message.contains(advice))
    }

    @Test("the pod's value wins over the ServiceAccount's, key by key")
    func podWins() {
        let pod = PodContext(annotations: [
            "eks.amazonaws.com/token-expiration": "3600", "lanyard.dev/aws-region": "eu-west-1",
        ])
        let plan = Fixture.plan(
            Fixture.aws.merging(["eks.amazonaws.com/token-expiration": "7200", "lanyard.dev/aws-region": "us-east-1"]) {
                $1
            },
            pod: pod)
        let outcome = plan.outcome("aws-bedrock")
        #expect(outcome?.addition.volume?.token?.expirationSeconds == 3600)
        #expect(outcome?.variables["AWS_REGION"] == "eu-west-1")
    }

    @Test("a vendor's identity on the pod is misplaced, and told so")
    func reportsMisplacedKey() throws {
        let plan = Fixture.plan([:], pod: PodContext(annotations: Fixture.aws))
        #expect(plan.bindings.isEmpty)
        let problem = try #require(plan.problem(.misplacedKey))
        #expect(
            problem.message == "the pod: eks.amazonaws.com/role-arn has no effect here; put it on ServiceAccount ai/llm"
        )
    }

    @Test(
        "a misspelt key is a problem that names the right one",
        arguments: [
            ("azure.workload.identity/client_id", "azure.workload.identity/client-id"),
            ("eks.amazonaws.com/roles-arn", "eks.amazonaws.com/role-arn"),
            ("lanyard.dev/provider", "lanyard.dev/providers"),
            ("lanyard.dev/vault-path.opnai", "lanyard.dev/vault-path.openai"),
        ])
    func reportsMisspeltKey(written: String, meant: String) throws {
        let problem = try #require(Fixture.plan([written: "x"]).problem(.unknownKey))
        #expect(problem.message.contains("did you mean \(meant)?"))
    }

    @Test(
        "out of range is clamped, with a warning",
        arguments: [
            (Fixture.aws, ["eks.amazonaws.com/token-expiration": "60"], "aws-bedrock", 600),
            (Fixture.aws, ["eks.amazonaws.com/token-expiration": "999999"], "aws-bedrock", 86400),
            (Fixture.azure, ["azure.workload.identity/service-account-token-expiration": "600"], "azure-openai", 3600),
            (Fixture.anthropic, ["lanyard.dev/token-expiration": "7200"], "anthropic", 3600),
            (Fixture.google, ["cloud.google.com/token-expiration": "600"], "google-vertex", 3600),
        ] as [([String: String], [String: String], ProviderName, Int)])
    func clamps(base: [String: String], extra: [String: String], provider: ProviderName, expected: Int) {
        let plan = Fixture.plan(base.merging(extra) { $1 })
        #expect(plan.outcome(provider)?.addition.volume?.token?.expirationSeconds == expected)
        #expect(plan.problem(.outOfRange)?.severity == .warning)
    }

    @Test(
        "leaves alone what asks to be left alone",
        arguments: [
            (["lanyard.dev/inject": "false"], [:], [:], "ai"),
            ([:], ["lanyard.dev/inject": "false"], [:], "ai"),
            ([:], [:], ["lanyard.dev/inject": "false"], "ai"),
            ([:], [:], [:], "kube-system"),
        ] as [([String: String], [String: String], [String: String], String)])
    func leavesAlone(
        account: [String: String], podLabels: [String: String], namespaceLabels: [String: String], namespace: String
    ) {
        let plan = Plan(
            for: Subject(namespace: namespace, serviceAccount: "llm"),
            serviceAccount: Fixture.aws.merging(account) { $1 },
            pod: PodContext(labels: podLabels), namespaceLabels: namespaceLabels,
            facts: .offline(.eks), configuration: Configuration())
        #expect(plan.exemption != nil)
        #expect(plan.outcomes.isEmpty && plan.hash == nil)
    }

}
