/// What the presented token says, and the trust must name.
public struct TokenClaims: Hashable, Sendable {
    public var issuer: String
    public var subject: String
    public var audiences: [String]
    /// Whether it has an id of its own (`jti`), as those of Kubernetes 1.30 and later do.
    public var isIdentified: Bool

    public init(issuer: String, subject: String, audiences: [String], isIdentified: Bool = false) {
        self.issuer = issuer
        self.subject = subject
        self.audiences = audiences
        self.isIdentified = isIdentified
    }

    var audience: String { audiences.joined(separator: ", ") }
}
