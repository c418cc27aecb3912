public import JSON
public import KubernetesModel
public import PodInjection
public import WorkloadIdentity

/// What was read of one pod, and of all that decides what it should have. A value.
public struct PodObservation: Sendable {
    /// An object that was asked for.
    public enum Reading<Value: Sendable>: Sendable {
        case found(Value)
        case absent
        /// There is no right to it, or no answer.
        case unread
    }

    /// The pod injector's configuration, as it is registered.
    public struct Registration: Hashable, Sendable {
        public var created: Timestamp?
        /// Whether each of its webhooks names the certificates by which the API server knows Lanyard.
        public var isTrusted: Bool

        public init(_ configuration: MutatingWebhookConfiguration) {
            created = configuration.metadata.creationTimestamp
            isTrusted = configuration.webhooks.allSatisfy { !$0.caBundle.isEmpty }
        }
    }

    public var pod: JSONValue
    /// `nil` for a static pod, which has no ServiceAccount.
    public var subject: Subject?
    public var account = Reading<ServiceAccount>.unread
    /// When anybody last wrote the ServiceAccount; `nil` if nothing is noted of that.
    public var accountChanged: Timestamp?
    /// `nil` if they cannot be read.
    public var namespaceLabels: [String: String]?
    public var registration = Reading<Registration>.unread
    /// The operator's, on the pod's ServiceAccount.
    public var report: WorkloadIdentityObject?
    /// `nil` if it is not known.
    public var isOperatorAlive: Bool?
    public var operatorNamespace = "lanyard-system"
    public var facts: PlatformFacts
    public var configuration: Configuration
    /// The keys of the ConfigMaps and Secrets of `envFrom` that could be looked at.
    public var keys: [EnvironmentSource: [String]] = [:]
    /// What the pod comes from in the end; `nil` if nothing made it.
    public var origin: OwnerReference?
    /// The pod's, the latest first.
    public var events: [PodEvent] = []
    /// What the providers said to the pod's ServiceAccount; `nil` if they were not asked.
    public var trials: [TrialResult]?

    public init(pod: JSONValue, facts: PlatformFacts, configuration: Configuration) {
        self.pod = pod
        self.facts = facts
        self.configuration = configuration
        let place = pod["metadata"]?["namespace"]?.string ?? "default"
        let name = pod["spec"]?["serviceAccountName"]?.string ?? ""
        subject = name.isEmpty ? nil : Subject(namespace: place, serviceAccount: name)
    }

    var metadata: ObjectMetadata {
        let json = pod["metadata"] ?? [:]
        return (try? ObjectMetadata(parsing: json.serialized()))
            ?? ObjectMetadata(name: json["name"]?.string ?? "", namespace: json["namespace"]?.string)
    }
}

/// Something that happened to a pod.
public struct PodEvent: Hashable, Sendable {
    public let isWarning: Bool
    public let reason: String
    public let message: String
    public let count: Int
    public let last: Timestamp?

    /// - Parameter event: of `v1`, in which older ones have counts and times in other fields than newer ones.
    public init(_ event: JSONValue) {
        isWarning = event["type"]?.string == "Warning"
        reason = event["reason"]?.string ?? ""
        message = event["message"]?.string ?? ""
        count = event["series"]?["count"]?.integer ?? event["count"]?.integer ?? 1
        let times = [event["series"]?["lastObservedTime"], event["lastTimestamp"], event["eventTime"]]
        last = times.compactMap { $0?.string.flatMap { Timestamp($0) } }.first
    }
}
