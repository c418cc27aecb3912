/// Why a provider gave no credential.
struct ExchangeCause {
    let reason: String
    let message: String
    let fix: String?
    /// Whether it is the token that the provider does not take.
    let isDenial: Bool

    init(_ reason: String, _ message: String, fix: String? = nil, isDenial: Bool = true) {
        self.reason = reason
        self.message = message
        self.fix = fix
        self.isDenial = isDenial
    }

    static let throttledBySTS = ExchangeCause(
        "Throttled", "STS has had too many requests; try again later", isDenial: false)

    static func issuerUnreachable(_ reader: String, _ claims: TokenClaims) -> ExchangeCause {
        ExchangeCause(
            "IssuerUnreachable",
            """
            \(reader) cannot fetch the keys of \(claims.issuer), or the token's key is not among them: the issuer must be \
            reachable from outside
            """, fix: "curl --fail \(ShellWord(discovery(of: claims.issuer)))")
    }

    private static func discovery(of issuer: String) -> String {
        (issuer.hasSuffix("/") ? issuer : issuer + "/") + ".well-known/openid-configuration"
    }
}
