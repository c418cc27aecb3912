internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

/// What came of trying each binding of a ServiceAccount.
struct VerificationReport: Sendable {
    let subject: Subject
    private(set) var entries: [TrialResult] = []

    /// - Parameters:
    ///   - time: now, RFC 3339 in UTC with whole seconds.
    ///   - token: makes what an exchange begins with; `nil` if that must name a pod, and there is none.
    ///   - answer: sends the request of an exchange; throws an ``ExchangeFailure`` if nobody answers.
    init(
        of plan: Plan, _ configuration: Configuration, time: () -> String,
        token: (Exchange) async throws -> SecretText?,
        answer: (ExchangeRequest, Exchange) async throws -> ExchangeAnswer
    ) async throws {
        subject = plan.subject
        for binding in plan.bindings {
            if let blocked = TrialResult(ofBlocked: binding) { entries.append(blocked) }
            for outcome in binding.outcomes {
                for trial in outcome.trials(for: binding.provider, configuration) {
                    var entry = TrialResult(
                        provider: binding.provider, mechanism: outcome.mechanism, identity: outcome.trust.identity,
                        verdict: .failed("NotTried", ""))
                    switch trial {
                    case .verdict(let verdict): entry.verdict = verdict
                    case .exchange(let exchange):
                        try await entry.run(exchange, time: time, token: token, answer: answer)
                    }
                    entries.append(entry)
                }
            }
        }
    }

    /// Tries it from this machine, with the caller's own rights.
    init(
        of plan: Plan, by client: KubernetesClient, _ configuration: Configuration, _ exchange: TokenExchange
    ) async throws {
        let tokens = ClusterTokens(client: client, subject: plan.subject)
        try await self.init(
            of: plan, configuration, time: { "\(Timestamp.now)" },
            token: { try await tokens.token(for: $0.audience, boundToPod: $0.needsPod) },
            answer: { try await tokens.answer(to: $0, of: $1, by: exchange) })
    }

    var hasFailure: Bool { entries.contains { $0.verdict.outcome == .failed } }

    /// A block for each binding.
    ///
    /// - Parameter isNamed: whether each says whose it is.
    func text(width: Int?, isNamed: Bool = false) -> String {
        guard !entries.isEmpty else { return "\(subject) asks for no provider" }
        return entries.map { entry in
            let title =
                (isNamed ? "\(subject.qualifiedName): " : "")
                + ([entry.provider.rawValue, entry.mechanism?.rawValue].compactMap { $0 }).joined(separator: " by ")
            let rows = [
                ("identity", entry.identity), ("issuer", entry.claims?.issuer), ("subject", entry.claims?.subject),
                ("audience", entry.claims?.audiences.joined(separator: ", ")), ("asked", entry.endpoint),
            ]
            var lines = ["\(title): \(entry.verdict.outcome.rawValue)"]
            for case (let name, let value?) in rows {
                lines.append("  \(name)\(String(repeating: " ", count: 10 - name.count))\(value)")
            }
            let isVerified = entry.verdict.outcome == .verified
            lines.append(
                "\(isVerified ? "" : "\(entry.verdict.reason): ")\(entry.verdict.message)".wrapped(
                    at: width, indentation: 2))
            if let fix = entry.verdict.fix { lines.append("  $ \(fix)") }
            return lines.joined(separator: "\n")
        }.joined(separator: "\n\n")
    }

    var json: JSONValue {
        [
            "namespace": .string(subject.namespace), "serviceAccount": .string(subject.serviceAccount),
            "results": .array(entries.map(\.json)),
        ]
    }
}

extension TrialResult {
    /// Tries each step of an exchange, until one fails.
    mutating func run(
        _ first: Exchange, time: () -> String, token: (Exchange) async throws -> SecretText?,
        answer: (ExchangeRequest, Exchange) async throws -> ExchangeAnswer
    ) async throws {
        identity = first.identity
        do {
            guard let token = try await token(first) else {
                verdict = .unknown(
                    "NoPod", "the provider takes tokens that name a pod, and the ServiceAccount has none")
                return
            }
            let presented = TokenClaims(token)
            claims = presented
            var step: (exchange: Exchange, presentation: Exchange.Presentation) = (first, .token(token))
            while true {
                let exchange = step.exchange
                endpoint = exchange.url
                let request = exchange.request(presenting: step.presentation, at: time())
                let reply = try await answer(request, exchange)
                verdict = exchange.verdict(on: reply, presenting: presented, for: provider)
                guard verdict.outcome == .verified else { return }
                if let revocation = exchange.revocation(of: reply) {
                    // The trust is proven, whatever comes of this.
                    _ = try? await answer(revocation, exchange)
                }
                if exchange.isRepeated(presenting: presented) {
                    let second = try await answer(request, exchange)
                    verdict = exchange.verdict(onRepetition: second, presenting: presented, for: provider) ?? verdict
                }
                guard let next = exchange.next(after: reply) else { return }
                step = next
            }
        } catch let failure as ExchangeFailure {
            verdict = failure.verdict
        } catch let error as KubernetesError {
            verdict = .failed(error.isForbidden ? "NotPermitted" : "ClusterFailed", "\(error)")
        }
    }

    /// A member of `results` of `lanyard verify -o json`.
    var json: JSONValue {
        var json: JSONValue = ["provider": .string(provider.rawValue)]
        json["mechanism"] = mechanism.map { .string($0.rawValue) }
        json["identity"] = identity.map { .string($0) }
        json["endpoint"] = endpoint.map { .string($0) }
        json["claims"] = claims.map {
            [
                "iss": .string($0.issuer), "sub": .string($0.subject),
                "aud": .array($0.audiences.map { .string($0) }),
            ]
        }
        json["outcome"] = .string(verdict.outcome.rawValue)
        json["reason"] = .string(verdict.reason)
        json["message"] = .string(verdict.message)
        json["fix"] = verdict.fix.map { .string($0) }
        return json
    }
}

extension TokenClaims {
    fileprivate init(_ token: SecretText) {
        let claims = ServiceAccountToken.claims(of: token.revealed)
        self.init(
            issuer: claims?["iss"]?.string ?? "", subject: claims?["sub"]?.string ?? "",
            audiences: ServiceAccountToken.audiences(of: token.revealed).sorted(),
            isIdentified: claims?["jti"] != nil)
    }
}
