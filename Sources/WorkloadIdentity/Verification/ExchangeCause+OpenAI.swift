internal import JSON

extension ExchangeCause {
    /// https://developers.openai.com/api/reference/workload-identity-federation
    static func openAI(
        _ answer: ExchangeAnswer, _ provider: String, _ account: String, _ claims: TokenClaims
    ) -> ExchangeCause? {
        switch answer.json["error"]?.string {
        case "invalid_subject_token":
            ExchangeCause(
                "TokenRejected",
                """
                \(provider) does not take the token: compare its issuer with "\(claims.issuer)", its audience with \
                "\(claims.audience)", and upload the cluster's keys again
                """)
        case "invalid_grant":
            ExchangeCause(
                "MappingNotFound",
                "\(provider) has no mapping of sub \"\(claims.subject)\" to \(account), or one of both is disabled")
        case "invalid_request":
            ExchangeCause("InvalidConfiguration", "OpenAI does not take \(provider) or \(account) for an id")
        default: nil
        }
    }
}
