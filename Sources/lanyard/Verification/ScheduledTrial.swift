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
                answer: { try await tokens.answer(to: $0, of: $1, by: exchange) }
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
                    the token that is presented is good for the API server, too, and the operator makes none of these; set \
                    vault.audience, with the same audience in Vault's role
                    """))
        }
        do {
            return try await tokens.token(for: audience, boundToPod: step.needsPod)
        } catch let error as KubernetesError where error.isForbidden {
            throw ExchangeFailure(.notPermitted(audience, subject, error))
        } catch let error as KubernetesError {
            throw NoAnswer(cause: error)
        }
    }
}

extension Verdict {
    fileprivate static func notPermitted(_ audience: String, _ subject: Subject, _ error: KubernetesError) -> Verdict {
        // https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
        if error.message.contains("ValidatingAdmissionPolicy") {
            return .failed(
                "NotPermitted",
                """
                the API server's policy tokens.lanyard.dev denies a token with the audience \(audience): add it to the chart's \
                verify.audiences
                """)
        }
        return .failed(
            "NotPermitted",
            """
            the operator may not make a token of \(subject): the Role lanyard-verify of namespace \(subject.namespace) is \
            missing, or does not name it; list it in the chart's verify.scheduled
            """)
    }
}
