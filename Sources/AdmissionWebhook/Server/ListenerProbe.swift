import NIOCore
import NIOPosix
import NIOSSL
import NIOTLS
public import ServiceLifecycle

/// Connects to the server from within, again and again, to find out whether an API server could: a listener may be up and take
/// no connection.
///
/// It ends with the TLS handshake. A server that is slow to review is no better for being taken out of the Service; another
/// replica's is, if this one cannot be talked to at all.
public struct ListenerProbe: Service {
    private static let interval = Duration.seconds(5)
    private static let timeout = TimeAmount.seconds(3)
    /// One may be unlucky.
    private static let failuresToDistrust = 2

    private let host: String
    private let port: Int
    private let clock: any Clock<Duration>
    private let onAnswer: @Sendable () -> Void
    private let onSilence: @Sendable (_ reason: String) -> Void

    /// - Parameters:
    ///   - host: where the server listens. Where it listens on all addresses, that of this machine is tried.
    ///   - onAnswer: called after each handshake.
    ///   - onSilence: called with the reason after each failure but the first of a row.
    public init(
        host: String, port: Int, clock: any Clock<Duration> = .continuous, onAnswer: @escaping @Sendable () -> Void,
        onSilence: @escaping @Sendable (_ reason: String) -> Void
    ) {
        // What listens on "::" takes IPv4, too, and of loopback addresses that one is there where IPv6 is switched off.
        self.host = ["0.0.0.0", "::"].contains(host) ? "127.0.0.1" : host
        self.port = port
        self.clock = clock
        self.onAnswer = onAnswer
        self.onSilence = onSilence
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            while (try? await clock.sleep(for: Self.interval, tolerance: nil)) != nil {
                await look(&failures)
            }
        }
    }

    /// - Parameter failures: how many there were in a row.
    func look(_ failures: inout Int) async {
        do {
            try await shakeHands()
            failures = 0
            onAnswer()
        } catch {
            failures += 1
            guard failures >= Self.failuresToDistrust, !Task.isCancelled else { return }
            onSilence("no TLS handshake with \(host):\(port) in \(failures) tries: \(error)")
        }
    }

    private func shakeHands() async throws {
        var tls = TLSConfiguration.makeClientConfiguration()
        // Whose certificate is shown, and who trusts it, is looked at elsewhere.
        tls.certificateVerification = .none
        let context = try NIOSSLContext(configuration: tls)
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .connectTimeout(Self.timeout)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(
                        NIOSSLClientHandler(context: context, serverHostname: nil))
                    try channel.pipeline.syncOperations.addHandler(
                        HandshakeWaiter(channel.eventLoop.makePromise(), within: Self.timeout))
                }
            }
            .connect(host: host, port: port).get()
        defer { channel.close(mode: .all, promise: nil) }
        try await channel.pipeline.handler(type: HandshakeWaiter.self).map(\.handshake).flatMap { $0 }.get()
    }
}

/// Tells when the handshake of a connection has ended, or that it has not.
private final class HandshakeWaiter: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    enum Failure: Error, CustomStringConvertible {
        case timedOut(TimeAmount)
        case closed

        var description: String {
            switch self {
            case .timedOut(let limit): "it did not end within \(limit.nanoseconds / 1_000_000_000) s"
            case .closed: "the connection was closed"
            }
        }
    }

    private let promise: EventLoopPromise<Void>
    private let limit: TimeAmount

    var handshake: EventLoopFuture<Void> { promise.futureResult }

    init(_ promise: EventLoopPromise<Void>, within limit: TimeAmount) {
        self.promise = promise
        self.limit = limit
    }

    func handlerAdded(context: ChannelHandlerContext) {
        context.eventLoop.scheduleTask(in: limit) { [promise, limit] in promise.fail(Failure.timedOut(limit)) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { promise.succeed() }
        context.fireUserInboundEventTriggered(event)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        promise.fail(error)
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(Failure.closed)
    }
}
