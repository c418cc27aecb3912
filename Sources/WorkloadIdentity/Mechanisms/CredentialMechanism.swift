/// One way in which a provider's credential arrives: from inputs to what a pod gets.
protocol CredentialMechanism: Sendable {
    var mechanism: Mechanism { get }
    var reach: Reach { get }
    /// Who must be able to fetch the issuer's discovery document, as the subject of a sentence; `nil` if nobody must.
    var issuerReader: String? { get }
    /// The keys that say which identity is meant. With a malformed one nothing is injected, rather than another identity.
    var decisiveKeys: [AnnotationKey] { get }

    func tier(on platform: Platform) -> Tier
    /// Decides on the inputs alone. The issuer has been looked at before.
    func attempt(_ request: BindingRequest) -> Attempt
    /// What has to be told to the provider, and what is written on the ServiceAccount in the end.
    func setUp(_ request: SetUpRequest) -> SetUp
}

extension CredentialMechanism {
    var reach: Reach { .sdkDefault }
    var issuerReader: String? { nil }
    var decisiveKeys: [AnnotationKey] { [] }
}

/// What a mechanism may look at.
struct BindingRequest {
    var provider: ProviderName
    /// Whether the provider is asked for by its name, and not only by some key.
    var isNamed: Bool
    /// Whether the pod has the vendor's own label for it.
    var isLabelled: Bool
    /// The mechanism that an annotation asks for, if one does.
    var forced: Mechanism?
    /// The delivery of a stored key that an annotation asks for, if one does.
    var secretDelivery: Mechanism? { inputs[.secretDelivery].flatMap(Mechanism.init(rawValue:)) }
    var subject: Subject
    var inputs: Inputs
    var facts: PlatformFacts
    var configuration: Configuration
    var pod: PodContext

    /// Where this provider's own volume is mounted.
    var mountPath: String { "/var/run/secrets/lanyard.dev/\(provider)" }
    var volumeName: String { "lanyard-\(provider)" }

    func noEffect(_ key: AnnotationKey, _ wayOut: String) -> Problem {
        .warning(
            .noEffect, "\(inputs.place(of: key)): \(key.name) has no effect on \(facts.platform.title): \(wayOut)",
            field: key.name, provider: provider)
    }

    func noEffect(_ key: AnnotationKey, without other: AnnotationKey) -> Problem {
        .warning(
            .noEffect, "\(inputs.place(of: key)): \(key.name) has no effect without \(other.name)",
            field: key.name, provider: provider)
    }

    func applicationMustPass(_ what: String) -> Problem {
        .warning(.applicationMustPass, "\(subject): \(provider): the application must pass \(what)", provider: provider)
    }

    /// The lifetime of a token: the vendor's key, else Lanyard's, else the configuration's; within its bounds.
    func tokenExpiration(
        _ vendorKey: AnnotationKey?, default configured: Int, bounds: ClosedRange<Int>, problems: inout [Problem]
    ) -> Int {
        for key in [vendorKey, .tokenExpiration].compactMap({ $0 }) {
            if let seconds = seconds(key, within: bounds, problems: &problems) { return seconds }
        }
        return min(max(configured, bounds.lowerBound), bounds.upperBound)
    }

    /// The value of a key within its bounds; `nil` if it has none.
    func seconds(_ key: AnnotationKey, within bounds: ClosedRange<Int>, problems: inout [Problem]) -> Int? {
        guard let seconds = inputs[key].flatMap(Int.init) else { return nil }
        let clamped = min(max(seconds, bounds.lowerBound), bounds.upperBound)
        if clamped != seconds {
            problems.append(
                .warning(
                    .outOfRange,
                    """
                    \(inputs.place(of: key)): \(key.name) is \(seconds), but \(provider) takes \
                    \(bounds.lowerBound) to \(bounds.upperBound) seconds: \(clamped) is used
                    """,
                    field: key.name, provider: provider))
        }
        return clamped
    }
}

/// What a mechanism makes of its inputs.
enum Attempt {
    case fits(Grant)
    /// Each element says what is missing, as the end of "it needs …".
    case missing([String])
    /// Nothing is missing, but the configuration does not let this ServiceAccount have it.
    case denied(Problem)
}

/// A mechanism with everything it needs.
struct Grant {
    var addition: PodAddition
    /// What the addition refers to, and has to be in the cluster for the pod to start.
    var object: SecretObject?
    /// The inputs that decide what the pod gets, in order: what the plan's hash covers.
    var identity: [(name: String, value: String)]
    var problems: [Problem] = []
}
