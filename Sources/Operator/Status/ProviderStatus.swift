internal import JSON
internal import WorkloadIdentity

/// What is reported of one provider that is asked for.
struct ProviderStatus {
    var name: ProviderName
    var outcomes: [Binding.Outcome]
    /// Whether a model can be called with what arrives in the pods.
    private(set) var isReady: Bool
    private(set) var reason: String
    private(set) var message: String

    /// - Parameters:
    ///   - problems: all that are known, of whichever provider.
    ///   - text: a problem's message as it is to stand here.
    init(_ binding: Binding, problems: [Problem], text: (Problem) -> String) {
        name = binding.provider
        outcomes = binding.outcomes
        isReady = binding.isReady
        let errors = problems.errors(of: binding.provider)
        let told = errors.isEmpty ? binding.problems : errors
        message = told.map(text).joined(separator: "; ")
        if isReady && errors.isEmpty {
            reason = StatusReason.ready
        } else {
            reason = (told.first?.reason ?? .noMechanism).rawValue
        }
    }

    var isBlocked: Bool { outcomes.isEmpty }

    mutating func fail(_ failure: SecretObjectController.Failure) {
        guard isReady else { return }
        isReady = false
        reason = failure.reason
        message = failure.message
    }

    var mechanisms: [String] { outcomes.map(\.mechanism.rawValue) }

    /// Whom the provider takes the pods for.
    var identity: String? { outcomes.last?.trust.identity }
}

extension [Problem] {
    /// What is wrong with a provider. That no mechanism fits is the consequence of a malformed value that asks for it.
    func errors(of provider: ProviderName) -> [Problem] {
        let errors = filter { $0.severity == .error && $0.provider == provider }
        let isMalformed = errors.contains { $0.isOfAnnotations }
        return isMalformed ? errors.filter { $0.reason != .noMechanism } : errors
    }
}

extension Problem {
    /// Whether the annotations are wrong in themselves, whatever the cluster is.
    var isOfAnnotations: Bool {
        [.invalidValue, .unknownProvider, .unknownMechanism, .unknownKey, .misplacedKey].contains(reason)
    }
}

// MARK: - In a status

extension ProviderStatus {
    /// - Parameters:
    ///   - subject: whose pods they are.
    ///   - issuer: who signs their tokens, if that is known.
    func json(_ subject: Subject, issuer: String?) -> JSONValue {
        var provider: JSONValue = ["name": .string(name.rawValue), "ready": .bool(isReady), "reason": .string(reason)]
        if let best = outcomes.last {
            provider["mechanism"] = .string(mechanisms.joined(separator: ","))
            provider["tier"] = .string(best.tier.rawValue)
            provider["reach"] = .string(best.reach.rawValue)
            provider["identity"] = best.trust.identity.map { .string($0) }
            if best.trust.isInServiceAccount {
                provider["issuer"] = issuer.map { .string($0) }
                provider["subject"] = .string(subject.claim)
                provider["audience"] = best.trust.audience.map { .string($0) }
            }
        }
        if !message.isEmpty { provider["message"] = .string(message) }
        return provider
    }
}
