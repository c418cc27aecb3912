internal import JSON

extension Plan {
    /// A short name for what a trial of this plan tries, and where: equal for equal ones, in every release. Unlike ``hash`` it
    /// knows of providers for which a pod gets nothing.
    ///
    /// `nil` if there is nothing to try.
    public func trialFingerprint(_ configuration: Configuration) -> String? {
        guard exemption == nil, !bindings.isEmpty else { return nil }
        func list(_ texts: [String]) -> JSONValue { .array(texts.map { .string($0) }) }
        return Fingerprint.of(
            bindings.map { binding in
                let errors = binding.isBlocked ? binding.problems.filter { $0.severity == .error } : []
                let outcomes = binding.outcomes.map { outcome in
                    var places = outcome.trials(for: binding.provider, configuration).map(\.place)
                    let inPod = outcome.trials(
                        for: binding.provider, configuration, in: .pod(onNodeNetwork: false))
                    places += inPod.map(\.place).filter { !places.contains($0) }
                    return list([outcome.mechanism.rawValue, outcome.identity] + places)
                }
                return [
                    .string(binding.provider.rawValue), list(errors.map(\.reason.rawValue)), .array(outcomes),
                ]
            })
    }
}

extension Trial {
    /// Whom it asks, as whom, with which audience; or why it asks nobody.
    fileprivate var place: String {
        switch self {
        case .exchange(let exchange):
            [exchange.url, exchange.identity, exchange.audience ?? "", exchange.caSecret ?? ""].joined(separator: " ")
        case .verdict(let verdict): verdict.reason
        }
    }
}
