import HTTPTypes
import NIOCore
import NIOHTTPTypes
import NIOTLS

/// Follows one connection from step to step, and closes it if a step takes too long. It is used on the connection's event loop
/// alone, by two handlers in its pipeline: one before the requests are decoded, and one after.
final class ConnectionSteps {
    private var progress: ConnectionProgress
    private var timer: Scheduled<Void>?
    private let id: ConnectionTable.ID
    private let table: ConnectionTable
    private let channel: any Channel
    /// The status of the answer that is being written.
    private var status: HTTPResponse.Status?

    init(_ channel: any Channel, in table: ConnectionTable) {
        self.channel = channel
        self.table = table
        id = table.add(channel)
        progress = ConnectionProgress(openedAt: channel.eventLoop.now, limits: table.limits)
        watch()
    }

    private var now: NIODeadline { channel.eventLoop.now }

    // MARK: Steps

    fileprivate func shookHands() {
        progress.shookHands(at: now)
        table.shookHands(id, at: now)
        watch()
    }

    fileprivate func receivedBytes() {
        guard progress.step == .waiting else { return }
        progress.received(at: now)
        watch()
    }

    fileprivate func received(_ part: HTTPRequestPart) {
        switch part {
        case .head: progress.receivedHead(at: now)
        case .body(let bytes): progress.receivedBody(bytes.readableBytes)
        case .end:
            progress.receivedEnd(at: now)
            table.received(id)
        }
        watch()
    }

    fileprivate func writes(_ part: HTTPResponsePart) {
        switch part {
        case .head(let response): status = response.status
        case .body: break
        case .end:
            let isReview = status == .ok
            progress.answered(isReview: isReview, at: now)
            table.answered(id, isReview: isReview, at: now)
            watch()
        }
    }

    fileprivate func closed() {
        timer?.cancel()
        timer = nil
        table.remove(id)
    }

    // MARK: Time

    /// Sees that a timer runs which comes no later than the deadline. One that comes earlier looks again then: a request that
    /// arrives in time sets none.
    private func watch() {
        guard timer == nil, let deadline = progress.deadline else { return }
        timer = channel.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.look() }
    }

    private func look() {
        timer = nil
        guard let delay = progress.delay(at: now) else { return watch() }
        table.note(.init(delay))
        channel.close(mode: .all, promise: nil)
    }
}

/// Sees the handshake, and that bytes arrive.
final class ConnectionBytesHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let steps: ConnectionSteps

    init(_ steps: ConnectionSteps) {
        self.steps = steps
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        if case TLSUserEvent.handshakeCompleted = event { steps.shookHands() }
        context.fireUserInboundEventTriggered(event)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        steps.receivedBytes()
        context.fireChannelRead(data)
    }

    func channelInactive(context: ChannelHandlerContext) {
        steps.closed()
        context.fireChannelInactive()
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        steps.closed()
    }
}

/// Sees requests arrive and answers leave.
final class ConnectionRequestsHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPRequestPart
    typealias InboundOut = HTTPRequestPart
    typealias OutboundIn = HTTPResponsePart
    typealias OutboundOut = HTTPResponsePart

    private let steps: ConnectionSteps

    init(_ steps: ConnectionSteps) {
        self.steps = steps
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        steps.received(unwrapInboundIn(data))
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        steps.writes(unwrapOutboundIn(data))
        context.write(data, promise: promise)
    }
}
