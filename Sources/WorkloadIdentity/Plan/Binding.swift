/// One provider of one ServiceAccount, resolved.
public struct Binding: Hashable, Sendable {
    public var provider: ProviderName
    /// How the credential arrives. Empty: the binding is blocked, and its problems say why. More than one: all but the
    /// last reach the platform's APIs, and the last one a model.
    public var outcomes: [Outcome] = []
    public var problems: [Problem]
    /// Whether an object is made for it, or would be if the path were allowed.
    var makesObject = false

    public struct Outcome: Hashable, Sendable {
        public var mechanism: Mechanism
        public var tier: Tier
        public var reach: Reach
        public var addition: PodAddition
        /// What the addition refers to: the controller keeps it.
        public var object: SecretObject?
        /// The containers that get it.
        public var containers: ContainerSelection
        /// What containers may set with which the SDK does not use it.
        public var hazards: [Hazard]
        public var trust: Trust
        /// The inputs that decide what a pod gets, as text: what the plan's hash covers.
        var identity: String
        /// All variables of a container that decide what it gets: each container of each pod is asked for them.
        public let decisiveVariables: [String]
        /// Whether containers that set none of them get the same, whatever they are called.
        public let isAlikeForContainers: Bool

        /// Whether a container gets it.
        public func serves(_ container: String) -> Bool {
            containers.contains(container) && addition.containers.contains(container)
        }

        /// The containers that annotations name, which a pod should have.
        public var namedContainers: [String] {
            addition.groups.reduce(containers.names + addition.containers.names) { $0 + $1.containers.names }
        }
    }

    public var isBlocked: Bool { outcomes.isEmpty }
    /// Whether what arrives is meant for calling a model.
    var reachesModel: Bool { outcomes.contains { $0.reach.includesModelCall } }
    /// Whether a model can be called with what arrives: it is meant for that, and nothing is known to be in its way.
    public var isReady: Bool { reachesModel && !problems.contains { $0.severity == .error } }
}

/// Which containers of a pod are meant.
public struct ContainerSelection: Hashable, Sendable {
    /// Empty: all.
    public var include: [String]
    public var skip: [String]

    public init(include: [String] = [], skip: [String] = []) {
        self.include = include
        self.skip = skip
    }

    /// Those that it names.
    var names: [String] { include + skip }

    /// Whether all containers are meant, whatever they are called.
    public var isUnlimited: Bool { include.isEmpty && skip.isEmpty }

    public func contains(_ container: String) -> Bool {
        (include.isEmpty || include.contains(container)) && !skip.contains(container)
    }
}
