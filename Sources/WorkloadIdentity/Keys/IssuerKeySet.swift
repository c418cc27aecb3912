public import JSON

/// The keys with which the cluster's tokens are verified, each once: a JSON Web Key Set (RFC 7517 section 5).
public struct IssuerKeySet: Hashable, Sendable {
    /// In the order of their thumbprints.
    public private(set) var keys: [IssuerKey]

    public init(_ keys: [IssuerKey] = []) {
        var known: Set<String> = []
        self.keys = keys.filter { known.insert($0.thumbprint).inserted }.sorted { $0.thumbprint < $1.thumbprint }
    }

    /// - Parameter document: what an API server serves at `/openid/v1/jwks`, or one of the forms of ``json(for:)``.
    /// - Returns: `nil` if it is no key set. Keys of unknown types are passed over.
    public init?(document: JSONValue) {
        guard let keys = document["keys"]?.array else { return nil }
        self.init(keys.compactMap(IssuerKey.init))
    }

    public var json: JSONValue { ["keys": .array(keys.map(\.json))] }

    /// The set in the form in which a provider takes it.
    public func json(for provider: ProviderName) -> JSONValue {
        guard provider == "anthropic" else { return json }
        // https://platform.claude.com/docs/en/manage-claude/wif-admin-api
        return ["type": "inline", "keys": .array(keys.map(\.json))]
    }

    public var thumbprints: Set<String> { Set(keys.map(\.thumbprint)) }

    /// The algorithms that tokens may be signed with, as a discovery document names them.
    var algorithms: [String] { Set(keys.compactMap(\.algorithm)).sorted() }
}
