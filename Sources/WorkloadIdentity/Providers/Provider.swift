/// Whose models are called: everything Lanyard knows of one provider, except its row of the matrix.
public struct Provider: Sendable {
    public let name: ProviderName
    /// The name as the provider writes it.
    public let title: String
    /// The annotations that belong to this provider alone.
    public let keys: [AnnotationKey]
    /// The ways in which its credential can arrive without a stored key.
    let mechanisms: [any CredentialMechanism]
    /// How a stored key reaches its SDK.
    public internal(set) var apiKey: APIKey
    /// The vendor's own list of containers, in place of Lanyard's. It covers this provider only.
    let includeKey: AnnotationKey?
    /// The vendor's own list of containers to leave out. It covers this provider only.
    let skipKey: AnnotationKey?
    /// The vendor's own label by which a pod is left alone.
    let optOut: OptOut?
    /// The vendor's own label by which a pod asks for its identity.
    let requestLabel: RequestLabel?
    /// What containers may set with which its SDK does not use the identity.
    let hazards: [Hazard]
    /// What its SDK takes on a node of its own vendor's where it finds no credential, as the end of a sentence; `nil`: nothing.
    public let fallback: String?
    /// Other names by which people ask for it.
    let nicknames: [String]
    /// Whether the configuration asks for it on behalf of a ServiceAccount.
    let isDeclared: @Sendable (Configuration, Subject) -> Bool
    /// Variables by which one sees that a container means to reach it in a way of its own that cannot work.
    let telltales: [Telltale]
    /// The vendor's own store of secrets, where stored keys can be kept too.
    let secretStore: (any SecretStore)?

    struct OptOut {
        /// Whatever its value.
        var label: String
        /// What the vendor's webhook does not know: with one of these the label is for that webhook alone.
        var unless: [AnnotationKey]
    }

    struct RequestLabel {
        var name: String
        var value: String
    }

    init(
        _ name: ProviderName, title: String, keys: [AnnotationKey] = [], mechanisms: [any CredentialMechanism] = [],
        apiKey: APIKey, includeKey: AnnotationKey? = nil, skipKey: AnnotationKey? = nil, optOut: OptOut? = nil,
        requestLabel: RequestLabel? = nil, hazards: [Hazard] = [], fallback: String? = nil, nicknames: [String] = [],
        telltales: [Telltale] = [], secretStore: (any SecretStore)? = nil,
        isDeclared: @escaping @Sendable (Configuration, Subject) -> Bool = { _, _ in false }
    ) {
        self.name = name
        self.title = title
        self.keys =
            keys
            + AnnotationKey.family(
                of: name, mechanisms: mechanisms.map(\.mechanism) + Mechanism.secretDeliveries)
        self.mechanisms = mechanisms
        self.apiKey = apiKey
        self.includeKey = includeKey
        self.skipKey = skipKey
        self.optOut = optOut
        self.requestLabel = requestLabel
        self.hazards = hazards
        self.fallback = fallback
        self.nicknames = nicknames
        self.telltales = telltales
        self.secretStore = secretStore
        self.isDeclared = isDeclared
    }

    /// What a mechanism gives to an application; `nil` if it is none of this provider's.
    public func reach(of mechanism: Mechanism) -> Reach? { self.mechanism(mechanism)?.reach }

    func mechanism(_ mechanism: Mechanism) -> (any CredentialMechanism)? {
        switch mechanism {
        case .vaultAgent: VaultAgent(provider: name, apiKey: apiKey)
        case .vaultCSI: VaultCSI(provider: name, apiKey: apiKey)
        case .externalSecret: ExternalSecret(provider: name, apiKey: apiKey)
        default: mechanisms.first { $0.mechanism == mechanism }
        }
    }
}

extension [Provider] {
    /// The provider that was likely meant by a name that is none: by a part of its name, or one that people call it by.
    func meant(by name: String) -> ProviderName? {
        let word = name.lowercased()
        let called = first { $0.nicknames.contains(word) || $0.name.rawValue == word }
        let inPart = filter { $0.name.rawValue.split(separator: "-").contains(Substring(word)) }
        if let provider = called ?? (inPart.count == 1 ? inPart.first : nil) { return provider.name }
        let names = flatMap { provider in ([provider.name.rawValue] + provider.nicknames).map { ($0, provider.name) } }
        let nearest = Spelling.nearest(to: word, among: names.map(\.0))
        return names.first { $0.0 == nearest }?.1
    }
}
