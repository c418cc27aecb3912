import JSON
import Testing
import WorkloadIdentity

@Suite struct ExplanationTests {
    private static let ways = ExplanationFixture.ways
    private static let values = ExplanationFixture.values("aws-bedrock")

    private func values(_ provider: ProviderName) -> [String: String] { ExplanationFixture.values(provider) }

    private func script(
        _ provider: ProviderName, on platform: Platform, _ annotations: [String: String]? = nil,
        mechanism: Mechanism? = nil, subject: Subject? = Fixture.subject, configuration: Configuration = Configuration()
    ) throws -> ShellScript {
        try ExplanationFixture.script(
            provider, on: platform, annotations, mechanism: mechanism, subject: subject, configuration: configuration)
    }

    @Test("every way of the matrix is explained, with variables that are assigned before they are used")
    func explainsAll() throws {
        #expect(Set(Self.ways.map(\.mechanism)) == Set(Mechanism.allCases))
        for (platform, provider, mechanism) in Self.ways {
            let script = try script(provider, on: platform, mechanism: mechanism)
            #expect(script.undefined == [] && script.unused == [], "\(platform) \(provider) \(mechanism)")
            #expect(script.lines.contains { $0.hasPrefix("# ==== \(provider) by \(mechanism) (") })
            #expect(script.commands.contains { $0.hasPrefix("kubectl annotate serviceaccount ") })
            #expect(script.commands.contains { $0.hasPrefix("kubectl get workloadidentity ") })
        }
    }

    @Test("a cell is explained with all of its ways, the first one first")
    func explainsCells() throws {
        for platform in Platform.allCases {
            for provider in Provider.all(Configuration()).map(\.name) {
                let script = try script(provider, on: platform, subject: nil)
                #expect(script.undefined == [], "\(platform) \(provider)")
                #expect(script.explained == Matrix(Configuration())[platform, provider].map(\.rawValue))
            }
        }
    }

    @Test("the JSON in a script is JSON when the shell has filled it in")
    func writesJSON() throws {
        var count = 0
        for (platform, provider, mechanism) in Self.ways {
            let script = try script(provider, on: platform, mechanism: mechanism)
            for document in script.documents("JSON") {
                let expanded = script.expanded(document, values(provider))
                #expect(throws: Never.self, "\(expanded)") { try JSONValue(parsing: Array(expanded.utf8)) }
                #expect(!expanded.contains("?") && !expanded.contains("$"), "\(expanded)")
                count += 1
            }
        }
        #expect(count > 40)
    }

    @Test("what a script writes on the ServiceAccount makes Lanyard choose the way that it explains")
    func annotatesForItself() throws {
        var configuration = Configuration()
        configuration.externalSecrets.store = "lanyard"
        configuration.vault.allowedPaths = ["**"]
        configuration.issuer.isPublic = true
        for (platform, provider, mechanism) in Self.ways {
            let script = try script(provider, on: platform, mechanism: mechanism, configuration: configuration)
            let annotations = script.annotations(values(provider))
            let plan = Fixture.plan(annotations, on: platform, configuration: configuration)
            let place: Comment = "\(platform) \(provider) \(mechanism): \(annotations) \(plan.problems.map(\.message))"
            #expect(plan.outcome(provider)?.mechanism == mechanism, place)
            #expect(plan.bindings.count == 1 && plan.problem(.unknownKey) == nil, place)
            #expect(plan.problem(.invalidValue) == nil && plan.problem(.misplacedKey) == nil, place)
        }
    }

    // MARK: Trust

    @Test("a role of IRSA trusts the subject and the audience of the issuer without https://")
    func trustsForIRSA() throws {
        let script = try script("aws-bedrock", on: .eks, Fixture.aws)
        let policy = script.expanded(try #require(script.documents("JSON").first), Self.values)
        #expect(
            try JSONValue(parsing: Array(policy.utf8)) == [
                "Version": "2012-10-17",
                "Statement": [
                    [
                        "Effect": "Allow",
                        "Principal": [
                            "Federated": "arn:aws:iam::111122223333:oidc-provider/issuer.example.com/a/"
                        ],
                        "Action": "sts:AssumeRoleWithWebIdentity",
                        "Condition": [
                            "StringEquals": [
                                "issuer.example.com/a/:sub": "system:serviceaccount:ai:llm",
                                "issuer.example.com/a/:aud": "sts.amazonaws.com",
                            ]
                        ],
                    ]
                ],
            ])
        #expect(script.assignments["ROLE_NAME"] == "bedrock" && script.assignments["ROLE_PATH"] == "/")
    }

    @Test("a federated credential of Entra's has the issuer to the letter, the subject, and one audience")
    func trustsForAzure() throws {
        var configuration = Configuration()
        configuration.issuer.url = "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/"
        let script = try script("azure-openai", on: .aks, Fixture.azure, configuration: configuration)
        let credential = script.expanded(try #require(script.documents("JSON").first), ["NAME": "lanyard-ai-llm"])
        #expect(
            try JSONValue(parsing: Array(credential.utf8)) == [
                "name": "lanyard-ai-llm", "issuer": "https://westeurope.oic.prod-aks.azure.com/tenant/cluster/",
                "subject": "system:serviceaccount:ai:llm", "audiences": ["api://AzureADTokenExchange"],
            ])
        let command = try #require(script.joinedCommands.first { $0.contains("identity federated-credential create") })
        #expect(command.hasSuffix(#"--issuer "$ISSUER" --subject "$SUBJECT" --audiences "$AUDIENCE""#))
        #expect(script.assignments["CLIENT_ID"] == "11111111-2222-3333-4444-555555555555")
    }

    @Test(
        "the issuer is switched on where that is the user's to do, and then read again",
        arguments: [
            (Platform.aks, "az aks update "), (.oke, "oci ce cluster update "), (.ack, "aliyun cs PUT "),
            (.selfManaged, "kubectl get --raw /openid/v1/jwks > jwks"), (.eks, nil), (.gke, nil),
        ] as [(Platform, String?)])
    func switchesIssuerOn(platform: Platform, command: String?) throws {
        let commands = try script("azure-openai", on: platform, mechanism: .azureWorkloadIdentity).commands
        let reading = try #require(commands.firstIndex { $0.hasPrefix("ISSUER=$(kubectl get --raw ") })
        let switching = command.map { command in commands.firstIndex { $0.hasPrefix(command) } }
        #expect(switching.map { $0 ?? .max < reading } ?? true)
        #expect(commands.contains { $0.hasPrefix("curl ") && $0.contains("/.well-known/openid-configuration") })
        let switches = ["az aks update ", "oci ce cluster update ", "aliyun cs PUT "]
        let others = switches.filter { $0 != command }
        #expect(!commands.contains { line in others.contains { line.hasPrefix($0) } })
    }

    @Test(
        "keys are uploaded where the provider cannot fetch them, and only there",
        arguments: [
            (Platform.iks, "google-vertex", true), (.selfManaged, "google-vertex", true),
            (.aks, "google-vertex", false),
            (.selfManaged, "anthropic", true), (.eks, "anthropic", false),
            (.oke, "openai", true), (.gke, "openai", false),
        ] as [(Platform, ProviderName, Bool)])
    func uploadsKeys(platform: Platform, provider: ProviderName, isUploaded: Bool) throws {
        let mechanism = try #require(Matrix(Configuration())[platform, provider].first)
        let script = try script(provider, on: platform, mechanism: mechanism)
        #expect(script.commands.contains { $0.contains("kubectl get --raw /openid/v1/jwks") } == isUploaded)
        #expect(script.commands.contains { $0.hasPrefix("curl ") } == !isUploaded)
    }

    @Test(
        "the least that is needed is granted, and to this ServiceAccount alone",
        arguments: [
            (
                Platform.gke, "google-vertex", Mechanism.gkeWorkloadIdentity,
                #"gcloud projects add-iam-policy-binding "$PROJECT" --member="$PRINCIPAL" --role=roles/aiplatform.user --condition=None"#
            ),
            (
                .eks, "aws-bedrock", .eksPodIdentity,
                #"aws eks create-pod-identity-association --cluster-name "$CLUSTER" --region "$CLUSTER_REGION" --namespace "$NAMESPACE" --service-account "$SERVICE_ACCOUNT" --role-arn "$ROLE_ARN""#
            ),
            (
                .iks, "ibm-watsonx", .ibmTrustedProfile,
                #"ibmcloud iam trusted-profile-link-create "$PROFILE" --name "$NAME" --cr-type "$CR_TYPE" --link-crn "$CLUSTER_CRN" --link-namespace "$NAMESPACE" --link-name "$SERVICE_ACCOUNT""#
            ),
            (
                .aks, "azure-openai", .azureWorkloadIdentity,
                #"az role assignment create --role "Cognitive Services OpenAI User" --scope "$SCOPE" --assignee-object-id "$PRINCIPAL_ID" --assignee-principal-type ServicePrincipal"#
            ),
            (
                .iks, "groq", .vaultCSI,
                #""$VAULT" write "auth/${AUTH_MOUNT}/role/${VAULT_ROLE}" bound_service_account_names="$SERVICE_ACCOUNT" bound_service_account_namespaces="$NAMESPACE" audience="$AUDIENCE" token_policies="${NAME}-${STORED_KEYS//,/,${NAME}-}" token_ttl=1h"#
            ),
        ] as [(Platform, ProviderName, Mechanism, String)])
    func grants(platform: Platform, provider: ProviderName, mechanism: Mechanism, command: String) throws {
        #expect(try script(provider, on: platform, mechanism: mechanism).joinedCommands.contains(command))
    }

    @Test("OpenBao is set up with its own command and chart, which runs after Lanyard")
    func setsOpenBaoUp() throws {
        var configuration = Configuration()
        configuration.vault.injector = .openbao
        configuration.vault.authPath = "auth/clusters/one"
        configuration.vault.audience = "vault"
        let script = try script("groq", on: .eks, mechanism: .vaultAgent, configuration: configuration)
        #expect(script.assignments["VAULT"] == "bao" && script.assignments["AUTH_MOUNT"] == "clusters/one")
        #expect(script.assignments["AUDIENCE"] == "vault")
        let release = try #require(
            script.joinedCommands.first { $0.contains("openbao/openbao") }?.split(separator: " ").dropFirst(3).first)
        #expect("\(release)-agent-injector-cfg" > "pod-injector.lanyard.dev")
    }

    @Test("a ClusterSecretStore presents the operator's token, a SecretStore the ServiceAccount's own")
    func setsStoresUp() throws {
        var configuration = Configuration()
        configuration.vault.namespace = "admin/ai"
        configuration.externalSecrets.store = "keys"
        let forAll = try script("groq", on: .eks, mechanism: .externalSecret, configuration: configuration)
        let cluster = forAll.expanded(try #require(forAll.documents("YAML").last), [:])
        #expect(cluster.contains("kind: ClusterSecretStore") && cluster.contains("name: \"keys\""))
        #expect(cluster.contains("role: \"external-secrets\"") && cluster.contains("namespace: external-secrets"))
        #expect(cluster.contains("audiences: [\"vault\"]"))
        #expect(forAll.lines.contains { $0.contains("allowedPaths") })

        configuration.externalSecrets.storeKind = .secretStore
        let own = try script(
            "groq", on: .eks, Fixture.vaultOpenAI, mechanism: .externalSecret, configuration: configuration)
        let store = own.expanded(try #require(own.documents("YAML").last), [:])
        #expect(store.contains("kind: SecretStore") && store.contains("namespace: \"ai\""))
        #expect(store.contains("role: \"llm\"") && store.contains("name: \"llm\""))
        #expect(own.undefined == [] && own.commands.contains("export VAULT_ADDR VAULT_NAMESPACE"))
    }

    @Test("IBM's own store is shown with IBM's clusters and models, and without a key where that is possible")
    func showsSecretsManager() throws {
        func stores(_ provider: ProviderName, _ platform: Platform) throws -> String {
            try script(provider, on: platform, mechanism: .externalSecret).documents("YAML").joined()
        }
        #expect(try stores("groq", .iks).contains("containerAuth:"))
        #expect(try stores("ibm-watsonx", .eks).contains("secretApiKeySecretRef:"))
        #expect(try !stores("groq", .eks).contains("ibm:"))
    }

    // MARK: What a ServiceAccount has

    @Test("the way that a ServiceAccount gets is explained, with what its annotations say and what is wrong with them")
    func explainsChoice() throws {
        let script = try script("google-vertex", on: .selfManaged, Fixture.google)
        #expect(
            script.lines.contains("# ServiceAccount ai/llm gets google-vertex by gcp-workload-identity-federation."))
        #expect(script.explained == ["gcp-workload-identity-federation"])
        #expect(script.assignments["POOL_PROJECT"] == "123456789" && script.assignments["POOL"] == "clusters")
        #expect(script.assignments["POOL_PROVIDER"] == "prod")
        let warned = try self.script("azure-openai", on: .aks, Fixture.azure)
        #expect(warned.lines.contains { $0.hasPrefix("# warning: IssuerUnverified: ") })
    }

    @Test("a binding that is blocked is explained by its problem and by every way of the cell")
    func explainsBlocked() throws {
        let half = ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"]
        let script = try script("azure-openai", on: .gke, half)
        #expect(
            script.lines.contains { $0.hasPrefix("# error: NoMechanism: azure-openai: no usable mechanism") })
        #expect(script.explained == Matrix(Configuration())[.gke, "azure-openai"].map(\.rawValue))
        #expect(script.assignments["CLIENT_ID"] == "11111111-2222-3333-4444-555555555555")
    }

    @Test("a provider that the ServiceAccount does not ask for is explained by every way of the cell")
    func explainsUnasked() throws {
        let script = try script("openai", on: .eks, Fixture.aws)
        #expect(script.lines.contains("# ServiceAccount ai/llm does not ask for openai yet."))
        #expect(script.lines.contains { $0.hasPrefix("# ==== openai by openai-federation (federated, needs-code)") })
    }

    @Test("two ways that a ServiceAccount needs together are both explained")
    func explainsBoth() throws {
        let both = Fixture.alibaba.merging(
            ["lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/ai", "lanyard.dev/vault-role": "llm"]) { $1 }
        let script = try script("alibaba-modelstudio", on: .ack, both)
        #expect(
            script.lines.contains("# ServiceAccount ai/llm gets alibaba-modelstudio by alibaba-rrsa and vault-agent."))
        #expect(script.explained == ["alibaba-rrsa", "vault-agent"])
    }

    @Test("the providers that a ServiceAccount asks for by name stay asked for")
    func keepsProviders() throws {
        let named = ["lanyard.dev/providers": "google-vertex, groq", "lanyard.dev/oci-region": "us-chicago-1"]
        let script = try script("oracle-genai", on: .oke, named, mechanism: .okeWorkloadIdentity)
        #expect(script.annotations([:])["lanyard.dev/providers"] == "google-vertex,groq,oracle-genai")
        #expect(script.assignments["REGION"] == "us-chicago-1")
    }

    @Test("nobody in particular is a name to be filled in")
    func explainsNobody() throws {
        let script = try script("anthropic", on: .eks, subject: nil)
        #expect(script.assignments["NAMESPACE"] == "'<namespace>'")
        #expect(script.assignments["SUBJECT"] == #""system:serviceaccount:${NAMESPACE}:${SERVICE_ACCOUNT}""#)
    }

    // MARK: What may not get in

    @Test("a value is assigned as one word, and stands nowhere else")
    func quotesValues() throws {
        let audience = "a'b$(touch${IFS}x)`id`;"
        let annotations = Fixture.aws.merging(["eks.amazonaws.com/audience": audience]) { $1 }
        let script = try script("aws-bedrock", on: .gke, annotations)
        #expect(script.lines.filter { $0.contains("touch") } == [#"AUDIENCE='a'\''b$(touch${IFS}x)`id`;'"#])
    }

    @Test("nothing that a message quotes leaves its comment")
    func keepsComments() throws {
        for lineBreak in ["\n", "\r", "\r\n", "\u{B}", "\u{85}", "\u{2028}", "\u{1B}"] {
            let annotations = ["eks.amazonaws.com/role-arn": "x\(lineBreak)touch x"]
            let script = try script("aws-bedrock", on: .eks, annotations)
            let mentions = script.lines.filter { $0.contains("touch") }
            #expect(!mentions.isEmpty && mentions.allSatisfy { $0.hasPrefix("# ") }, "\(lineBreak.debugDescription)")
            let breaks = script.lines.joined().unicodeScalars.filter {
                $0.value < 0x20 || [0x85, 0x2028].contains($0.value)
            }
            #expect(breaks.isEmpty)
        }
    }

    @Test(
        "names that are none are refused",
        arguments: [
            ("ml", "a b"), ("ml", "$(id)"), ("ml", ""), ("ml", "a..b"), ("ml", "-a"), ("ML", "a"), ("m.l", "a"),
            ("", "a"), ("ml\n", "a"), ("ml", String(repeating: "a", count: 254)),
            (String(repeating: "a", count: 64), "a"),
        ])
    func refusesNames(namespace: String, name: String) {
        #expect(throws: ExplanationError.self) {
            try script("openai", on: .eks, subject: Subject(namespace: namespace, serviceAccount: name))
        }
    }

    @Test("an issuer that would end a string in JSON is refused", arguments: ["\"", "\\", "\n", "\u{7F}", "é"])
    func refusesIssuers(character: String) {
        var configuration = Configuration()
        configuration.issuer.url = "https://issuer.example.com/\(character)"
        #expect(throws: ExplanationError.self) {
            try script("azure-openai", on: .eks, mechanism: .azureWorkloadIdentity, configuration: configuration)
        }
    }

    @Test(
        "a name that nobody knows is answered with what was likely meant",
        arguments: [
            ("aws-bedrok", nil, "aws-bedrok is not a provider; did you mean aws-bedrock?"),
            ("grok", nil, "grok is not a provider; did you mean groq?"),
            ("Bedrock", nil, "Bedrock is not a provider; did you mean aws-bedrock?"),
            (
                "aws-bedrock", "irssa",
                "irssa is not a mechanism for aws-bedrock on eks; did you mean irsa?"
            ),
            (
                "openai", "irsa",
                "irsa is not a mechanism for openai on eks; write one of openai-federation, vault-agent, vault-csi, external-secret"
            ),
        ] as [(String, String?, String)])
    func advises(provider: String, mechanism: String?, message: String) {
        let error = #expect(throws: ExplanationError.self) {
            try Explanation(
                of: provider, mechanism: mechanism, facts: .offline(.eks), configuration: Configuration())
        }
        #expect(error?.description == message)
    }
}
