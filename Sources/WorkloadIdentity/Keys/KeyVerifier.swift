/// Who verifies the cluster's tokens by its issuer's keys, and which keys it takes.
public struct KeyVerifier: Hashable, Sendable {
    public let provider: ProviderName
    /// As the subject of a sentence.
    public let name: String
    public let mechanisms: [Mechanism]
    /// `nil`: not documented.
    let algorithms: [String]?
    /// Whether it takes keys that are uploaded; it may fetch them, too.
    public var takesUploads = false
    /// Whether it denies tokens of a key without `kid`.
    var needsKeyID = false

    public static let all = [
        // https://aws.amazon.com/about-aws/whats-new/2024/11/aws-sts-ecdsa-based-signatures-oidc-tokens/
        KeyVerifier(
            provider: "aws-bedrock", name: "AWS", mechanisms: [.awsWebIdentity, .irsa],
            algorithms: ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"]),
        // https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
        KeyVerifier(
            provider: "azure-openai", name: "Microsoft Entra", mechanisms: [.azureWorkloadIdentity],
            algorithms: ["RS256"]),
        // https://cloud.google.com/iam/docs/workload-identity-federation-with-other-providers
        KeyVerifier(
            provider: "google-vertex", name: "Google", mechanisms: [.gcpWorkloadIdentityFederation],
            algorithms: ["RS256", "ES256"], takesUploads: true),
        KeyVerifier(
            provider: "alibaba-modelstudio", name: "Alibaba Cloud", mechanisms: [.alibabaRRSA], algorithms: nil),
        // https://developers.openai.com/api/docs/guides/workload-identity-federation
        KeyVerifier(
            provider: "openai", name: "OpenAI", mechanisms: [.openAIFederation], algorithms: nil, takesUploads: true,
            needsKeyID: true),
        // https://platform.claude.com/docs/en/manage-claude/wif-reference
        KeyVerifier(
            provider: "anthropic", name: "Anthropic", mechanisms: [.anthropicFederation],
            algorithms: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"],
            takesUploads: true, needsKeyID: true),
    ]

    /// `nil` if tokens are verified in another way.
    public static func of(_ mechanism: Mechanism) -> KeyVerifier? {
        all.first { $0.mechanisms.contains(mechanism) }
    }

    /// How it gets the keys from this cluster.
    public func source(on facts: PlatformFacts) -> KeySource? { mechanisms.first?.keySource(on: facts) }

    /// What it does not take of a set, whichever way it gets it.
    func problems(with set: IssuerKeySet) -> [Problem] {
        set.keys.compactMap { key in
            if let algorithms, let algorithm = key.algorithm, !algorithms.contains(algorithm) {
                return problem(
                    .keyAlgorithmNotTaken,
                    """
                    takes \(algorithms.listed), and key \(key.name) is of \(algorithm): it denies tokens that are signed \
                    with it; have the API servers sign with another (--service-account-signing-key-file)
                    """)
            }
            // RFC 7518 section 3.3.
            if let bits = key.bits, bits < 2048 {
                return problem(
                    .keyTooShort,
                    """
                    need not take key \(key.name), which has \(bits) bits: have the API servers sign with one of 2048 or \
                    more (--service-account-signing-key-file)
                    """)
            }
            guard needsKeyID, key.id == nil else { return nil }
            return problem(
                .keyIDMissing,
                "needs the id of each key, and \(key.name) has none: it denies tokens that are signed with it")
        }
    }

    /// - Parameter message: the rest of a sentence that begins with its name.
    func problem(_ reason: Problem.Reason, _ message: String, _ severity: Problem.Severity = .error) -> Problem {
        Problem(severity, reason, "\(provider): \(name) \(message)", provider: provider)
    }
}
