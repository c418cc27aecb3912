import JSON
import KubernetesClient
import Testing
import WorkloadIdentity

@testable import lanyard

/// What the operator may have a token for, and what becomes of it where it gets none.
@Suite struct ScheduledTrialTests {
    private static let facts = PlatformFacts(
        platform: .eks, issuer: Issuer(url: "https://issuer.example/a", reach: .public))

    private static func results(
        _ annotations: [String: String], _ configuration: Configuration = Configuration(), by server: FakeAPIServer
    ) async throws -> [String] {
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations, facts: facts,
            configuration: configuration)
        let trial = ScheduledTrial(
            client: server.client, configuration: configuration, facts: facts, exchange: try TokenExchange([:]))
        return try await trial.results(of: plan).map {
            "\($0.verdict.outcome) \($0.verdict.reason): \($0.verdict.message)"
        }
    }

    private static func vault(audience: String?) -> Configuration {
        var configuration = Configuration()
        configuration.vault.address = "https://vault.example:8200"
        configuration.vault.audience = audience
        return configuration
    }

    private static let stored = [
        "lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm",
    ]

    @Test(
        "a token for the API server, whose holder could act there, is not even asked for",
        arguments: [nil, "https://issuer.example/a", "https://issuer.example/a/", "https://kubernetes.default.svc"])
    func apiServer(audience: String?) async throws {
        let server = FakeAPIServer()
        let results = try await Self.results(Self.stored, Self.vault(audience: audience), by: server)
        #expect(results.count == 1 && results.first?.hasPrefix("unknown AudienceOfAPIServer: ") == true)
        #expect(server.writes.isEmpty)
    }

    @Test(
        "without the right, or against the policy, the result says which is missing",
        arguments: [
            ("serviceaccounts \"llm\" is forbidden", "the Role lanyard-verify of namespace ai is missing"),
            (
                "ValidatingAdmissionPolicy 'tokens.lanyard.dev' denied request",
                "denies a token with the audience vault: add it to the chart's verify.audiences"
            ),
        ])
    func forbidden(message: String, expected: String) async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (403, message) }
        let results = try await Self.results(Self.stored, Self.vault(audience: "vault"), by: server)
        #expect(results.count == 1 && results.first?.hasPrefix("failed NotPermitted: ") == true)
        #expect(results.first?.contains(expected) == true, "\(results)")
        #expect(server.writes.map(\.path) == ["/api/v1/namespaces/ai/serviceaccounts/llm/token"])
        #expect(server.writes.first?.body["spec"] == ["audiences": ["vault"], "expirationSeconds": 600])
    }

    @Test("an API server that does not answer is no result")
    func noAnswer() async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (503, "ServiceUnavailable") }
        await #expect(throws: KubernetesError.self) {
            try await Self.results(Self.stored, Self.vault(audience: "vault"), by: server)
        }
    }
}
