import JSON
import NIOCore
import NIOPosix
import Testing
import WorkloadIdentity

@testable import lanyard

/// What is sent to a provider, and how long its answer may take.
@Suite(.timeLimit(.minutes(5))) struct TokenExchangeTests {
    /// Answers each connection with some bytes, and then with one more again and again: no silence is long.
    private final class Stalling: ChannelInboundHandler, Sendable {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let answer: String
        private let answered: Recorded

        init(_ answer: String, _ answered: Recorded) {
            self.answer = answer
            self.answered = answered
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer)), promise: nil)
            answered.add(answer)
            let channel = context.channel
            channel.eventLoop.scheduleRepeatedTask(initialDelay: .zero, delay: .milliseconds(200)) { task in
                if channel.isActive {
                    channel.writeAndFlush(ByteBuffer(string: "a"), promise: nil)
                } else {
                    task.cancel()
                }
            }
        }
    }

    private static let configuration: Configuration = {
        var configuration = Configuration()
        configuration.vault.address = "https://vault.example:8200/base"
        configuration.vault.audience = "vault"
        configuration.vault.namespace = "team"
        return configuration
    }()

    private static let plan = Plan(
        for: Subject(namespace: "ai", serviceAccount: "llm"),
        serviceAccount: ["lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm"],
        facts: .offline(.eks), configuration: configuration)

    private static func exchange() throws -> Exchange {
        guard case .exchange(let exchange)? = plan.outcomes.first?.outcome.trials(for: "openai", configuration).first
        else { throw ExchangeFailure(.failed("NotTried", "")) }
        return exchange
    }

    @Test(
        "who never comes to an end, of the head or of the body, has not answered in time",
        arguments: ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n{"])
    func stalls(answer: String) async throws {
        let answered = Recorded()
        let server = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Stalling(answer, answered))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let clock = ManualClock()
        let exchange = try TokenExchange([:], clock: clock)
        var request = try Self.exchange().request(presenting: .token(SecretText("a.b.c")), at: "2026-01-01T00:00:00Z")
        request.url = "http://127.0.0.1:\(server.localAddress?.port ?? 0)/"
        let asked = request
        let ended = Recorded()
        let verdict = try await withThrowingTaskGroup(of: Verdict?.self) { group in
            group.addTask {
                defer { ended.add("") }
                do {
                    _ = try await exchange.answer(to: asked, trusting: nil)
                    return nil
                } catch let failure as ExchangeFailure {
                    return failure.verdict
                }
            }
            await eventually { answered.all.count == 1 || !ended.all.isEmpty }
            await clock.advanceUntil { !ended.all.isEmpty }
            return try await group.next() ?? nil
        }
        #expect(verdict?.reason == "TimedOut")
        try await server.close()
    }

    @Test(
        "a login to Vault that was good is revoked, whatever comes of that, and nothing shows its token",
        arguments: [200, 403, nil] as [Int?])
    func revokes(status: Int?) async throws {
        let requests = Recorded()
        let report = try await VerificationReport(
            of: Self.plan, Self.configuration, time: { "2026-01-01T00:00:00Z" }, token: { _ in SecretText("a.b.c") },
            answer: { request, _ in
                let token = request.headers.first { $0.name == "X-Vault-Token" }?.value.revealed
                let namespace = request.headers.first { $0.name == "X-Vault-Namespace" }?.value.revealed
                requests.add("\(request.url) \(namespace ?? "-") \(token ?? "-")")
                guard token != nil else {
                    return ExchangeAnswer(status: 200, body: Array(#"{"auth":{"client_token":"s3cret"}}"#.utf8))
                }
                guard let status else { throw ExchangeFailure(.failed("Unreachable", "")) }
                return ExchangeAnswer(status: status, body: [])
            })
        #expect(report.entries.map(\.verdict.reason) == ["Verified"])
        #expect(
            requests.all == [
                "https://vault.example:8200/base/v1/auth/kubernetes/login team -",
                "https://vault.example:8200/base/v1/auth/token/revoke-self team s3cret",
            ])
        #expect(!"\(report)\(report.json)\(report.text(width: nil))".contains("s3cret"))
    }

    @Test("a login that Vault denies leaves nothing to revoke")
    func deniesLogin() async throws {
        let requests = Recorded()
        let report = try await VerificationReport(
            of: Self.plan, Self.configuration, time: { "2026-01-01T00:00:00Z" }, token: { _ in SecretText("a.b.c") },
            answer: { request, _ in
                requests.add(request.url)
                return ExchangeAnswer(status: 403, body: Array(#"{"errors":["permission denied"]}"#.utf8))
            })
        #expect(report.entries.map(\.verdict.reason) == ["TokenRejected"] && requests.all.count == 1)
    }
}
