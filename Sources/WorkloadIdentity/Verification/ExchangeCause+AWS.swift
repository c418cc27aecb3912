extension ExchangeCause {
    /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html#API_AssumeRoleWithWebIdentity_Errors
    static func aws(_ answer: ExchangeAnswer, _ role: String, _ claims: TokenClaims) -> ExchangeCause? {
        let message = answer.element("Message") ?? ""
        switch answer.element("Code") {
        case "AccessDenied":
            let name = role.split(separator: "/").last.map(String.init) ?? role
            return ExchangeCause(
                "TrustPolicyMismatch",
                """
                STS does not say which: there is no role \(role), or its trust policy does not allow \
                sts:AssumeRoleWithWebIdentity to sub "\(claims.subject)" with aud \
                "\(claims.audience)", or it was changed seconds ago
                """,
                fix: "aws iam get-role --role-name \(ShellWord(name)) --query Role.AssumeRolePolicyDocument")
        case "InvalidIdentityToken" where message.contains("No OpenIDConnect provider found"):
            return ExchangeCause(
                "IssuerNotTrusted", "the role's account has no IAM OIDC provider for the issuer \(claims.issuer)",
                fix: """
                    aws iam create-open-id-connect-provider --url \(ShellWord(claims.issuer)) \
                    --client-id-list \(ShellWord(claims.audience))
                    """)
        case "InvalidIdentityToken" where message.contains("Incorrect token audience"):
            return ExchangeCause(
                "AudienceNotTrusted",
                "the IAM OIDC provider for \(claims.issuer) does not list the audience \(claims.audience)",
                fix: addedAudience(role, claims))
        case "InvalidIdentityToken" where message.contains("retrieve verification key"), "IDPCommunicationError":
            return issuerUnreachable("AWS", claims)
        case "InvalidIdentityToken" where message.contains("thumbprint"):
            return ExchangeCause(
                "FingerprintMismatch",
                "the certificate of \(claims.issuer) is from another authority than the IAM OIDC provider has a thumbprint of",
                fix: provider(role, claims).map {
                    "aws iam get-open-id-connect-provider --open-id-connect-provider-arn \($0)"
                })
        case "InvalidIdentityToken":
            return ExchangeCause(
                "TokenRejected",
                "STS does not take the token: it is not signed by a key that \(claims.issuer) publishes")
        case "ExpiredTokenException", "ExpiredToken":
            return ExchangeCause(
                "ClockSkew", "the token that was just made has expired for STS: compare the clock of the control plane")
        case "IDPRejectedClaim":
            return ExchangeCause("TokenRejected", "the identity provider \(claims.issuer) refused the token")
        case "RegionDisabledException":
            return ExchangeCause("RegionDisabled", "STS is not enabled in this region for the account of \(role)")
        case "ValidationError": return ExchangeCause("InvalidConfiguration", "STS does not take \(role) for a role")
        case "Throttling": return throttledBySTS
        default: return nil
        }
    }

    private static func addedAudience(_ role: String, _ claims: TokenClaims) -> String {
        guard let provider = provider(role, claims) else { return "aws iam list-open-id-connect-providers" }
        return """
            aws iam add-client-id-to-open-id-connect-provider --open-id-connect-provider-arn \(provider) \
            --client-id \(ShellWord(claims.audience))
            """
    }

    /// The ARN of the IAM OIDC provider that the role's account must have.
    private static func provider(_ role: String, _ claims: TokenClaims) -> ShellWord? {
        let parts = role.split(separator: ":", omittingEmptySubsequences: false)
        let scheme = "https://"
        guard parts.count > 4, claims.issuer.hasPrefix(scheme) else { return nil }
        return ShellWord("arn:\(parts[1]):iam::\(parts[4]):oidc-provider/\(claims.issuer.dropFirst(scheme.count))")
    }

    /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_Errors
    static func awsSecondRole(
        _ answer: ExchangeAnswer, _ second: AWSSecondRole, assumedBy firstRole: String
    ) -> ExchangeCause? {
        switch answer.element("Code") {
        case "AccessDenied":
            return ExchangeCause(
                "SecondRoleDenied",
                """
                the first role was assumed, but it cannot assume \(second.role). STS does not say which: a policy of \
                \(firstRole) must allow sts:AssumeRole on it, and its trust policy must name \(firstRole)\
                \(second.externalID.map { " with the external id \"\($0)\"" } ?? "")
                """)
        // What is signed lives for some minutes.
        case "SignatureDoesNotMatch", "RequestExpired", "InvalidClientTokenId":
            return ExchangeCause(
                "ClockSkew",
                "the first role was assumed, but STS does not take the signature: compare the clocks")
        case "RegionDisabledException":
            return ExchangeCause(
                "RegionDisabled", "STS is not enabled in this region for the account of \(second.role)")
        case "ValidationError":
            return ExchangeCause(
                "InvalidConfiguration", "STS does not take \(second.role), its session's name or its duration")
        case "Throttling": return throttledBySTS
        default: return nil
        }
    }

    /// It passes on what the service says, with the name of the error.
    ///
    /// https://docs.aws.amazon.com/eks/latest/APIReference/API_auth_AssumeRoleForPodIdentity.html
    static func eksPodIdentityAgent(_ answer: ExchangeAnswer, _ claims: TokenClaims) -> ExchangeCause? {
        func says(_ error: String) -> Bool { answer.body.contains(error) }
        if says("ResourceNotFound") {
            return ExchangeCause("AssociationNotFound", "EKS has no Pod Identity association for \(claims.subject)")
        }
        if says("AccessDenied") {
            return ExchangeCause(
                "TrustPolicyMismatch",
                """
                EKS may not assume the role of the association: its trust policy must allow sts:AssumeRole and \
                sts:TagSession to pods.eks.amazonaws.com, and the node's role eks-auth:AssumeRoleForPodIdentity
                """)
        }
        if says("ExpiredToken") {
            return ExchangeCause("ClockSkew", "EKS takes the token for expired: compare the clocks")
        }
        if says("InvalidToken") {
            return ExchangeCause("TokenRejected", "EKS does not take the token for one of this cluster and of a pod")
        }
        return nil
    }
}
