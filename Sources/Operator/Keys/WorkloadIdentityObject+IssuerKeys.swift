internal import JSON
internal import WorkloadIdentity

extension WorkloadIdentityObject {
    /// The providers for which tokens are verified by the issuer's keys.
    var providersOfIssuerKeys: [ProviderName] {
        (status["providers"]?.array ?? []).flatMap { provider in
            (provider["mechanism"]?.string ?? "").split(separator: ",")
                .compactMap { Mechanism(rawValue: String($0)).flatMap(KeyVerifier.of)?.provider }
        }
    }
}
