internal import JSON

extension Exchange {
    /// What an answer means. Pure: nothing of a credential, and nothing that the provider wrote freely, gets into it.
    public func verdict(on answer: ExchangeAnswer, presenting claims: TokenClaims, for provider: ProviderName)
        -> Verdict
    {
        if answer.isSuccess {
            guard holdsCredential(answer) else {
                return .failed("UnexpectedAnswer", unexpected(answer))
            }
            return verified
        }
        if answer.status == 407 { return .failed("ProxyDenied", "a proxy wants to be logged in to (HTTP 407)") }
        if answer.status == 429 {
            return .failed("Throttled", "\(url) has had too many requests (HTTP 429); try again later")
        }
        // What stands between may deny as well, and speaks in another way.
        let isOfProvider = isError(answer)
        var cause = isOfProvider ? self.cause(of: answer, claims) : nil
        if cause == nil, answer.status >= 500 {
            cause = ExchangeCause(
                "Unreachable", "\(url) cannot answer now (HTTP \(answer.status)); try again later", isDenial: false)
        }
        if cause == nil, !isOfProvider || isOfNode {
            cause = ExchangeCause(
                "UnexpectedAnswer",
                "\(url) answered HTTP \(answer.status), and not as the provider does; is there a proxy?",
                isDenial: false)
        }
        let found =
            cause
            ?? ExchangeCause("TokenRejected", "\(url) answered HTTP \(answer.status), for no cause that is known here")
        return Verdict(
            outcome: .failed, reason: found.reason, message: found.message,
            fix: found.fix ?? "lanyard explain \(provider) \(Self.account(of: claims))", isDenial: found.isDenial)
    }

    var verified: Verdict {
        .verified("\(url) gave a credential, which was discarded; whether it may call a model was not tried")
    }

    /// Whether an answer has the form in which the provider reports an error.
    private func isError(_ answer: ExchangeAnswer) -> Bool {
        switch service {
        case .awsSTS, .awsSecondRole: answer.element("Code") != nil
        case .alibaba: answer.json["Code"]?.string != nil
        case .ibm: answer.json["errorCode"]?.string != nil
        case .vault: answer.json["errors"]?.array != nil
        case .entra, .googleSTS, .googleImpersonation, .openAI, .anthropic: answer.json["error"] != nil
        // They write text, and what they deny is told by that.
        case .eksPodIdentityAgent, .gkeMetadataServer, .gkeMetadataEmail: (400..<500).contains(answer.status)
        }
    }

    /// Whether a service of the pod's own node is asked.
    private var isOfNode: Bool {
        [.eksPodIdentityAgent, .gkeMetadataServer, .gkeMetadataEmail].contains(service)
    }

    /// What is said of a success without a credential.
    private func unexpected(_ answer: ExchangeAnswer) -> String {
        guard service == .gkeMetadataEmail else {
            return "\(url) answered HTTP \(answer.status) without a credential; is there a proxy?"
        }
        return """
            GKE's metadata server takes the pod for \(answer.body.shortened), and not for a ServiceAccount of the project's \
            workload identity pool: it is not in force on this node, or iam.gke.io/gcp-service-account says so
            """
    }

    /// Whether a token that was taken is to be presented once more, as a container that restarts does, or a second process.
    ///
    /// Anthropic takes a token that has an id once, unless told otherwise.
    public func isRepeated(presenting claims: TokenClaims) -> Bool {
        if case .anthropic = service { claims.isIdentified } else { false }
    }

    /// What an answer to a token means that was taken before. `nil`: nothing else than the first.
    public func verdict(
        onRepetition answer: ExchangeAnswer, presenting claims: TokenClaims, for provider: ProviderName
    ) -> Verdict? {
        guard [400, 401].contains(answer.status), isError(answer) else { return nil }
        return .denied(
            "SingleUseToken",
            """
            \(url) gave a credential, and denied the same token when it was presented again, as a container does that \
            restarts; set check_jti: false on the issuer
            """, fix: "lanyard explain \(provider) \(Self.account(of: claims))")
    }

    private func holdsCredential(_ answer: ExchangeAnswer) -> Bool {
        switch service {
        case .awsSTS, .awsSecondRole: AWSKeys(answer) != nil
        case .googleImpersonation: answer.json["accessToken"]?.string != nil
        case .alibaba: answer.json["Credentials"]?["SecurityToken"]?.string != nil
        case .vault: answer.json["auth"]?["client_token"]?.string != nil
        case .eksPodIdentityAgent: answer.json["SecretAccessKey"]?.string != nil
        // Of a node's own service account, or another one, it is an address with an at sign.
        case .gkeMetadataEmail:
            answer.body.replacing("\n", with: "").hasSuffix(".svc.id.goog") && !answer.body.contains("@")
        case .entra, .googleSTS, .ibm, .openAI, .anthropic, .gkeMetadataServer:
            answer.json["access_token"]?.string != nil
        }
    }

    /// `NS/NAME`, as the command takes it.
    private static func account(of claims: TokenClaims) -> ShellWord {
        let parts = claims.subject.split(separator: ":")
        return ShellWord(parts.suffix(2).joined(separator: "/"))
    }

    private func cause(of answer: ExchangeAnswer, _ claims: TokenClaims) -> ExchangeCause? {
        switch service {
        case .awsSTS(let role, _): .aws(answer, role, claims)
        case .awsSecondRole(let second, let firstRole): .awsSecondRole(answer, second, assumedBy: firstRole)
        case .entra(let client, let tenant): .entra(answer, client, tenant, claims)
        case .googleSTS(let audience, _): .google(answer, audience, claims)
        case .googleImpersonation: .impersonation(answer, of: identity, claims)
        case .ibm(_, let profile): .ibm(answer, profile, claims)
        case .alibaba(let role, let provider): .alibaba(answer, role, provider, claims)
        case .vault(let role, _): .vault(answer, role, claims)
        case .openAI(let provider, let account): .openAI(answer, provider, account, claims)
        case .anthropic(let rule, _, _, _): .anthropic(answer, rule, claims)
        case .eksPodIdentityAgent: .eksPodIdentityAgent(answer, claims)
        case .gkeMetadataServer, .gkeMetadataEmail: .gkeMetadataServer(answer, as: identity)
        }
    }
}
