extension Binding.Outcome {
    /// What the provider must have been told of the pods for the credential to be good.
    public struct Trust: Hashable, Sendable {
        /// Whom the provider takes the pods for, in its own words: a role's ARN, a client's id, an account's address.
        /// `nil` if the inputs do not say.
        public var identity: String?
        /// That of the token that is presented. `nil` if none is, or the cluster's default one.
        public var audience: String?
        /// Whether the ServiceAccount itself is what is trusted, by a token of it or by the platform's word for it.
        public var isInServiceAccount: Bool

        init(_ grant: Grant, by mechanism: Mechanism) {
            let token: PodAddition.Volume.Token? =
                if case .token(let token, _)? = grant.addition.volume?.source { token } else { nil }
            identity = grant.trustedIdentity
            audience = token?.audience ?? grant.value(of: "audience")
            // The store has rights of its own.
            isInServiceAccount = mechanism != .externalSecret
        }
    }
}

extension Grant {
    /// What the inputs call the identity, by the names under which mechanisms list them, the most telling one first.
    fileprivate var trustedIdentity: String? {
        for names in [["role", "roles"], ["client"], ["account"], ["profile"], ["rule"], ["provider"]] {
            let values = names.compactMap(value)
            if !values.isEmpty { return values.joined(separator: ",") }
        }
        return nil
    }

    fileprivate func value(of name: String) -> String? {
        identity.first { $0.name == name && !$0.value.isEmpty }?.value
    }
}
