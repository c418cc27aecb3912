import GeneratedPods
import JSON
import KubernetesModel
import PodInjection
import WorkloadIdentity

/// A ServiceAccount of a made-up cluster. Each namespace stands for a cluster of its own kind.
struct SampleIdentity {
    enum Compiled {
        case plan(JSONValue)
        case left(String)
        case nothing
    }

    let name: String
    let namespace: String
    let compiled: Compiled

    private let account: ServiceAccount
    private let facts: PlatformFacts
    private let configuration: Configuration

    static func all(_ count: Int) -> [SampleIdentity] { (0..<max(1, count)).map(SampleIdentity.init) }

    private init(number: Int) {
        var numbers = RandomNumbers(seed: 0x1DE0_0000 + UInt64(number))
        let platform = Platform.allCases[number % Platform.allCases.count]
        let variant = number / Platform.allCases.count % 2
        var configuration = Configuration()
        configuration.aws.region = variant == 0 ? "eu-west-1" : nil
        configuration.vault.audience = variant == 0 ? nil : "vault"
        configuration.vault.allowedPaths = ["secret/data/**"]
        configuration.externalSecrets.store = "vault"
        configuration.azure.tenantID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        let facts = PlatformFacts.offline(platform, isPublic: true)
        let namespace = "\(platform)-\(variant)"
        var metadata = ObjectMetadata(name: "llm-\(number)")
        metadata.annotations =
            numbers.chance(75) ? Self.usual(using: &numbers) : PodGenerator.annotations(using: &numbers)
        let account = ServiceAccount(
            metadata: metadata, automountServiceAccountToken: numbers.chance(20) ? false : nil)
        let subject = Subject(namespace: namespace, serviceAccount: metadata.name)
        let webhooks = ManagedWebhook.present(on: platform, configurations: [])
        do {
            let plan = try CompiledPlan(
                mountsServiceAccountToken: account.automountServiceAccountToken ?? true, requestLabels: Labels.asking,
                beside: webhooks
            ) { pod in
                Plan(
                    for: subject, serviceAccount: metadata.annotations, pod: pod, facts: facts,
                    configuration: configuration)
            }
            compiled = plan.map { .plan($0.json) } ?? .nothing
        } catch {
            compiled = .left(error.reason)
        }
        (self.name, self.namespace) = (metadata.name, namespace)
        (self.account, self.facts, self.configuration) = (account, facts, configuration)
    }

    /// What belongs together, by provider.
    private static let usual: [[String: String]] = [
        ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/first"],
        [
            "lanyard.dev/aws-role-arns":
                "app=arn:aws:iam::111122223333:role/first,proxy=arn:aws:iam::444455556666:role/b"
        ],
        [
            "lanyard.dev/aws-role-arns": "worker=arn:aws:iam::444455556666:role/b",
            "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/first",
        ],
        [
            "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/first",
            "lanyard.dev/aws-assume-role-arn": "arn:aws:iam::444455556666:role/second",
        ],
        ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"],
        [
            "cloud.google.com/workload-identity-provider":
                "projects/123/locations/global/workloadIdentityPools/clusters/providers/prod",
            "cloud.google.com/service-account-email": "llm@proj.iam.gserviceaccount.com",
        ],
        [
            "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
            "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
        ],
        ["lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456"],
        ["lanyard.dev/vault-path.groq": "secret/data/ai/groq", "lanyard.dev/vault-role": "llm"],
        ["lanyard.dev/ibm-trusted-profile": "Profile-11111111-2222-3333-4444-555555555555"],
        ["lanyard.dev/token-expiration": "7200"],
    ]

    private static func usual(using numbers: inout RandomNumbers) -> [String: String] {
        var annotations: [String: String] = [:]
        for some in numbers.pick(usual, upTo: 5) { annotations.merge(some) { first, _ in first } }
        return annotations
    }

    /// The pod as the webhook leaves it; or why it is denied.
    func admitting(_ pod: JSONValue) throws -> JSONValue {
        let subject = Subject(namespace: namespace, serviceAccount: name)
        let review = ObjectReview(
            ofPod: PodManifest(pod), in: namespace, account: account, jitter: LifetimeJitter(reviewUID: "1"),
            configuration: configuration
        ) { account, pod in
            Plan(
                for: subject, serviceAccount: account?.metadata.annotations ?? [:], pod: pod, facts: facts,
                configuration: configuration)
        }
        if let denial = review.denial { return ["denied": .string(denial)] }
        return try pod.applying(review.patch)
    }
}
