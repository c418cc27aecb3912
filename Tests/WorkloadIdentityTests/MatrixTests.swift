import Testing

@testable import WorkloadIdentity

/// The whole matrix as a table: platform by provider and inputs, to a mechanism or to what is wrong.
@Suite("The matrix")
struct MatrixTests {
    /// The columns of the table.
    private static let platforms: [Platform] = [.eks, .aks, .gke, .iks, .oke, .ack, .selfManaged]

    struct Row: CustomTestStringConvertible {
        var provider: ProviderName
        var inputs: [String: String]
        var issuer: Issuer.Reach
        /// For each platform: the mechanisms, joined by `+`; `!` and a reason where no model is reached.
        var cells: [String]

        init(_ provider: ProviderName, _ inputs: [String: String], issuer: Issuer.Reach, _ cells: String...) {
            self.provider = provider
            self.inputs = inputs
            self.issuer = issuer
            // One cell stands for all platforms.
            self.cells = cells.count == 1 ? Array(repeating: cells[0], count: MatrixTests.platforms.count) : cells
        }

        var testDescription: String {
            "\(provider), \(issuer) issuer, \(inputs.keys.sorted().joined(separator: " "))"
        }
    }

    private static let none = "!NoMechanism"
    private static let podIdentity = ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]
    private static let gkeAccount = ["iam.gke.io/gcp-service-account": "vertex@my-project.iam.gserviceaccount.com"]

    private static func named(_ provider: ProviderName) -> [String: String] {
        ["lanyard.dev/providers": provider.rawValue]
    }

    private static func stored(_ provider: ProviderName, by delivery: String? = nil) -> [String: String] {
        var keys = ["lanyard.dev/vault-path.\(provider)": "secret/data/ai/key", "lanyard.dev/vault-role": "llm"]
        keys["lanyard.dev/secret-delivery"] = delivery
        return keys
    }

    private static let rows = [
        // AWS, Microsoft Entra and Alibaba Cloud fetch the issuer's discovery document; Google, OpenAI and Anthropic take
        // uploaded keys.
        Row(
            "aws-bedrock", Fixture.aws, issuer: .public,
            "irsa", "aws-web-identity", "aws-web-identity", "aws-web-identity", "aws-web-identity", "aws-web-identity",
            "aws-web-identity"),
        Row("aws-bedrock", Fixture.aws, issuer: .private, none),
        Row("aws-bedrock", Fixture.aws.merging(stored("aws-bedrock")) { $1 }, issuer: .private, "vault-agent"),
        Row(
            "aws-bedrock", podIdentity, issuer: .private,
            "eks-pod-identity", "!UnknownMechanism", "!UnknownMechanism", "!UnknownMechanism", "!UnknownMechanism",
            "!UnknownMechanism", "!UnknownMechanism"),
        Row("aws-bedrock", named("aws-bedrock"), issuer: .public, none),
        Row("azure-openai", Fixture.azure, issuer: .public, "azure-workload-identity"),
        Row("azure-openai", Fixture.azure, issuer: .publicIfEnabled, "azure-workload-identity"),
        Row("azure-openai", Fixture.azure, issuer: .unknown, "azure-workload-identity"),
        Row("azure-openai", Fixture.azure, issuer: .private, none),
        Row(
            "google-vertex", Fixture.google, issuer: .private,
            "gcp-workload-identity-federation", "gcp-workload-identity-federation", "gke-workload-identity",
            "gcp-workload-identity-federation", "gcp-workload-identity-federation", "gcp-workload-identity-federation",
            "gcp-workload-identity-federation"),
        Row(
            "google-vertex", gkeAccount, issuer: .public,
            none, none, "gke-workload-identity", none, none, none, none),
        Row(
            "google-vertex", named("google-vertex"), issuer: .public,
            none, none, "gke-workload-identity", none, none, none, none),
        Row(
            "ibm-watsonx", Fixture.ibm, issuer: .private,
            none, none, none, "ibm-trusted-profile", none, none, none),
        Row(
            "oracle-genai", Fixture.oracle, issuer: .private,
            none, none, none, none, "oke-workload-identity", none, none),
        Row("alibaba-modelstudio", Fixture.alibaba, issuer: .public, "alibaba-rrsa!ModelNotReachable"),
        Row("alibaba-modelstudio", Fixture.alibaba, issuer: .private, none),
        Row(
            "alibaba-modelstudio", Fixture.alibaba.merging(stored("alibaba-modelstudio")) { $1 }, issuer: .public,
            "alibaba-rrsa+vault-agent"),
        Row("openai", Fixture.openAI, issuer: .public, "openai-federation"),
        Row("openai", Fixture.openAI, issuer: .private, "openai-federation"),
        Row("anthropic", Fixture.anthropic, issuer: .public, "anthropic-federation"),
        Row("anthropic", Fixture.anthropic, issuer: .private, "anthropic-federation"),
    ]

    /// A stored key works everywhere, and for every provider.
    private static let storedRows = Provider.all(Configuration()).map(\.name).flatMap { provider in
        [
            Row(provider, stored(provider), issuer: .private, "vault-agent"),
            Row(provider, stored(provider, by: "vault-csi"), issuer: .private, "vault-csi"),
            Row(provider, stored(provider, by: "external-secret"), issuer: .private, "external-secret"),
            Row(provider, ["lanyard.dev/mechanism.\(provider)": "vault-agent"], issuer: .private, none),
        ]
    }

    @Test("gives each provider its mechanism on each platform", arguments: rows + storedRows)
    func serves(row: Row) {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.vault.allowedPaths = ["**"]
        for (platform, expected) in zip(Self.platforms, row.cells) {
            let plan = Fixture.plan(
                row.inputs, facts: PlatformFacts(platform: platform, issuer: Issuer(reach: row.issuer)),
                configuration: configuration)
            let binding = plan.bindings.first { $0.provider == row.provider }
            var cell = (binding?.outcomes ?? []).map(\.mechanism.rawValue).joined(separator: "+")
            if let error = binding?.problems.first(where: { $0.severity == .error }) { cell += "!\(error.reason)" }
            #expect(cell == expected, "on \(platform)")
        }
    }

    @Test("asks for its inputs by name where one is missing, for every mechanism of every cell")
    func namesWhatIsMissing() {
        for platform in Self.platforms {
            for provider in Provider.all(Configuration()) {
                for mechanism in Matrix(Configuration())[platform, provider.name] {
                    let plan = Fixture.plan(
                        ["lanyard.dev/mechanism.\(provider.name)": mechanism.rawValue], on: platform)
                    guard let problem = plan.problem(.noMechanism) else { continue }
                    #expect(problem.message.contains("\(mechanism) needs "), "\(provider.name) on \(platform)")
                    #expect(problem.subject == Fixture.subject)
                }
            }
        }
    }
}
