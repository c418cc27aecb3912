import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// An HTTP server on a loopback port that answers by a script.
final class LocalServer: Sendable {
    struct Request: Sendable {
        var target: String
        var headers: HTTPHeaders
        var body = ""
    }

    enum Answer: Sendable {
        case body(String, status: HTTPResponseStatus = .ok)

        /// Closes the connection without a word.
        case close

        /// Says that more will come than does, and closes the connection.
        case breakOff(String)
    }

    private let channel: any Channel
    private let received: Received

    /// What has been asked so far.
    private final class Received: Sendable {
        let requests = Mutex<[Request]>([])
    }

    private let scheme: String

    /// - Parameters:
    ///   - identity: the server's certificate, for HTTPS.
    ///   - script: is told each request, and how many there were before it.
    init(
        _ identity: SelfSigned? = nil, _ script: @escaping @Sendable (Request, Int) -> Answer
    ) async throws {
        let received = Received()
        self.received = received
        scheme = identity == nil ? "http" : "https"
        let tls = try identity.map { try NIOSSLContext(configuration: $0.serverConfiguration) }
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(
                        Handler { request in
                            let count = received.requests.withLock { requests in
                                requests.append(request)
                                return requests.count - 1
                            }
                            return script(request, count)
                        })
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }

    var url: String { "\(scheme)://127.0.0.1:\(channel.localAddress?.port ?? 0)" }
    var requests: [Request] { received.requests.withLock { $0 } }

    func close() async throws {
        try await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: (Request) -> Answer
        private var request: Request?

        init(_ answer: @escaping (Request) -> Answer) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): request = Request(target: head.uri, headers: head.headers)
            case .body(let bytes): request?.body += String(buffer: bytes)
            case .end:
                guard let request else { return }
                write(answer(request), context)
            }
        }

        private func write(_ answer: Answer, _ context: ChannelHandlerContext) {
            switch answer {
            case .body(let text, let status):
                write(text, length: text.utf8.count, status, context)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            case .close:
                context.close(promise: nil)
            case .breakOff(let text):
                write(text, length: text.utf8.count + 1, .ok, context)
                context.flush()
                context.close(promise: nil)
            }
        }

        private func write(
            _ text: String, length: Int, _ status: HTTPResponseStatus, _ context: ChannelHandlerContext
        ) {
            let headers = HTTPHeaders([("Content-Length", String(length)), ("Retry-After", "3")])
            let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        }
    }
}
