internal import Crypto
public import JSON

/// One public key with which the cluster's tokens are verified: a JSON Web Key (RFC 7517), of which nothing else is kept than
/// what is public.
public struct IssuerKey: Hashable, Sendable {
    /// `kid`, by which a token's header names its key.
    public let id: String?
    /// `kty`: `RSA`, `EC` or `OKP`.
    public let type: String
    /// `alg`, or what the curve alone allows; `nil` if neither tells.
    public let algorithm: String?
    /// The length of an RSA key's modulus.
    public let bits: Int?
    /// `crv`, of the other types.
    public let curve: String?
    /// What identifies the key, whatever its `kid`: the SHA-256 of its required members (RFC 7638), in base64url.
    public let thumbprint: String
    /// The key as providers take it.
    public let json: JSONValue

    /// - Returns: `nil` for what is no key of a known type, which a reader passes over (RFC 7517 section 5).
    public init?(_ json: JSONValue) {
        guard let type = json["kty"]?.string, let names = Self.required[type] else { return nil }
        var members: [String] = []
        for name in names {
            guard let value = json[name]?.string, Self.isPlain(value) else { return nil }
            members.append("\"\(name)\":\"\(value)\"")
        }
        self.type = type
        id = json["kid"]?.string
        curve = json["crv"]?.string
        bits = json["n"]?.string.flatMap(Base64URL.bitWidth)
        algorithm = json["alg"]?.string ?? curve.flatMap { Self.algorithms[$0] }
        thumbprint = Base64URL.encode(SHA256.hash(data: Array("{\(members.joined(separator: ","))}".utf8)))
        // Whoever exports a key must not export a private part by mistake.
        var exported: JSONValue = [:]
        for name in ["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"] { exported[name] = json[name] }
        self.json = exported
    }

    /// What people call the key: its `kid`, which may be anything.
    public var name: String { (id ?? thumbprint).shortened }

    /// `RSA 2048` or `EC P-256`.
    public var size: String { "\(type) \(bits.map { "\($0)" } ?? curve ?? "")" }

    /// The required members of each type, in the order in which the thumbprint has them: RFC 7638 section 3.2, RFC 8037
    /// section 2.
    private static let required = [
        "RSA": ["e", "kty", "n"], "EC": ["crv", "kty", "x", "y"], "OKP": ["crv", "kty", "x"],
    ]

    /// RFC 7518 section 3.4, RFC 8037 section 3.1.
    private static let algorithms = ["P-256": "ES256", "P-384": "ES384", "P-521": "ES512", "Ed25519": "EdDSA"]

    /// Whether a value needs no escape in JSON: base64url, or the name of a type or a curve.
    private static func isPlain(_ value: String) -> Bool {
        !value.isEmpty && value.utf8.allSatisfy { Base64URL.value(of: $0) != nil }
    }
}
