internal import JSON

extension ExchangeCause {
    /// https://cloud.google.com/iam/docs/troubleshooting-workload-identity-federation
    static func google(_ answer: ExchangeAnswer, _ audience: String, _ claims: TokenClaims) -> ExchangeCause? {
        let text = answer.json["error_description"]?.string ?? ""
        switch answer.json["error"]?.string {
        case "invalid_request" where text.contains("audience"), "invalid_target":
            return ExchangeCause(
                "InvalidConfiguration",
                """
                Google knows no provider \(audience), or it is disabled: it takes the project's number, not its id, and \
                what was just made takes minutes
                """)
        case "invalid_grant" where text.contains("audience"):
            return ExchangeCause(
                "AudienceNotTrusted",
                """
                \(audience) does not allow the audience "\(claims.audience)": without allowed audiences of its own it takes \
                "https:\(audience)"; see gcp.audience
                """)
        case "invalid_grant" where text.contains("Error connecting"): return issuerUnreachable("Google", claims)
        case "invalid_grant" where text.contains("issuer"):
            return ExchangeCause("IssuerNotTrusted", "\(audience) has another issuer than \"\(claims.issuer)\"")
        case "invalid_grant" where text.contains("127 bytes"), "invalid_request" where text.contains("127 bytes"):
            return ExchangeCause(
                "SubjectTooLong", "\(claims.subject) is longer than 127 bytes; map google.subject to less")
        case "invalid_grant" where text.contains("expired") || text.contains("stale"):
            return ExchangeCause(
                "ClockSkew", "Google takes the token for expired, or not valid yet: compare the clocks")
        case "invalid_grant":
            return ExchangeCause(
                "SignatureInvalid",
                """
                Google does not take the token: its key is likely not among those that were uploaded to \
                \(audience), or that \(claims.issuer) publishes
                """
            )
        case "unauthorized_client":
            return ExchangeCause(
                "SubjectNotTrusted", "the attribute condition of \(audience) refuses the subject \"\(claims.subject)\"")
        default: return nil
        }
    }

    /// Of a service account by the principal that was exchanged.
    static func impersonation(_ answer: ExchangeAnswer, of identity: String, _ claims: TokenClaims) -> ExchangeCause? {
        switch answer.status {
        case 403:
            ExchangeCause(
                "ImpersonationDenied",
                """
                the token was exchanged, but its principal, with subject "\(claims.subject)", lacks \
                roles/iam.workloadIdentityUser on the service account of \(identity)
                """)
        case 404:
            ExchangeCause(
                "ServiceAccountNotFound", "the token was exchanged, but there is no such service account: \(identity)")
        default: nil
        }
    }

    /// Where the pod is known by its address, and not by a token.
    static func gkeMetadataServer(_ answer: ExchangeAnswer, as identity: String) -> ExchangeCause? {
        switch answer.status {
        case 401, 403:
            ExchangeCause(
                "ImpersonationDenied",
                """
                GKE's metadata server may not get a token as \(identity): roles/iam.workloadIdentityUser is lacking there
                """)
        case 404:
            ExchangeCause("ServiceAccountNotFound", "GKE's metadata server knows no service account \(identity)")
        default: nil
        }
    }
}
