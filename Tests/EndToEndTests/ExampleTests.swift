import JSON
import Testing

extension EndToEndTests {
    /// The workloads of manifests/examples, made by the Deployment controller, on their native platform and on a foreign one.
    @Suite(.serialized) struct Examples {
        @Test(
            "each example's pod holds exactly what its provider's SDK reads",
            arguments: ["eks", "aks", "gke", "self-managed"])
        func injects(platform: String) async throws {
            try await Operator.running(.platform(platform)) { plane, _ in
                try await plane.apply(Self.vaultInjector)
                try await plane.kubectl("apply", "-k", "\(plane.repository)/manifests/examples")
                try await plane.kubectl("delete", "pods", "--all", "-n", "ai-demo", "--grace-period=0", "--force")
                for example in Example.all {
                    let expected = example.on(platform)
                    let pod = try #require(try await plane.pods(of: example.name, in: "ai-demo").first)
                    #expect(pod.annotations["lanyard.dev/injected"] == expected.injected)
                    #expect(pod.variables.filter { !example.ownVariables.contains($0.key) } == expected.variables)
                    for (volume, token) in expected.tokens {
                        let source = pod.volume(volume)?.at("projected", "sources", "0", "serviceAccountToken")
                        #expect(source == token.json, "\(example.name): \(volume)")
                        #expect(pod.mountPath(of: volume) == token.mountPath)
                    }
                    for (name, value) in expected.annotations { #expect(pod.annotations[name] == value) }
                    _ = try await plane.condition(
                        Status.ready, of: "deployment/\(example.name)", in: "ai-demo", is: "True")
                }
                try await plane.kubectl("delete", "mutatingwebhookconfiguration", "vault-agent-injector-cfg")
                _ = try await plane.condition(
                    Status.ready, of: "deployment/openai-vault", in: "ai-demo", is: "False")
            }
        }

        /// By its name Lanyard takes it for the injector's. It asks nobody, since it has no webhook.
        private static let vaultInjector = """
            apiVersion: admissionregistration.k8s.io/v1
            kind: MutatingWebhookConfiguration
            metadata: {name: vault-agent-injector-cfg}
            """

        @Test("Google's credential configuration is in the annotation that the volume's file shows")
        func deliversFile() async throws {
            try await Operator.running(.platform("eks")) { plane, _ in
                try await plane.kubectl("apply", "-k", "\(plane.repository)/manifests/examples")
                try await plane.kubectl(
                    "delete", "pods", "-l", "app=vertex-ai", "-n", "ai-demo", "--grace-period=0", "--force")
                let pod = try #require(try await plane.pods(of: "vertex-ai", in: "ai-demo").first)
                let item = pod.volume("lanyard-google-vertex")?.at(
                    "projected", "sources", "1", "downwardAPI", "items", "0")
                #expect(
                    item?.at("fieldRef", "fieldPath")?.string
                        == "metadata.annotations['lanyard.dev/google-vertex-credentials']")
                let path = try #require(item?["path"]?.string)
                let mount = try #require(pod.mountPath(of: "lanyard-google-vertex"))
                #expect(pod.variables["GOOGLE_APPLICATION_CREDENTIALS"] == "\(mount)/\(path)")
                let text = try #require(pod.annotations["lanyard.dev/google-vertex-credentials"])
                let configuration = try JSONValue(parsing: Array(text.utf8))
                #expect(configuration.at("credential_source", "file")?.string == "\(mount)/token")
                #expect(configuration["type"] == "external_account")
            }
        }
    }
}

/// One file of manifests/examples.
private struct Example: Sendable {
    struct Token {
        var audience: String
        var seconds: Int
        var mountPath: String

        var json: JSONValue {
            [
                "audience": .string(audience), "expirationSeconds": .number(JSONNumber(seconds)), "path": "token",
            ]
        }
    }

    struct Expectation {
        var injected: String
        var variables: [String: String] = [:]
        /// By the volume's name.
        var tokens: [String: Token] = [:]
        var annotations: [String: String] = [:]
    }

    var name: String
    /// What the example sets itself.
    var ownVariables: Set<String> = []
    var on: @Sendable (_ platform: String) -> Expectation

    static let all = [
        bedrock, azure, vertex, vault("openai", "OPENAI_API_KEY"), vault("anthropic", "ANTHROPIC_API_KEY"), anthropic,
        openAI,
    ]

    private static func path(_ provider: String) -> String { "/var/run/secrets/lanyard.dev/\(provider)" }

    private static let bedrock = Example(name: "bedrock") { platform in
        let isNative = platform == "eks"
        let mount = isNative ? "/var/run/secrets/eks.amazonaws.com/serviceaccount" : path("aws-bedrock")
        return Expectation(
            injected: isNative ? "aws-bedrock=irsa" : "aws-bedrock=aws-web-identity",
            variables: [
                "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
                "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/bedrock-demo",
                "AWS_WEB_IDENTITY_TOKEN_FILE": "\(mount)/token",
            ],
            tokens: [
                isNative ? "aws-iam-token" : "lanyard-aws-bedrock": Token(
                    audience: "sts.amazonaws.com", seconds: 86400, mountPath: mount)
            ])
    }

    private static let azure = Example(name: "azure-openai", ownVariables: ["AZURE_OPENAI_ENDPOINT"]) { _ in
        Expectation(
            injected: "azure-openai=azure-workload-identity",
            variables: [
                "AZURE_CLIENT_ID": "11111111-2222-4333-8444-555555555555",
                "AZURE_TENANT_ID": "66666666-7777-4888-9999-aaaaaaaaaaaa",
                "AZURE_FEDERATED_TOKEN_FILE": "\(path("azure-openai"))/token",
                "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
            ],
            tokens: [
                "lanyard-azure-openai": Token(
                    audience: "api://AzureADTokenExchange", seconds: 3600, mountPath: path("azure-openai"))
            ])
    }

    private static let vertex = Example(name: "vertex-ai", ownVariables: ["GOOGLE_GENAI_USE_VERTEXAI"]) { platform in
        var expected = Expectation(
            injected: "google-vertex=gke-workload-identity",
            variables: ["GOOGLE_CLOUD_PROJECT": "my-project", "GOOGLE_CLOUD_LOCATION": "us-central1"])
        guard platform != "gke" else { return expected }
        expected.injected = "google-vertex=gcp-workload-identity-federation"
        expected.variables["GOOGLE_APPLICATION_CREDENTIALS"] = "\(path("google-vertex"))/credentials.json"
        expected.variables["CLOUDSDK_COMPUTE_REGION"] = "us-central1"
        expected.variables["CLOUDSDK_CORE_PROJECT"] = "my-project"
        expected.tokens["lanyard-google-vertex"] = Token(
            audience:
                "https://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/clusters/providers/demo",
            seconds: 3600, mountPath: path("google-vertex"))
        return expected
    }

    private static let anthropic = Example(name: "anthropic-federation") { _ in
        Expectation(
            injected: "anthropic=anthropic-federation",
            variables: [
                "ANTHROPIC_FEDERATION_RULE_ID": "fdrl_01DemoRule",
                "ANTHROPIC_ORGANIZATION_ID": "11111111-2222-4333-8444-555555555555",
                "ANTHROPIC_SERVICE_ACCOUNT_ID": "svac_01DemoAccount", "ANTHROPIC_WORKSPACE_ID": "default",
                "ANTHROPIC_IDENTITY_TOKEN_FILE": "\(path("anthropic"))/token",
            ],
            tokens: [
                "lanyard-anthropic": Token(
                    audience: "https://api.anthropic.com", seconds: 3600, mountPath: path("anthropic"))
            ])
    }

    private static let openAI = Example(name: "openai-federation") { _ in
        Expectation(
            injected: "openai=openai-federation",
            variables: [
                "OPENAI_IDENTITY_PROVIDER_ID": "idp-demo", "OPENAI_SERVICE_ACCOUNT_ID": "sa-demo",
                "OPENAI_IDENTITY_TOKEN_FILE": "\(path("openai"))/token",
            ],
            tokens: [
                "lanyard-openai": Token(
                    audience: "https://api.openai.com/v1", seconds: 3600, mountPath: path("openai"))
            ])
    }

    private static func vault(_ provider: String, _ variable: String) -> Example {
        Example(name: "\(provider)-vault") { _ in
            Expectation(
                injected: "\(provider)=vault-agent",
                annotations: [
                    "vault.hashicorp.com/agent-inject": "true", "vault.hashicorp.com/role": "ai-demo",
                    "vault.hashicorp.com/agent-inject-secret-\(provider)": "secret/data/\(provider)/api-key",
                    "vault.hashicorp.com/agent-inject-file-\(provider)": "\(provider).env",
                    "vault.hashicorp.com/agent-inject-template-\(provider)": """
                    {{- with secret "secret/data/\(provider)/api-key" -}}
                    export \(variable)='{{ index .Data.data "key" | replaceAll "'" "'\\\\''" }}'
                    {{ end -}}
                    """,
                ])
        }
    }
}
