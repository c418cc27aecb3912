public import JSON

/// Something wrong, and what to change.
public struct Problem: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable {
        case error
        case warning
        /// Nothing is wrong: what the application, or the provider's side, has to do with what is injected, which cannot be
        /// seen from here. `kubectl apply` does not repeat it each time.
        case note
    }

    /// A stable name in CamelCase that scripts may rely on.
    public struct Reason: RawRepresentable, Hashable, Sendable {
        public let rawValue: String

        public init(rawValue: String) {
            self.rawValue = rawValue
        }
    }

    /// The part of an object in which a problem's field stands.
    public enum Place: Hashable, Sendable {
        /// The annotations that a plan is made of: a ServiceAccount's, or a pod's.
        case annotations
        case podLabels
        /// The object's own, which of a workload reach no pod.
        case ownAnnotations
        case ownLabels
        /// A container, at its place in the pod. The field is a variable.
        case container(JSONPointer)
    }

    public var severity: Severity
    public var reason: Reason
    /// Names the key, and says what to write. Not the object: see ``sentence``.
    public var message: String
    /// The ServiceAccount to be changed, where it need not be the object that is reviewed.
    public var subject: Subject?
    /// The annotation, the label or the variable that is meant, if there is one.
    public var field: String?
    public var place: Place
    /// The provider whose credential is meant, if there is one.
    public var provider: ProviderName?

    public init(
        _ severity: Severity, _ reason: Reason, _ message: String, field: String? = nil, in place: Place = .annotations,
        provider: ProviderName? = nil, of subject: Subject? = nil
    ) {
        self.severity = severity
        self.reason = reason
        self.message = message
        self.field = field
        self.place = place
        self.provider = provider
        self.subject = subject
    }

    /// The message as it is said elsewhere than on the object to be changed: it begins with that object's name.
    public var sentence: String { subject.map { "\($0): \(message)" } ?? message }

    public static func error(
        _ reason: Reason, _ message: String, field: String? = nil, in place: Place = .annotations,
        provider: ProviderName? = nil, of subject: Subject? = nil
    ) -> Problem {
        Problem(.error, reason, message, field: field, in: place, provider: provider, of: subject)
    }

    public static func warning(
        _ reason: Reason, _ message: String, field: String? = nil, in place: Place = .annotations,
        provider: ProviderName? = nil, of subject: Subject? = nil
    ) -> Problem {
        Problem(.warning, reason, message, field: field, in: place, provider: provider, of: subject)
    }

    static func note(_ reason: Reason, _ message: String, provider: ProviderName) -> Problem {
        Problem(.note, reason, message, provider: provider)
    }
}

extension Problem.Reason: CustomStringConvertible {
    public var description: String { rawValue }

    // Annotations.
    public static let invalidValue = Self(rawValue: "InvalidValue")
    public static let unknownKey = Self(rawValue: "UnknownKey")
    public static let misplacedKey = Self(rawValue: "MisplacedKey")
    public static let unknownProvider = Self(rawValue: "UnknownProvider")
    public static let unknownMechanism = Self(rawValue: "UnknownMechanism")
    public static let noEffect = Self(rawValue: "NoEffect")
    public static let outOfRange = Self(rawValue: "OutOfRange")
    public static let onServiceAccountOnly = Self(rawValue: "OnServiceAccountOnly")
    public static let pathNotAllowed = Self(rawValue: "PathNotAllowed")

    // The choice of a mechanism.
    public static let noMechanism = Self(rawValue: "NoMechanism")
    public static let allowedPathsNotSet = Self(rawValue: "AllowedPathsNotSet")
    public static let audienceOfAPIServer = Self(rawValue: "AudienceOfAPIServer")
    public static let issuerUnverified = Self(rawValue: "IssuerUnverified")
    public static let applicationMustSource = Self(rawValue: "ApplicationMustSource")
    public static let applicationMustPass = Self(rawValue: "ApplicationMustPass")
    public static let clusterMustBeEnhanced = Self(rawValue: "ClusterMustBeEnhanced")
    public static let modelNotReachable = Self(rawValue: "ModelNotReachable")
    public static let metadataServerNotFound = Self(rawValue: "MetadataServerNotFound")
    public static let vaultInjectorNotFound = Self(rawValue: "VaultInjectorNotFound")
    public static let subjectTooLong = Self(rawValue: "SubjectTooLong")
    public static let singleUseToken = Self(rawValue: "SingleUseToken")
    public static let sessionNameUnusable = Self(rawValue: "SessionNameUnusable")
    public static let managedWebhookFirst = Self(rawValue: "ManagedWebhookFirst")
    public static let annotatedTooLate = Self(rawValue: "AnnotatedTooLate")
    public static let roleNotReadByAllSDKs = Self(rawValue: "RoleNotReadByAllSDKs")
    public static let partitionMismatch = Self(rawValue: "PartitionMismatch")

    // The issuer's keys.
    public static let keyAlgorithmNotTaken = Self(rawValue: "KeyAlgorithmNotTaken")
    public static let keyIDMissing = Self(rawValue: "KeyIDMissing")
    public static let keyTooShort = Self(rawValue: "KeyTooShort")
    public static let uploadedKeysNotNoted = Self(rawValue: "UploadedKeysNotNoted")
    public static let uploadedKeysStale = Self(rawValue: "UploadedKeysStale")

    // The pod.
    public static let volumeNameTaken = Self(rawValue: "VolumeNameTaken")
    public static let mountPathTaken = Self(rawValue: "MountPathTaken")
    public static let userValueKept = Self(rawValue: "UserValueKept")
    public static let credentialFileMissing = Self(rawValue: "CredentialFileMissing")
    public static let pathUnknown = Self(rawValue: "PathUnknown")
    public static let variableMissing = Self(rawValue: "VariableMissing")
    public static let staticCredential = Self(rawValue: "StaticCredential")
    public static let tokenSentToProxy = Self(rawValue: "TokenSentToProxy")
    public static let unsupportedCredential = Self(rawValue: "UnsupportedCredential")
    public static let environmentUnknown = Self(rawValue: "EnvironmentUnknown")
    public static let unknownContainer = Self(rawValue: "UnknownContainer")
    public static let anotherIdentity = Self(rawValue: "AnotherIdentity")
    public static let podTooOld = Self(rawValue: "PodTooOld")
    public static let malformedPod = Self(rawValue: "MalformedPod")
    public static let requirementUnmet = Self(rawValue: "RequirementUnmet")
    public static let serviceAccountNotFound = Self(rawValue: "ServiceAccountNotFound")
}
