import Testing
import WorkloadIdentity

/// Everything that a ServiceAccount asks for, in one script.
@Suite struct ServiceAccountExplanationTests {
    private func script(
        _ annotations: [String: String], on platform: Platform = .gke, reports: [Explanation.Report] = [],
        sources: [String] = [], configuration: Configuration = Configuration()
    ) throws -> ShellScript {
        var explanation = try Explanation(
            for: Explanation.ServiceAccount(Fixture.subject, annotations: annotations, reports: reports),
            facts: .offline(
                platform, issuerURL: configuration.issuer.url, isPublic: configuration.issuer.isPublic),
            configuration: configuration)
        explanation.sources = sources
        return ShellScript(explanation.script)
    }

    private static let keys = [
        "lanyard.dev/vault-role": "llm", "lanyard.dev/vault-path.groq": "secret/data/ai/groq",
        "lanyard.dev/vault-path.mistral": "kv/ai/mistral",
    ]
    private static let everything = Fixture.aws.merging(Fixture.azure) { $1 }.merging(Fixture.openAI) { $1 }
        .merging(Fixture.anthropic) { $1 }.merging(keys) { $1 }

    @Test("every provider that is asked for has its part, in the order of the matrix, and values of its own")
    func explainsAll() throws {
        let script = try script(Self.everything)
        #expect(
            script.explained == [
                "aws-web-identity", "azure-workload-identity", "openai-federation", "anthropic-federation",
                "vault-agent", "vault-agent",
            ])
        #expect(script.undefined == [] && script.unused == [])
        #expect(
            script.lines.contains {
                $0.hasPrefix("# AWS Bedrock, Azure OpenAI, OpenAI, Anthropic, Groq and Mistral AI for ")
            })
        let audiences = script.commands.filter { $0.hasPrefix("AUDIENCE=") }
        #expect(
            audiences.prefix(4) == [
                "AUDIENCE=sts.amazonaws.com", "AUDIENCE=api://AzureADTokenExchange",
                "AUDIENCE=https://api.openai.com/v1", "AUDIENCE=https://api.anthropic.com",
            ])
    }

    @Test("what several providers need of the issuer stands there once, and names them all")
    func sharesIssuer() throws {
        var configuration = Configuration()
        configuration.issuer.url = "https://issuer.example.com"
        let script = try script(Self.everything, configuration: configuration)
        #expect(script.commands.filter { $0.hasPrefix("ISSUER=") } == ["ISSUER=https://issuer.example.com"])
        #expect(script.commands.filter { $0.hasPrefix("curl ") }.count == 1)
        #expect(
            script.comments.contains(
                "from the internet: AWS, Microsoft Entra, OpenAI and Anthropic will do the same"))
        #expect(script.lines.filter { $0.hasPrefix("# ==== The cluster's issuer ") }.count == 1)
    }

    @Test("an issuer that one provider fetches and another compares is switched on once")
    func mergesUses() throws {
        let script = try script(Fixture.azure.merging(Fixture.openAI) { $1 }, on: .oke)
        #expect(script.commands.filter { $0.hasPrefix("oci ce cluster update ") }.count == 1)
        #expect(script.commands.filter { $0.hasPrefix("ISSUER=") }.count == 1)
        #expect(script.undefined == [])
    }

    @Test("a step that another provider shares is not repeated, and one that has other values is")
    func repeatsWhatDiffers() throws {
        let script = try script(Self.keys)
        #expect(script.explained == ["vault-agent", "vault-agent"])
        #expect(script.commands.filter { $0.contains(" auth enable ") }.count == 1)
        #expect(script.comments.contains("As step 1 of groq by vault-agent."))
        // The one role has the policies of all: another one would replace it.
        #expect(script.commands.filter { $0.contains("token_policies=") }.count == 1)
        #expect(script.assignments["STORED_KEYS"] == "groq,mistral")
        // Each key has a policy, a secret and a question of its own.
        #expect(script.commands.filter { $0.contains(" policy write ") }.count == 2)
        #expect(script.commands.filter { $0 == "read -rs API_KEY" }.count == 2)
        #expect(
            script.commands.filter { $0.hasPrefix("VAULT_PATH=") }.map { $0.prefix { $0 != " " } }
                == ["VAULT_PATH=secret/data/ai/groq", "VAULT_PATH=kv/ai/mistral"])
        #expect(script.commands.contains { $0.contains(" kv put ") })
        #expect(script.commands.contains { $0.contains(#"write "$VAULT_PATH""#) })
    }

    @Test("a value that is worked out of another is worked out again when that one changes")
    func worksOutAgain() throws {
        let named = ["lanyard.dev/providers": "groq, mistral", "lanyard.dev/secret-delivery": "vault-agent"]
        let script = try script(named)
        let paths = script.commands.filter { $0.hasPrefix(#"VAULT_PATH="secret/data/${NAMESPACE}/${PROVIDER}""#) }
        let providers = script.commands.filter { $0.hasPrefix("PROVIDER=") }
        #expect(providers.first == "PROVIDER=groq" && providers.contains("PROVIDER=mistral"))
        #expect(paths.count == providers.count)
    }

    @Test("one provider alone has the same steps as among others")
    func agreesWithOne() throws {
        let one = try ExplanationFixture.script("azure-openai", on: .gke, Fixture.azure)
        let all = try script(Self.everything)
        let credential = one.joinedCommands.filter { $0.contains("federated-credential create") }
        #expect(!credential.isEmpty)
        #expect(all.joinedCommands.filter { $0.contains("federated-credential create") } == credential)
        #expect(one.documents("JSON").allSatisfy(all.documents("JSON").contains))
    }

    @Test("what is wrong with the annotations as a whole is said once")
    func saysProblemsOnce() throws {
        let misspelt = Self.everything.merging(["lanyard.dev/aws-regoin": "us-east-1"]) { $1 }
        let script = try script(misspelt)
        #expect(script.lines.filter { $0.contains("UnknownKey") }.count == 1)
    }

    // MARK: What the operator says

    @Test("a mechanism that the operator reports wins, with what it says of it")
    func believesOperator() throws {
        // The operator's configuration has a tenant, which this command does not know.
        let client = ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"]
        let report = Explanation.Report(
            provider: "azure-openai", mechanisms: ["azure-workload-identity"], message: "the issuer\nis not verified")
        let script = try script(client, reports: [report], sources: ["Taken from WorkloadIdentity ai/llm."])
        #expect(script.explained == ["azure-workload-identity"])
        #expect(script.comments.contains("gets azure-openai by azure-workload-identity, as the operator reports."))
        #expect(script.lines.contains("# The operator says: the issuer is not verified"))
        #expect(script.lines.contains("# Taken from WorkloadIdentity ai/llm."))
        #expect(!script.comments.contains("NoMechanism"))
        #expect(script.assignments["TENANT_ID"] == "$(az account show --query tenantId --output tsv)")
    }

    @Test("a provider for which the operator has no usable mechanism is explained by every way")
    func explainsUnusable() throws {
        let report = Explanation.Report(provider: "openai", mechanisms: [], message: "openai: no usable mechanism")
        let script = try script(["lanyard.dev/providers": "openai"], on: .eks, reports: [report])
        #expect(script.explained == Matrix(Configuration())[.eks, "openai"].map(\.rawValue))
        #expect(script.lines.contains("# The operator says: openai: no usable mechanism"))
    }

    @Test("a ServiceAccount that is left alone is told so")
    func tellsExemption() throws {
        let script = try script(Fixture.aws.merging(["lanyard.dev/inject": "false"]) { $1 })
        #expect(script.comments.contains("Nothing is injected: "))
    }

    @Test("a ServiceAccount that asks for nothing is answered with the providers, and with why")
    func answersNothing() {
        let error = #expect(throws: ExplanationError.self) { try script(["lanyard.dev/providers": "bedrok"]) }
        let message = error?.description ?? ""
        #expect(message.hasPrefix("ServiceAccount ai/llm asks for no provider (error: UnknownProvider: "))
        #expect(message.contains("; name the one to explain, one of aws-bedrock, azure-openai, "))
    }
}
