internal import JSON

extension ExchangeCause {
    /// https://learn.microsoft.com/entra/identity-platform/reference-error-codes
    static func entra(
        _ answer: ExchangeAnswer, _ client: String, _ tenant: String, _ claims: TokenClaims
    ) -> ExchangeCause? {
        let codes = (answer.json["error_codes"]?.array ?? []).compactMap(\.integer)
        for code in codes {
            switch code {
            case 700211:
                return ExchangeCause(
                    "IssuerNotTrusted",
                    """
                    no federated credential of \(client) has the issuer \
                    "\(claims.issuer)", to the letter, slash at the end included
                    """)
            case 700212:
                return ExchangeCause(
                    "AudienceNotTrusted", "no federated credential of \(client) has the audience \"\(claims.audience)\""
                )
            case 700213:
                return ExchangeCause(
                    "SubjectNotTrusted", "no federated credential of \(client) has the subject \"\(claims.subject)\"")
            case 70021:
                return ExchangeCause(
                    "TrustMismatch",
                    """
                    no federated credential of \(client) has issuer "\(claims.issuer)", subject \
                    "\(claims.subject)" and \
                    audience "\(claims.audience)"; one that was just made takes some minutes
                    """)
            case 70025:
                return ExchangeCause(
                    "NoFederatedCredential",
                    "\(client) has no federated credential; one that was just made takes some minutes")
            case 700024:
                return ExchangeCause(
                    "ClockSkew", "Entra takes the token for expired, or not valid yet: compare the clocks")
            case 700027, 50013:
                return ExchangeCause(
                    "SignatureInvalid",
                    "the token is signed by a key that \(claims.issuer) does not publish, or not yet")
            case 90061, 50166, 501661: return issuerUnreachable("Entra", claims)
            case 700016:
                return ExchangeCause(
                    "ClientIdNotFound", "tenant \(tenant) has no client \(client)",
                    fix: "az ad sp show --id \(ShellWord(client))")
            case 90002:
                return ExchangeCause(
                    "TenantNotFound", "there is no tenant \(tenant) in this cloud; see azure.authorityHost")
            case 90014, 900144:
                return ExchangeCause("InvalidConfiguration", "Entra misses a field of the request or the token")
            default: continue
            }
        }
        return nil
    }
}
