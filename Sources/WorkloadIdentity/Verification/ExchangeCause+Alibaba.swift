internal import JSON

extension ExchangeCause {
    /// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-errorcodes
    static func alibaba(
        _ answer: ExchangeAnswer, _ role: String, _ provider: String, _ claims: TokenClaims
    ) -> ExchangeCause? {
        let message = answer.json["Message"]?.string ?? ""
        let name = ShellWord(role.split(separator: "/").last.map(String.init) ?? role)
        let providerName = ShellWord(provider.split(separator: "/").last.map(String.init) ?? provider)
        switch answer.json["Code"]?.string {
        case "AuthenticationFail.NoPermission" where message.contains("OIDC Provider"),
            "AuthenticationFail.OIDCToken.IssuerNotMatch":
            return ExchangeCause(
                "IssuerNotTrusted", "there is no OIDC provider \(provider) for the issuer \(claims.issuer)",
                fix: "aliyun ims GetOIDCProvider --OIDCProviderName \(providerName)")
        case "AuthenticationFail.NoPermission":
            return ExchangeCause(
                "TrustPolicyMismatch",
                "the trust policy of \(role) does not allow sub \"\(claims.subject)\" with aud \"\(claims.audience)\"",
                fix: "aliyun ram GetRole --RoleName \(name)")
        case "AuthenticationFail.OIDCToken.AudienceNotMatch":
            return ExchangeCause(
                "AudienceNotTrusted", "\(provider) does not list the audience \(claims.audience)",
                fix: """
                    aliyun ims AddClientIdToOIDCProvider --OIDCProviderName \(providerName) \
                    --ClientId \(ShellWord(claims.audience))
                    """)
        case "AuthenticationFail.IssuerConfigurationBroken", "AuthenticationFail.OIDCToken.HttpsUrlInvalid":
            return issuerUnreachable("Alibaba Cloud", claims)
        case "AuthenticationFail.OIDCToken.Expired":
            return ExchangeCause(
                "ClockSkew", "the token that was just made has expired for STS: compare the clock of the control plane")
        case "AuthenticationFail.OIDCToken.Invalid", "AuthenticationFail.OIDCToken.InvalidSignature":
            return ExchangeCause(
                "TokenRejected",
                "STS does not take the token: it is not signed by a key that \(claims.issuer) publishes")
        case "AuthenticationFail.PublicKeyFingerprintMismatch":
            return ExchangeCause(
                "FingerprintMismatch",
                "the certificate of \(claims.issuer) is from another authority than \(provider) has the fingerprint of",
                fix: "aliyun ims GetOIDCProvider --OIDCProviderName \(providerName)")
        case "EntityNotExist.Role":
            return ExchangeCause(
                "RoleNotFound", "there is no role \(role)", fix: "aliyun ram GetRole --RoleName \(name)")
        case "Throttling.User": return throttledBySTS
        default: return nil
        }
    }
}
