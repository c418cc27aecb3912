import FoundationEssentials
import HTTPTypes
import HummingbirdTesting
import JSON
import Logging
import MetricsTestKit
import NIOCore
import NIOPosix
import NIOSSL
import ServiceLifecycle
import Synchronization
import Testing

@testable import AdmissionWebhook

@Suite("AdmissionServer", .timeLimit(.minutes(5))) struct AdmissionServerTests {
    @Test("shows a new certificate to new connections, and drops none that is open")
    func rotation() async throws {
        let old = try CertificateBundle(for: .test, at: .now, lifetimes: CertificateLifetimes())
        let new = try CertificateBundle(for: .test, at: .now, lifetimes: CertificateLifetimes())
        let certificate = try RotatingCertificate(old.servingCertificate, metrics: TestMetrics())
        try await withServer(certificate) { server in
            try await server.withClient(trusting: old) { first in
                try await first.post(review(), expecting: .ok)
                await #expect(throws: (any Error).self) {
                    try await server.withClient(trusting: new) { _ = try await $0.send(review()) }
                }
                try certificate.install(new.servingCertificate)
                try await first.post(review(), expecting: .ok)
                try await server.withClient(trusting: new) { second in
                    try await second.post(review(), expecting: .ok)
                    try await first.post(review(), expecting: .ok)
                }
                await #expect(throws: (any Error).self) {
                    try await server.withClient(trusting: old) { _ = try await $0.send(review()) }
                }
                try await first.post(review(), expecting: .ok)
            }
        }
    }

    @Test("lets a review in flight finish when it is told to stop, and takes no more")
    func gracefulShutdown() async throws {
        let (begun, isBegun) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let handler = TestHandler<WholeObject> { _ in
            isBegun.finish()
            for await _ in released {}
            return .allowed()
        }
        try await withServer(handler: handler) { server in
            try await server.withClient { client in
                async let inFlight = client.send(review())
                for await _ in begun {}
                await server.stop()
                while await server.accepts() {}
                release.finish()
                let response = try await inFlight
                #expect(response.status == .ok)
            }
        }
    }

    @Test("speaks no TLS before 1.2")
    func oldTLS() async throws {
        try await withServer { server in
            await #expect(throws: (any Error).self) {
                try await server.withClient(configure: { $0.maximumTLSVersion = .tlsv11 }) {
                    _ = try await $0.send(review())
                }
            }
            try await server.withClient(configure: { $0.maximumTLSVersion = .tlsv12 }) {
                try await $0.post(review(), expecting: .ok)
            }
        }
    }

    @Test(
        "goes on after what is no TLS, no HTTP, or too large",
        arguments: ["GET / HTTP/1.1\r\n\r\n", "\u{16}\u{3}\u{1}"])
    func garbage(_ bytes: String) async throws {
        try await withServer { server in
            try await server.send(bytes)
            try await server.withClient { client in
                let tooLarge = [UInt8](repeating: 0x20, count: AdmissionServer.Configuration().bodyLimit + 1)
                try await client.post(tooLarge, expecting: .contentTooLarge)
            }
            try await server.withClient { try await $0.post(review(), expecting: .ok) }
        }
    }

    @Test("closes connections that never finish a handshake, and answers an API server while they last")
    func silence() async throws {
        try await withServer(configure: { $0.connections.count = 32 }) { server in
            var silent: [any Channel] = []
            for _ in 0..<200 { if let channel = try? await server.connect() { silent.append(channel) } }
            let more: [any Channel] = try await server.withClient { client in
                for _ in 0..<20 { try await client.post(review(), expecting: .ok) }
                var more: [any Channel] = []
                for _ in 0..<200 { if let channel = try? await server.connect() { more.append(channel) } }
                for _ in 0..<20 { try await client.post(review(), expecting: .ok) }
                return more
            }
            silent += more
            var open = 0
            for channel in silent where channel.isActive { open += 1 }
            #expect(open <= 32)
            for channel in silent { try? await channel.close() }
        }
    }

    @Test("closes a connection at the step that takes too long", arguments: ["handshake", "head", "body"])
    func delays(_ step: String) async throws {
        try await withServer(configure: { configuration in
            // Long enough for the client that asks in the end, on a machine that has other things to do.
            if step == "handshake" { configuration.connections.handshakeTimeout = .seconds(5) }
            if step == "head" { configuration.connections.headTimeout = .seconds(5) }
            if step == "body" { configuration.connections.bodyTimeout = .seconds(5) }
        }) { server in
            let bytes = ["head": "POST /mutate HTT", "body": "POST /mutate HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"]
            // A connection that is closed before all of this is done has waited too long, too.
            let channel = try? await step == "handshake" ? server.connect() : server.connectWithTLS()
            if let bytes = bytes[step] { try? await channel?.writeAndFlush(ByteBuffer(string: bytes)) }
            try await channel?.closeFuture.get()
            let reason = [("reason", "\(step)_timeout")]
            let total = server.metrics.counterTotal(
                label: "admission_webhook_connections_closed_total", dimensions: reason)
            #expect(total == 1)
            try await server.withClient { try await $0.post(review(), expecting: .ok) }
        }
    }

    @Test("answers requests that come in one piece in turn, and ends the connection where a request asks for it")
    func inOnePiece() async throws {
        let handler = TestHandler<WholeObject> { _ in
            .refused("late")
        } prompt: {
            .allowed(warnings: [$0.uid])
        }
        try await withServer(handler: handler) { server in
            let bytes = (0..<50).map { request(uid: "n\($0)n", $0 == 49 ? "Connection: close\r\n" : "") }.joined()
            let answers = try await server.exchange(bytes)
            let uids = answers.ranges(of: /"warnings":\["n(\d+)n"\]/).map { answers[$0].filter(\.isNumber) }
            #expect(uids == (0..<50).map(String.init))
            #expect(answers.ranges(of: "HTTP/1.1 200 OK").count == 50)
            #expect(answers.ranges(of: "Connection: close").count == 1)
        }
    }

    @Test("a request that comes before the last is answered is not read, and the connection ends with the answer")
    func pipelined() async throws {
        let handler = TestHandler<WholeObject> { request in .allowed(warnings: [request.uid]) }
        try await withServer(handler: handler) { server in
            let answers = try await server.exchange(request(uid: "first") + request(uid: "second"))
            #expect(answers.contains("first") && !answers.contains("second"))
            #expect(answers.contains("Connection: close"))
        }
    }

    @Test(
        "answers what is no review, keeps the connection, and ends it in time if nothing follows",
        arguments: [
            ("POST /nowhere HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 404"),
            ("POST /mutate HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 415"),
            (
                "POST /mutate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 3\r\n\r\nabc",
                "HTTP/1.1 400"
            ),
        ])
    func noReview(_ bytes: String, _ status: String) async throws {
        try await withServer(configure: { $0.connections.headTimeout = .seconds(3) }) { server in
            // The last byte comes alone, after the answer of what needs no body.
            let answers = try await server.exchange(String(bytes.dropLast()), then: String(bytes.suffix(1)))
            #expect(answers.hasPrefix(status))
            let closed = server.metrics.counterTotal(
                label: "admission_webhook_connections_closed_total", dimensions: [("reason", "head_timeout")])
            #expect(closed == 1)
        }
    }

    @Test("ends the connection with the answer to what is no POST")
    func noPOST() async throws {
        try await withServer { server in
            let answer = try await server.exchange("HEAD /mutate HTTP/1.1\r\n\r\n")
            #expect(answer.hasPrefix("HTTP/1.1 405") && answer.contains("Connection: close"))
        }
    }

    @Test("says that it speaks HTTP/1.1 alone", arguments: ["\u{0}\u{1}\r\n\r\n", "POST / HTTP/9.9\r\n\r\n"])
    func noHTTP(_ bytes: String) async throws {
        try await withServer { server in
            let answer = try await server.exchange(bytes)
            #expect(answer.hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("a connection that ends within a body gives back what the body held")
    func cutBody() async throws {
        try await withServer(configure: { $0.arrivingBytesLimit = 100_000 }) { server in
            let padding = String(repeating: " ", count: 60_000)
            for _ in 0..<3 {
                let head = "POST /mutate HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 90000\r\n\r\n"
                let connection = try await server.connectWithTLS()
                try await connection.writeAndFlush(ByteBuffer(string: head + padding))
                try await connection.close()
            }
            try await server.withClient { client in
                var status = HTTPResponse.Status.serviceUnavailable
                // Until the server has seen the ends.
                while status == .serviceUnavailable {
                    status = try await client.send(Array((padding + "x").utf8)).status
                }
                #expect(status == .badRequest)
            }
        }
    }

    @Test("demands a certificate of a known CA, where it is told to")
    func clientCertificates() async throws {
        let known = try ClientCertificate()
        let unknown = try ClientCertificate()
        try await withServer(configure: { try $0.demandCertificates(signedBy: known.authorityPEM, named: "ca.crt") }) {
            server in
            await #expect(throws: (any Error).self) {
                try await server.withClient { _ = try await $0.send(review()) }
            }
            await #expect(throws: (any Error).self) {
                try await server.withClient(configure: { try unknown.present(in: &$0) }) {
                    _ = try await $0.send(review())
                }
            }
            try await server.withClient(configure: { try known.present(in: &$0) }) {
                try await $0.post(review(), expecting: .ok)
            }
        }
        var configuration = AdmissionServer.Configuration()
        #expect(throws: CertificateError.self) {
            try configuration.demandCertificates(signedBy: Array("x".utf8), named: "ca.crt")
        }
    }

    @Test("is probed from within: the handshake tells whether connections are taken")
    func probe() async throws {
        let answers = Atomic(0)
        let silences = Mutex<[String]>([])
        try await withServer { server in
            let probe = ListenerProbe(
                host: "0.0.0.0", port: server.port, onAnswer: { answers.add(1, ordering: .relaxed) },
                onSilence: { reason in silences.withLock { $0.append(reason) } })
            var failures = 0
            await probe.look(&failures)
            #expect(answers.load(ordering: .relaxed) == 1 && failures == 0)
            await server.stop()
            while await server.accepts() {}
            await probe.look(&failures)
            #expect(silences.withLock { $0.isEmpty })
            await probe.look(&failures)
            #expect(silences.withLock { $0.count == 1 && $0[0].contains("127.0.0.1") })
        }
    }

    @Test("answers many connections at once, each review with its own uid")
    func concurrency() async throws {
        try await withServer { server in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for connection in 0..<16 {
                    group.addTask {
                        try await server.withClient { client in
                            for number in 0..<20 {
                                let uid = "\(connection)-\(number)"
                                let answer = try await client.send(review((["request", "uid"], .string(uid))))
                                let body = try #require(answer.body)
                                let json = try JSONValue(parsing: Array(body.readableBytesView))
                                #expect(json["response"]?["uid"]?.string == uid)
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
    }
}

// MARK: - Harness

/// Runs a server on a free port of the loopback interface, and stops it in the end.
private func withServer(
    _ certificate: RotatingCertificate? = nil,
    handler: TestHandler<WholeObject> = TestHandler<WholeObject> { _ in .allowed() },
    configure: (inout AdmissionServer.Configuration) throws -> Void = { _ in },
    _ body: @escaping @Sendable (TestServer) async throws -> Void
) async throws {
    let bundle = try CertificateBundle(for: .test, at: .now, lifetimes: CertificateLifetimes())
    let (ports, port) = AsyncStream.makeStream(of: Int.self)
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let metrics = TestMetrics()
    var configuration = AdmissionServer.Configuration(host: "127.0.0.1", port: 0)
    // Beside a thousand other tests a step may take long that is not the one under test.
    configuration.reviewDeadline = .seconds(60)
    configuration.connections.handshakeTimeout = .seconds(60)
    configuration.connections.headTimeout = .seconds(60)
    configuration.connections.bodyTimeout = .seconds(60)
    try configure(&configuration)
    let server = AdmissionServer(
        configuration: configuration,
        handlers: ["/mutate": handler],
        certificate: try certificate ?? RotatingCertificate(bundle.servingCertificate, metrics: TestMetrics()),
        metrics: metrics,
        logger: logger
    ) { port.yield($0) }
    let services = ServiceGroup(services: [server], logger: logger)
    try await withThrowingTaskGroup(of: Void.self) { group in
        group.addTask {
            try await services.run()
            port.finish()
        }
        if let port = await ports.first(where: { _ in true }) {
            try await body(TestServer(port: port, services: services, bundle: bundle, metrics: metrics))
        }
        await services.triggerGracefulShutdown()
        try await group.waitForAll()
    }
}

private struct TestServer: Sendable {
    let port: Int
    let services: ServiceGroup
    let bundle: CertificateBundle
    let metrics: TestMetrics

    /// A client with one connection, kept alive.
    @discardableResult
    func withClient<Value: Sendable>(
        trusting trusted: CertificateBundle? = nil,
        configure: (inout TLSConfiguration) throws -> Void = { _ in },
        _ body: @escaping @Sendable (TestClient) async throws -> Value
    ) async throws -> Value {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv1
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes((trusted ?? bundle).caBundlePEM))
        try configure(&tls)
        return try await TestClient.withClient(
            host: "127.0.0.1",
            port: port,
            configuration: TestClient.Configuration(tlsConfiguration: tls, serverName: "webhook.lanyard.svc"),
            operation: body)
    }

    func stop() async {
        await services.triggerGracefulShutdown()
    }

    func accepts() async -> Bool {
        let connection = try? await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port).get()
        try? await connection?.close()
        return connection != nil
    }

    /// A connection on which nothing is sent.
    func connect() async throws -> any Channel {
        try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Sends bytes over TLS in one piece or two, and collects what comes back until the server ends the connection.
    func exchange(_ bytes: String, then more: String? = nil) async throws -> String {
        let channel = try await connectWithTLS()
        let collector = AnswerCollector()
        try await channel.pipeline.addHandler(collector).get()
        try await channel.writeAndFlush(ByteBuffer(string: bytes))
        if let more {
            // In a record, and mostly in a segment, of its own.
            try await channel.writeAndFlush(ByteBuffer(string: more))
        }
        try await channel.closeFuture.get()
        return String(buffer: collector.answers.withLock { $0 })
    }

    func connectWithTLS() async throws -> any Channel {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.certificateVerification = .none
        let context = try NIOSSLContext(configuration: tls)
        return try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
    }

    /// Sends bytes without TLS, and ends the connection.
    func send(_ bytes: String) async throws {
        let connection = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connect(host: "127.0.0.1", port: port).get()
        try await connection.writeAndFlush(ByteBuffer(string: bytes))
        try? await connection.close()
    }
}

private final class AnswerCollector: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer

    let answers = Mutex(ByteBuffer())

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        answers.withLock { _ = $0.writeBuffer(&bytes) }
    }
}

/// The bytes of a review's request.
private func request(uid: String, _ header: String = "") -> String {
    let body = String(decoding: review((["request", "uid"], .string(uid))), as: UTF8.self)
    return "POST /mutate HTTP/1.1\r\nContent-Type: application/json\r\n\(header)Content-Length: \(body.utf8.count)"
        + "\r\n\r\n\(body)"
}

extension TestClient {
    fileprivate func send(_ body: [UInt8]) async throws -> TestClient.Response {
        try await post("/mutate", headers: [.contentType: "application/json"], body: ByteBuffer(bytes: body))
    }

    fileprivate func post(
        _ body: [UInt8],
        expecting status: HTTPResponse.Status,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        #expect(try await send(body).status == status, sourceLocation: sourceLocation)
    }
}
