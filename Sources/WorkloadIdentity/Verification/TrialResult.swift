/// What came of trying one outcome of a binding.
public struct TrialResult: Hashable, Sendable {
    public var provider: ProviderName
    /// `nil` if there is no usable one.
    public var mechanism: Mechanism?
    /// Whom the provider takes the ServiceAccount for.
    public var identity: String?
    /// Who was asked last; `nil` if nobody was.
    public var endpoint: String?
    /// Those of the token that was presented.
    public var claims: TokenClaims?
    public var verdict: Verdict

    public init(
        provider: ProviderName, mechanism: Mechanism? = nil, identity: String? = nil, verdict: Verdict
    ) {
        self.provider = provider
        self.mechanism = mechanism
        self.identity = identity
        self.verdict = verdict
    }

    /// Of a binding for which there is no usable mechanism; `nil` if there is one.
    public init?(ofBlocked binding: Binding) {
        guard binding.isBlocked else { return nil }
        let messages = binding.problems.filter { $0.severity == .error }.map(\.message)
        self.init(
            provider: binding.provider, verdict: .failed("NoUsableMechanism", messages.joined(separator: "; ")))
    }
}
