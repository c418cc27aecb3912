import WorkloadIdentity

/// Annotations of a ServiceAccount that are enough for a mechanism, with values that could be real.
enum Fixture {
    static let subject = Subject(namespace: "ai", serviceAccount: "llm")

    static let aws = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]
    static let azure = [
        "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ]
    static let google = [
        "cloud.google.com/workload-identity-provider":
            "projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod"
    ]
    static let anthropic = [
        "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
        "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
    ]
    static let openAI = [
        "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
    ]
    static let ibm = ["lanyard.dev/ibm-trusted-profile": "Profile-e89c6039-0000-4000-8000-123456789abc"]
    static let oracle = ["lanyard.dev/providers": "oracle-genai", "lanyard.dev/oci-region": "us-chicago-1"]
    static let alibaba = [
        "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
        "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1",
    ]
    static let vaultOpenAI = [
        "lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm",
    ]

    static func plan(
        _ annotations: [String: String], on platform: Platform = .eks, pod: PodContext = PodContext(),
        namespaceLabels: [String: String] = [:], facts: PlatformFacts? = nil,
        configuration: Configuration = Configuration()
    ) -> Plan {
        Plan(
            for: subject, serviceAccount: annotations, pod: pod, namespaceLabels: namespaceLabels,
            facts: facts ?? .offline(platform, isPublic: true), configuration: configuration)
    }
}

extension Plan {
    func outcome(_ provider: ProviderName) -> Binding.Outcome? {
        bindings.first { $0.provider == provider }?.outcomes.last
    }

    func problem(_ reason: Problem.Reason) -> Problem? {
        problems.first { $0.reason == reason }
    }
}

extension Binding.Outcome {
    /// The variables by name.
    var variables: [String: String] {
        Dictionary(
            addition.groups.flatMap(\.variables).compactMap { variable in variable.text.map { (variable.name, $0) } }
        ) { first, _ in first }
    }
}

extension PodAddition.Variable {
    /// The value, unless it is taken from a Secret.
    var text: String? {
        guard case .text(let text) = value else { return nil }
        return text
    }
}

extension PodAddition.Volume {
    var token: Token? {
        guard case .token(let token, _) = source else { return nil }
        return token
    }
}
