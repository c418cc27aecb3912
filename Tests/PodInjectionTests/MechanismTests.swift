import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// Every mechanism with every kind of container: what is injected, stamped, and refused where it is required.
@Suite struct MechanismTests {
    struct Example: Sendable, CustomTestStringConvertible {
        var mechanism: Mechanism
        var provider: ProviderName
        var platform: Platform
        var annotations: [String: String]
        /// The variable that names the mechanism's file, and whether that is a token.
        var file: String?
        var isToken = true
        /// A stored credential that the SDK prefers.
        var stored: String?

        var testDescription: String { "\(mechanism)" }
        var stamp: String { "\(provider)=\(mechanism)" }

        func inject(
            _ variables: [String: String] = [:], mounts: [String: String] = [:], from sources: JSONValue? = nil
        ) throws -> CustomFolderTests.Outcome {
            var container = CustomFolderTests.container(variables, mounts: mounts)
            container["envFrom"] = sources
            return try CustomFolderTests.inject(CustomFolderTests.pod(container), annotations, on: platform)
        }
    }

    private static let region = ["lanyard.dev/aws-region": "eu-central-1"]
    private static let aws = InjectionTests.aws.merging(region) { $1 }
    private static let ids = [
        "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
        "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
    ]
    private static let key = ["lanyard.dev/vault-path.groq": "secret/data/ai/groq", "lanyard.dev/vault-role": "llm"]

    static let examples: [Example] = [
        .init(
            mechanism: .irsa, provider: "aws-bedrock", platform: .eks, annotations: aws,
            file: "AWS_WEB_IDENTITY_TOKEN_FILE", stored: "AWS_ACCESS_KEY_ID"),
        .init(
            mechanism: .eksPodIdentity, provider: "aws-bedrock", platform: .eks,
            annotations: region.merging(["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]) { $1 },
            file: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", stored: "AWS_PROFILE"),
        .init(
            mechanism: .awsWebIdentity, provider: "aws-bedrock", platform: .oke, annotations: aws,
            file: "AWS_WEB_IDENTITY_TOKEN_FILE", stored: "AWS_BEARER_TOKEN_BEDROCK"),
        .init(
            mechanism: .azureWorkloadIdentity, provider: "azure-openai", platform: .eks,
            annotations: InjectionTests.azure, file: "AZURE_FEDERATED_TOKEN_FILE", stored: "AZURE_CLIENT_SECRET"),
        .init(
            mechanism: .gkeWorkloadIdentity, provider: "google-vertex", platform: .gke,
            annotations: ["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"]),
        .init(
            mechanism: .gcpWorkloadIdentityFederation, provider: "google-vertex", platform: .iks,
            annotations: InjectionTests.google, file: "GOOGLE_APPLICATION_CREDENTIALS", isToken: false),
        .init(
            mechanism: .ibmTrustedProfile, provider: "ibm-watsonx", platform: .iks,
            annotations: ["lanyard.dev/ibm-trusted-profile": "Profile-11111111-2222-3333-4444-555555555555"],
            file: "WATSONX_CR_TOKEN_FILENAME", stored: "WATSONX_APIKEY"),
        .init(
            mechanism: .okeWorkloadIdentity, provider: "oracle-genai", platform: .oke,
            annotations: ["lanyard.dev/providers": "oracle-genai", "lanyard.dev/oci-region": "us-chicago-1"]),
        .init(
            mechanism: .alibabaRRSA, provider: "alibaba-modelstudio", platform: .ack,
            annotations: [
                "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
                "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/p",
            ], file: "ALIBABA_CLOUD_OIDC_TOKEN_FILE", stored: "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        .init(
            mechanism: .anthropicFederation, provider: "anthropic", platform: .selfManaged, annotations: ids,
            file: "ANTHROPIC_IDENTITY_TOKEN_FILE", stored: "ANTHROPIC_API_KEY"),
        .init(mechanism: .vaultAgent, provider: "groq", platform: .selfManaged, annotations: key),
    ]

    @Test("a container that says nothing is served", arguments: examples)
    func serves(example: Example) throws {
        let outcome = try example.inject()
        #expect(outcome.stamp == example.stamp)
        // RRSA alone reaches no model: a pod that requires its provider would lack it.
        #expect((outcome.refusal == nil) == (example.mechanism != .alibabaRRSA))
    }

    @Test("a container that expects the file in a folder of its own has it there", arguments: examples)
    func putsFile(example: Example) throws {
        guard let file = example.file else { return }
        let outcome = try example.inject([file: "/var/run/secrets/mine/file"])
        #expect(outcome.stamp == example.stamp)
        #expect(outcome.mounts().contains { $0.hasSuffix("=/var/run/secrets/mine") })
    }

    @Test("a file under a mount of the container is its own", arguments: examples)
    func keepsFile(example: Example) throws {
        guard let file = example.file else { return }
        let outcome = try example.inject(
            [file: "/var/run/secrets/mine/file"], mounts: ["/var/run/secrets/mine": "mine"])
        // A token alone is no identity where the rest of it is not there.
        let isWhole = ["azure-openai", "google-vertex"].contains(example.provider)
        #expect(outcome.stamp == "\(example.provider)=\(isWhole ? "own" : "lacking")")
        #expect(outcome.mounts() == ["mine=/var/run/secrets/mine"])
    }

    @Test("a token can be in no image, but a credential file can", arguments: examples)
    func knowsImage(example: Example) throws {
        guard let file = example.file else { return }
        let outcome = try example.inject([file: "/app/file"])
        #expect(outcome.stamp == "\(example.provider)=\(example.isToken ? "lacking" : "own")")
        #expect(outcome.reasons.contains(example.isToken ? .credentialFileMissing : .staticCredential))
        #expect((outcome.refusal == nil) == !example.isToken)
    }

    @Test("a stored credential that wins is told, and the pod is let in", arguments: examples)
    func tellsStored(example: Example) throws {
        guard let stored = example.stored else { return }
        let outcome = try example.inject([stored: "secret"])
        #expect(outcome.stamp == example.stamp && outcome.reasons.contains(.staticCredential))
        #expect(outcome.injection.stamp.problems.contains { $0.contains(stored) })
    }

    @Test("what envFrom brings is not known, and that is told", arguments: examples)
    func tellsSources(example: Example) throws {
        let outcome = try example.inject(from: [["secretRef": ["name": "keys"]]])
        #expect(outcome.stamp == example.stamp)
        // A mechanism that sets no variable has nothing to lose.
        #expect(outcome.reasons.contains(.environmentUnknown) == (example.mechanism != .vaultAgent))
    }
}
