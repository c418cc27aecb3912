/// One way in which a provider's credential arrives: from inputs to what a pod gets.
protocol CredentialMechanism: Sendable {
    var mechanism: Mechanism { get }
    var reach: Reach { get }
    /// Who must be able to fetch the issuer's discovery document, as the subject of a sentence; `nil` if nobody must.
    var issuerReader: String? { get }
    /// The keys that say which identity is meant. With a malformed one nothing is injected, rather than another identity.
    var decisiveKeys: [AnnotationKey] { get }

    func tier(on platform: Platform) -> Tier
    /// What the cluster must have and has not, beside an issuer that can be reached, as elements of "it needs …".
    func unmetNeeds(_ facts: PlatformFacts) -> [String]
    /// Decides on the inputs alone. The issuer has been looked at before.
    func attempt(_ request: BindingRequest) -> Attempt
    /// What has to be told to the provider, and what is written on the ServiceAccount in the end.
    func setUp(_ request: SetUpRequest) -> SetUp
}

extension CredentialMechanism {
    var reach: Reach { .sdkDefault }
    var issuerReader: String? { nil }
    var decisiveKeys: [AnnotationKey] { [] }
    func unmetNeeds(_ facts: PlatformFacts) -> [String] { [] }
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

    /// A token of this provider's own, for an SDK that takes it from a file.
    func tokenVolume(
        for audience: String, expirationSeconds: Int, file: PodAddition.Volume.File? = nil
    ) -> PodAddition.Volume {
        .init(
            name: volumeName, mountPath: mountPath,
            token: .init(audience: audience, expirationSeconds: expirationSeconds), file: file)
    }

    /// A variable with the path of that token, or of another file of its volume.
    func pathVariable(_ name: String, to file: String = "token") -> PodAddition.Variable {
        .init(name, pod.path("\(mountPath)/\(file)"), isInVolume: true)
    }

    // MARK: Problems

    /// A problem with the provider as a whole.
    func problem(
        _ severity: Problem.Severity, _ reason: Problem.Reason, _ message: String, field: String? = nil
    ) -> Problem {
        Problem(severity, reason, "\(provider): \(message)", field: field, provider: provider, of: subject)
    }

    /// A problem with what a key says.
    ///
    /// - Parameter message: the rest of a sentence that begins with the key.
    func problem(
        _ severity: Problem.Severity, _ reason: Problem.Reason, with key: AnnotationKey, _ message: String
    ) -> Problem {
        inputs.problem(severity, reason, with: key, message, provider: provider)
    }

    func noEffect(_ key: AnnotationKey, _ wayOut: String) -> Problem {
        problem(.warning, .noEffect, with: key, "has no effect on \(facts.platform.title): \(wayOut)")
    }

    func noEffect(_ key: AnnotationKey, without other: AnnotationKey) -> Problem {
        problem(.warning, .noEffect, with: key, "has no effect without \(other.name)")
    }

    func applicationMustPass(_ what: String) -> Problem {
        problem(.note, .applicationMustPass, "the application must pass \(what)")
    }

    // MARK: Lifetimes

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
                problem(
                    .warning, .outOfRange, with: key,
                    """
                    is \(seconds), but \(provider) takes \(bounds.lowerBound) to \(bounds.upperBound) seconds: \(clamped) is \
                    used
                    """))
        }
        return clamped
    }
}

/// What a mechanism makes of its inputs.
enum Attempt {
    case fits(Grant)
    /// Each element says what is missing, as an element of "it needs …". None: something is malformed, and has been reported.
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
    /// What containers may set that is in the way of this mechanism alone.
    var hazards: [Hazard] = []
}
