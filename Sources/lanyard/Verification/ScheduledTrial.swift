internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

/// Tries the trust of ServiceAccounts with the operator's own rights: those that the Role `lanyard-verify` of each namespace gives.
struct ScheduledTrial: Sendable {
    let client: KubernetesClient
    let configuration: Configuration
    let facts: PlatformFacts
    let exchange: TokenExchange

    /// The cluster did not answer, which says nothing of the trust.
    private struct NoAnswer: Error {
        let cause: KubernetesError
    }

    func results(of plan: Plan) async throws -> [TrialResult] {
        let tokens = ClusterTokens(client: client, subject: plan.subject)
        do {
            return try await VerificationReport(
                of: plan, configuration, time: { "\(Timestamp.now)" },
                token: { try await token(for: $0, of: plan.subject, tokens) },
                answer: { request, step in
                    try await answered { try await tokens.answer(to: request, of: step, by: exchange) }
                }
            ).entries
        } catch let error as NoAnswer {
            throw error.cause
        }
    }

    private func token(for step: Exchange, of subject: Subject, _ tokens: ClusterTokens) async throws -> SecretText? {
        guard let audience = step.audience, !facts.isAudienceOfAPIServer(audience) else {
            throw ExchangeFailure(
                .unknown(
                    "AudienceOfAPIServer",
                    """
                    the token that is presented is good for the API server, too, and the operator makes none of these; \
                    \(step.audienceAdvice)
                    """))
        }
        do {
            return try await answered { try await tokens.token(for: audience, boundToPod: step.needsPod) }
        } catch let error as KubernetesError where error.isForbidden {
            throw ExchangeFailure(.notPermitted(audience, subject, error))
        }
    }

    /// What is worth another try is no verdict on an exchange, and all else is.
    private func answered<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as KubernetesError where error.isRetryable {
            throw NoAnswer(cause: error)
        }
    }
}

extension Verdict {
    fileprivate static func notPermitted(_ audience: String, _ subject: Subject, _ error: KubernetesError) -> Verdict {
        // https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
        if error.message.contains("ValidatingAdmissionPolicy 'tokens.lanyard.dev'"),
            error.message.contains("verify.audiences")
        {
            return .failed(
                "NotPermitted",
                """
                the API server's policy tokens.lanyard.dev denies a token with the audience \(audience): add it to the chart's \
                verify.audiences
                """)
        }
        // https://kubernetes.io/docs/reference/access-authn-authz/rbac/
        guard error.message.contains("cannot create resource") else {
            return .failed("NotPermitted", "no token of \(subject) was made: \(error)")
        }
        return .failed(
            "NotPermitted",
            """
            the operator may not make a token of \(subject): the Role lanyard-verify of namespace \(subject.namespace) is \
            missing, or does not name it; list it in the chart's verify.scheduled
            """)
    }
}
