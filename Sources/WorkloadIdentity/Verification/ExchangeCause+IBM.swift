internal import JSON

extension ExchangeCause {
    /// Codes: https://cloud.ibm.com/docs/containers?topic=containers-pod-iam-identity
    static func ibm(_ answer: ExchangeAnswer, _ profile: String, _ claims: TokenClaims) -> ExchangeCause? {
        switch answer.json["errorCode"]?.string {
        case "BXNIM0398E":
            ExchangeCause(
                "SubjectNotTrusted",
                """
                the trusted profile "\(profile)" has no link or condition for this cluster and \(claims.subject), or is not \
                there
                """)
        case "BXNIM0407E":
            ExchangeCause(
                "TokenRejected",
                "IBM IAM does not take the token: only clusters of IBM Cloud are known to it, by audience iam")
        case "BXNIM0109E": ExchangeCause("InvalidConfiguration", "IBM IAM does not take \(profile) for a profile")
        default: nil
        }
    }
}
