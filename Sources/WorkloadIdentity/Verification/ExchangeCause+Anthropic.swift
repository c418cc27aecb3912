internal import JSON

extension ExchangeCause {
    /// https://platform.claude.com/docs/en/manage-claude/wif-reference
    static func anthropic(_ answer: ExchangeAnswer, _ rule: String, _ claims: TokenClaims) -> ExchangeCause? {
        let kind = answer.json["error"]?["type"]?.string ?? answer.json["error"]?.string
        switch (answer.status, kind) {
        case (401, _), (400, "invalid_grant"):
            return ExchangeCause(
                "TrustRejectedOpaque",
                """
                Anthropic tells nobody but the Console's authentication history why: compare, for \(rule), the issuer with \
                "\(claims.issuer)", subject_prefix with "\(claims.subject)", the audience with \
                "\(claims.audience)", the keys, and whether the rule needs a workspace
                """)
        case (400, _):
            return ExchangeCause("InvalidConfiguration", "Anthropic does not take \(rule) or another id of the request")
        default: return nil
        }
    }
}
