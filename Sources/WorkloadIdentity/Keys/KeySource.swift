/// How a provider gets the keys that verify the cluster's tokens.
public enum KeySource: Hashable, Sendable {
    /// From the issuer, whenever it needs them.
    case fetched
    /// From people: a copy, that grows old when the cluster's keys change.
    case uploaded
}

extension Mechanism {
    /// `nil` if nobody verifies tokens by the issuer's keys.
    public func keySource(on facts: PlatformFacts) -> KeySource? {
        switch self {
        case .irsa, .awsWebIdentity, .azureWorkloadIdentity, .alibabaRRSA: .fetched
        case .gcpWorkloadIdentityFederation, .anthropicFederation:
            switch facts.issuer.reach {
            case .public, .publicIfEnabled: .fetched
            case .private, .unknown: .uploaded
            }
        // OpenAI's guides have it fetch the keys of these three; all others upload them:
        // https://developers.openai.com/api/docs/guides/workload-identity-federation/kubernetes
        case .openAIFederation: [.eks, .aks, .gke].contains(facts.platform) ? .fetched : .uploaded
        case .eksPodIdentity, .gkeWorkloadIdentity, .ibmTrustedProfile, .okeWorkloadIdentity, .vaultAgent, .vaultCSI,
            .externalSecret:
            nil
        }
    }
}
