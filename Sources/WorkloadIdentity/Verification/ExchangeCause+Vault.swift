internal import JSON

extension ExchangeCause {
    /// https://github.com/hashicorp/vault-plugin-auth-kubernetes/blob/main/path_login.go
    static func vault(_ answer: ExchangeAnswer, _ role: String, _ claims: TokenClaims) -> ExchangeCause? {
        let text = (answer.json["errors"]?.array ?? []).compactMap(\.string).joined(separator: "; ")
        let parts = claims.subject.split(separator: ":")
        let names = (namespace: parts.dropLast().last ?? "", account: parts.last ?? "")
        if text.contains("invalid role name") {
            return ExchangeCause("RoleNotFound", "the authentication method has no role \(role)")
        }
        if text.contains("service account name not authorized") {
            return ExchangeCause(
                "SubjectNotTrusted", "bound_service_account_names of the role \(role) lack \(names.account)")
        }
        if text.contains("namespace not authorized") {
            return ExchangeCause(
                "NamespaceNotTrusted", "bound_service_account_namespaces of the role \(role) lack \(names.namespace)")
        }
        if text.contains("audience") {
            return ExchangeCause(
                "AudienceNotTrusted",
                "the role \(role) wants another audience than \"\(claims.audience)\"; see vault.audience")
        }
        if text.contains("issuer") {
            return ExchangeCause(
                "IssuerNotTrusted", "the authentication method is for another issuer than \"\(claims.issuer)\"")
        }
        if text.contains("could not load backend") {
            return ExchangeCause(
                "InvalidConfiguration", "the authentication method is not configured: kubernetes_host is not set")
        }
        if text.contains("no handler for route") || answer.status == 404 {
            return ExchangeCause(
                "AuthMethodNotFound", "Vault has no authentication method at this path; see vault.authPath")
        }
        if text.contains("permission denied") {
            return ExchangeCause(
                "TokenRejected",
                """
                Vault does not say why: it cannot review the token (kubernetes_host, its CA, the reviewer's rights), or the \
                role \(role) wants another audience than "\(claims.audience)", or there is no such authentication method
                """)
        }
        return nil
    }
}
