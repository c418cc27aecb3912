import JSON
import KubernetesClient
import NIOCore
import Testing
import WorkloadIdentity

@testable import lanyard

/// What the operator may have a token for, and what becomes of it where it gets none.
@Suite struct ScheduledTrialTests {
    private static let facts = PlatformFacts(
        platform: .eks, issuer: Issuer(url: "https://issuer.example/a", reach: .public))

    private static func results(
        _ annotations: [String: String], _ configuration: Configuration = Configuration(), by client: KubernetesClient
    ) async throws -> [String] {
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations, facts: facts,
            configuration: configuration)
        let trial = ScheduledTrial(
            client: client, configuration: configuration, facts: facts, exchange: try TokenExchange([:]))
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
        let results = try await Self.results(Self.stored, Self.vault(audience: audience), by: server.client)
        #expect(results.count == 1 && results.first?.hasPrefix("unknown AudienceOfAPIServer: ") == true)
        #expect(server.writes.isEmpty)
    }

    @Test(
        "without the right, or against the policy, the result says which is missing",
        arguments: [
            (
                #"serviceaccounts "llm" is forbidden: User "x" cannot create resource "serviceaccounts/token""#,
                "the Role lanyard-verify of namespace ai is missing"
            ),
            (
                """
                ValidatingAdmissionPolicy 'tokens.lanyard.dev' with binding 'tokens.lanyard.dev' denied request: Lanyard \
                makes tokens for providers alone; add the audience to the chart's verify.audiences
                """, "denies a token with the audience vault: add it to the chart's verify.audiences"
            ),
            (
                "ValidatingAdmissionPolicy 'tokens.lanyard.dev' denied request: Lanyard makes no tokens for that",
                "Lanyard makes no tokens for that"
            ),
            ("ValidatingAdmissionPolicy 'no-tokens.example' denied request: ask us", "'no-tokens.example' denied"),
            (#"admission webhook "x.example" denied the request: no"#, #"admission webhook "x.example" denied"#),
        ])
    func forbidden(message: String, expected: String) async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (403, message) }
        let results = try await Self.results(Self.stored, Self.vault(audience: "vault"), by: server.client)
        #expect(results.count == 1 && results.first?.hasPrefix("failed NotPermitted: ") == true)
        #expect(results.first?.contains(expected) == true, "\(results)")
        #expect(server.writes.map(\.path) == ["/api/v1/namespaces/ai/serviceaccounts/llm/token"])
        #expect(server.writes.first?.body["spec"] == ["audiences": ["vault"], "expirationSeconds": 600])
    }

    /// Gives tokens; what else is asked for, another answers.
    private struct TokenIssuer: KubernetesTransport {
        let other: FakeAPIServer

        func withResponse<Result: Sendable>(
            to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
        ) async throws -> Result {
            guard request.path.hasSuffix("/token") else { return try await other.withResponse(to: request, body) }
            var chunks = [ByteBuffer(string: #"{"status": {"token": "a.b.c"}}"#)]
            var response = KubernetesResponse(statusCode: 201) { chunks.popLast() }
            return try await body(&response)
        }
    }

    @Test("an API server that does not answer is no result, of the token or the Secret", arguments: [false, true])
    func noAnswer(hasToken: Bool) async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (503, "ServiceUnavailable") }
        let client = KubernetesClient(transport: TokenIssuer(other: server), fieldManager: "lanyard")
        var configuration = Self.vault(audience: "vault")
        configuration.vault.caSecret = "vault-ca"
        await #expect(throws: KubernetesError.self) {
            try await Self.results(Self.stored, configuration, by: hasToken ? client : server.client)
        }
    }

    @Test("what the API server refuses for good is the result of that exchange")
    func refusedForGood() async throws {
        let server = FakeAPIServer()
        server.refuse { _ in (404, "NotFound") }
        let results = try await Self.results(Self.stored, Self.vault(audience: "vault"), by: server.client)
        #expect(results.count == 1 && results.first?.hasPrefix("failed ClusterFailed: ") == true, "\(results)")
    }

    @Test(
        "where the audience is the API server's, the result says what sets another",
        arguments: [
            (["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"], "set aws.audience"),
            (stored, "set vault.audience"),
            (
                ["lanyard.dev/openai-identity-provider-id": "idp-1", "lanyard.dev/openai-service-account-id": "sa-1"],
                "set openai.audience"
            ),
        ] as [([String: String], String)])
    func advises(annotations: [String: String], advice: String) async throws {
        var configuration = Self.vault(audience: "https://kubernetes.default.svc")
        configuration.aws.audience = "https://kubernetes.default.svc"
        configuration.openai.audience = "https://kubernetes.default.svc"
        let results = try await Self.results(annotations, configuration, by: FakeAPIServer().client)
        #expect(results.count == 1 && results.first?.contains(advice) == true, "\(results)")
    }
}
