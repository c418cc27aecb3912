/// What a binding adds to a pod.
public struct PodAddition: Hashable, Sendable {
    public var volume: Volume?
    public var groups: [VariableGroup]
    /// The containers that there is an identity for, whatever the user's lists say.
    public var containers: ContainerSelection
    /// Annotations for another webhook, or that the volume reads.
    public var annotations: [Annotation]
    /// The annotation by which another webhook is told which containers it is to serve, if not all.
    public var containerList: String?
    /// Labels by which the vendor's own tools know such pods.
    public var labels: [Label]
    /// Variables that something should set, though Lanyard has no value for them.
    public var expected: [ExpectedVariable]
    /// Variables of another identity: a container that has one keeps it, and gets nothing of this binding.
    public var yieldsTo: [String]
    /// Variables that name a file which the SDK reads first, and without which it fails.
    public var filesReadFirst: [String]
    /// An annotation that says that the webhook for which `annotations` are meant has been here already.
    public var readBy: ReadMark?

    public init(
        volume: Volume? = nil, groups: [VariableGroup] = [], containers: ContainerSelection = ContainerSelection(),
        annotations: [Annotation] = [], containerList: String? = nil, labels: [Label] = [],
        expected: [ExpectedVariable] = [], yieldsTo: [String] = [], filesReadFirst: [String] = [],
        readBy: ReadMark? = nil
    ) {
        self.volume = volume
        self.groups = groups
        self.containers = containers
        self.annotations = annotations
        self.containerList = containerList
        self.labels = labels
        self.expected = expected
        self.yieldsTo = yieldsTo
        self.filesReadFirst = filesReadFirst
        self.readBy = readBy
    }

    public struct ReadMark: Hashable, Sendable {
        public var annotation: String
        public var value: String
        /// Who leaves the mark.
        public var reader: String
    }

    public struct Label: Hashable, Sendable {
        public var name: String
        public var value: String

        public init(_ name: String, _ value: String) {
            self.name = name
            self.value = value
        }
    }

    public struct Volume: Hashable, Sendable {
        public enum Source: Hashable, Sendable {
            /// Projected: a ServiceAccount token, and a file beside it.
            case token(Token, File?)
            /// What a SecretProviderClass says, by the Secrets Store CSI driver.
            case secretsStore(providerClass: String)
        }

        public var name: String
        /// Where containers see it. `nil`: they do not; another webhook's container does.
        public var mountPath: String?
        public var source: Source

        public init(name: String, mountPath: String?, source: Source) {
            self.name = name
            self.mountPath = mountPath
            self.source = source
        }

        public init(name: String, mountPath: String?, token: Token, file: File? = nil) {
            self.init(name: name, mountPath: mountPath, source: .token(token, file))
        }

        /// The pod annotation that a file of the volume shows.
        public var shownAnnotation: String? {
            guard case .token(_, let file) = source else { return nil }
            return file?.annotation
        }

        /// A ServiceAccount token that the kubelet keeps fresh.
        public struct Token: Hashable, Sendable {
            public var audience: String
            public var expirationSeconds: Int
            /// Where it is set, each pod gets a lifetime between this and `expirationSeconds`, so that pods that start
            /// together do not renew their tokens together.
            public var shortestExpirationSeconds: Int?
            /// The file's name in the volume.
            public var path: String

            public init(
                audience: String, expirationSeconds: Int, shortestExpirationSeconds: Int? = nil, path: String = "token"
            ) {
                self.audience = audience
                self.expirationSeconds = expirationSeconds
                self.shortestExpirationSeconds = shortestExpirationSeconds
                self.path = path
            }
        }

        /// A file whose content is a pod annotation's value.
        public struct File: Hashable, Sendable {
            public var path: String
            public var annotation: String

            public init(path: String, annotation: String) {
                self.path = path
                self.annotation = annotation
            }
        }
    }

    public struct Annotation: Hashable, Sendable {
        /// Who wins where the pod has another value already.
        public enum Owner: Hashable, Sendable {
            case lanyard
            /// The user; the whole binding is left out, since it would be half-made.
            case userForBinding
            /// The user; the rest of the binding is still good.
            case user
        }

        public var name: String
        public var value: String
        public var owner: Owner

        public init(_ name: String, _ value: String, owner: Owner) {
            self.name = name
            self.value = value
            self.owner = owner
        }
    }

    public struct Variable: Hashable, Sendable {
        public enum Value: Hashable, Sendable {
            case text(String)
            /// A field of the pod, by the downward API: known only once the pod has been made.
            case podField(String)
            /// A container that takes it does not start before the Secret is there.
            case secretKey(secret: String, key: String)
        }

        public var name: String
        public var value: Value
        /// Whether the value names a file of the volume: a container in which it counts needs the mount.
        public var isInVolume: Bool

        public init(_ name: String, _ value: Value, isInVolume: Bool = false) {
            self.name = name
            self.value = value
            self.isInVolume = isInVolume
        }

        public init(_ name: String, _ text: String, isInVolume: Bool = false) {
            self.init(name, .text(text), isInVolume: isInVolume)
        }
    }

    /// Variables that are decided on together. What the user set is never changed.
    public struct VariableGroup: Hashable, Sendable {
        public enum Rule: Hashable, Sendable {
            /// Completed if what the user set equals ours, else left out of that container.
            case allOrNone
            /// Left out if the user set any of them.
            case unlessAnySet
            /// Each one that is not there.
            case each
        }

        public var rule: Rule
        public var variables: [Variable]
        /// The containers in which they have these values.
        public var containers: ContainerSelection

        public init(
            _ rule: Rule, _ variables: [Variable], in containers: ContainerSelection = ContainerSelection()
        ) {
            self.rule = rule
            self.variables = variables
            self.containers = containers
        }
    }

    public struct ExpectedVariable: Hashable, Sendable {
        /// One of these is enough.
        public var names: [String]
        /// What happens without, and what to write.
        public var advice: String

        public init(anyOf names: [String], advice: String) {
            self.names = names
            self.advice = advice
        }
    }
}
