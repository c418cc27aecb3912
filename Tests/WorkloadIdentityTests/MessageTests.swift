import Testing

@testable import WorkloadIdentity

@Suite("Messages") struct MessageTests {
    private static let platforms = Platform.allCases

    /// Everything that has annotations of its own, right and wrong, on every platform and with every issuer.
    private static var plans: [Plan] {
        let providers = Provider.all(Configuration())
        let inputs: [[String: String]] =
            [
                Fixture.aws, Fixture.azure, Fixture.google, Fixture.anthropic, Fixture.openAI, Fixture.ibm,
                Fixture.oracle,
            ]
            + [Fixture.alibaba, Fixture.vaultOpenAI, ["iam.gke.io/gcp-service-account": "a@p.iam.gserviceaccount.com"]]
            + providers.map { ["lanyard.dev/providers": $0.name.rawValue] }
            + providers.map { ["lanyard.dev/mechanism.\($0.name)": "vault-agent"] }
            + providers.map { ["lanyard.dev/mechanism.\($0.name)": "vault-csi"] }
            + providers.map { ["lanyard.dev/mechanism.\($0.name)": "external-secret"] }
            + providers.flatMap { provider in
                provider.keys.filter { !$0.isWrittenByLanyard }.map { [$0.name: "<\($0.name)>"] }
            }
        let components = Components(
            vaultInjector: .absent, hasSecretProviderClasses: false, hasExternalSecrets: false)
        return inputs.flatMap { annotations in
            platforms.flatMap { platform in
                [Issuer.Reach.public, .private, .publicIfEnabled, .unknown].map { reach in
                    Fixture.plan(
                        annotations,
                        facts: PlatformFacts(platform: platform, issuer: Issuer(reach: reach), components: components))
                }
            }
        }
    }

    @Test("none begins with the object on which it is said, and each says so elsewhere")
    func nameObjectOnce() {
        for problem in Self.plans.flatMap(\.problems) {
            #expect(!problem.message.contains("ServiceAccount ai/llm:"), "\(problem.message)")
            if problem.subject != nil { #expect(problem.sentence == "ServiceAccount ai/llm: \(problem.message)") }
        }
    }

    @Test("what is missing is said in 200 characters, the nearest way first and two at most")
    func nameNearestWay() {
        for problem in Self.plans.flatMap(\.problems) where problem.reason == .noMechanism {
            #expect(problem.message.count <= 200, "\(problem.message)")
            #expect(problem.message.components(of: " needs ") <= 3, "\(problem.message)")
        }
    }

    @Test("what is wrong in one value is one error")
    func sayOnce() {
        for (key, value) in [
            ("eks.amazonaws.com/role-arn", "bedrock"), ("azure.workload.identity/client-id", "me"),
            ("lanyard.dev/anthropic-federation-rule-id", "me"), ("lanyard.dev/secret-delivery", "post"),
        ] {
            let good = Fixture.aws.merging(Fixture.azure) { $1 }.merging(Fixture.anthropic) { $1 }
                .merging(Fixture.vaultOpenAI) { $1 }.merging(["lanyard.dev/vault-path.groq": "secret/data/groq"]) { $1 }
            let plan = Fixture.plan(good.merging([key: value]) { $1 })
            #expect(plan.problems.filter { $0.severity == .error }.map(\.reason) == [.invalidValue], "\(plan.problems)")
            let blocked = plan.bindings.filter(\.isBlocked)
            #expect(!blocked.isEmpty)
            for binding in blocked {
                #expect(binding.problems.map(\.field) == [key])
                #expect(binding.problems.map(\.provider) == [binding.provider])
            }
        }
    }

    @Test(
        "the mechanism whose keys are there is named first",
        arguments: [
            (
                ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"], Platform.eks,
                "azure-openai: no usable mechanism on eks: azure-workload-identity needs azure.workload.identity/tenant-id "
                    + "(or set azure.tenantId)"
            ),
            (
                ["lanyard.dev/vault-path.aws-bedrock": "secret/data/ai/bedrock"], .eks,
                "aws-bedrock: no usable mechanism on eks: vault-agent needs lanyard.dev/vault-role (or set vault.role)"
            ),
            (
                ["lanyard.dev/providers": "groq"], .gke,
                "groq: no usable mechanism on gke: vault-agent needs lanyard.dev/vault-path.groq and lanyard.dev/vault-role "
                    + "(or set vault.role)"
            ),
        ])
    func rank(annotations: [String: String], platform: Platform, beginning: String) throws {
        let message = try #require(Fixture.plan(annotations, on: platform).problem(.noMechanism)).message
        #expect(message.hasPrefix(beginning), "\(message)")
    }

    @Test("a key that means nothing on this platform is named, also where another mechanism serves the provider")
    func nameForeignKey() throws {
        let blocked = try #require(Fixture.plan(Fixture.ibm, on: .eks).problem(.noMechanism))
        #expect(
            blocked.message.contains("lanyard.dev/ibm-trusted-profile works on iks only; vault-agent needs "))
        let stored = ["lanyard.dev/vault-path.ibm-watsonx": "secret/data/ibm", "lanyard.dev/vault-role": "llm"]
        let served = Fixture.plan(Fixture.ibm.merging(stored) { $1 }, on: .eks)
        #expect(served.outcome("ibm-watsonx")?.mechanism == .vaultAgent)
        #expect(served.problem(.noEffect)?.message == "lanyard.dev/ibm-trusted-profile works on iks only")
        #expect(Fixture.plan(Fixture.ibm, on: .iks).problem(.noEffect) == nil)
    }

    @Test("a pod with Azure's label and nothing else is told once what is missing, in the words of its ServiceAccount")
    func sayOfLabelledPod() throws {
        let client = ["azure.workload.identity/client-id": "x"]
        let labelled = PodContext(labels: ["azure.workload.identity/use": "true"])
        #expect(Fixture.plan(client, pod: labelled).problems == Fixture.plan(client).problems)
        let problems = Fixture.plan([:], pod: labelled).problems
        #expect(problems.map(\.severity) == [.warning])
        #expect(
            problems.first?.message.hasPrefix(
                "azure-openai: no usable mechanism on eks: azure-workload-identity needs azure.workload.identity/client-id "
                    + "and azure.workload.identity/tenant-id (or set azure.tenantId)") == true, "\(problems)")
    }

    @Test(
        "what was likely meant is named",
        arguments: [
            ("bedrock", "aws-bedrock"), ("aws", "aws-bedrock"), ("vertex", "google-vertex"),
            ("gemini", "google-vertex"),
            ("azure", "azure-openai"), ("Azure-OpenAI", "azure-openai"), ("claude", "anthropic"), ("gpt", "openai"),
            ("open_ai", "openai"), ("watsonx", "ibm-watsonx"), ("oracle", "oracle-genai"), ("oci", "oracle-genai"),
            ("dashscope", "alibaba-modelstudio"), ("qwen", "alibaba-modelstudio"), ("antropic", "anthropic"),
            ("chatbot", nil), ("", nil),
        ] as [(String, ProviderName?)])
    func meanProvider(word: String, name: ProviderName?) {
        #expect(Provider.all(Configuration()).meant(by: word) == name)
    }

    @Test(
        "keys of other domains are recognized by the rest of their names, and others' are left alone",
        arguments: [
            ("eks.amazon.com/role-arn", "eks.amazonaws.com/role-arn"),
            ("eks.amazonaws.co/role-arn", "eks.amazonaws.com/role-arn"),
            ("lanyard.io/aws-region", "lanyard.dev/aws-region"), ("lanyard.com/providers", "lanyard.dev/providers"),
            ("azure.workloadidentity/client-id", "azure.workload.identity/client-id"),
            ("azure.workload.identity.io/tenant-id", "azure.workload.identity/tenant-id"),
            ("cloud.google.con/audience", "cloud.google.com/audience"),
            ("eks.amazon.com/something-else", nil), ("lanyard.io/colour", nil), ("cloud.example.com/audience", nil),
            ("iam.amazonaws.com/role", nil), ("prometheus.io/scrape", nil), ("audience", nil),
            ("vault.security.banzaicloud.io/vault-role", nil),
            ("kubectl.kubernetes.io/last-applied-configuration", nil),
        ] as [(String, String?)])
    func meanKey(written: String, meant: String?) {
        let problems = Fixture.plan([written: "x"]).problems
        #expect(problems.map(\.reason) == (meant == nil ? [] : [.unknownKey]))
        if let meant { #expect(problems.first?.message.hasSuffix("did you mean \(meant)?") == true) }
    }
}

extension String {
    fileprivate func components(of separator: String) -> Int {
        indices.count { self[$0...].hasPrefix(separator) } + 1
    }
}
