import NIOCore
import NIOTLS

/// Follows one connection from step to step, and closes it if a step takes too long. It is used on the connection's event loop
/// alone, by two handlers in its pipeline: one before the requests are decoded, and one after.
final class ConnectionSteps {
    private var progress: ConnectionProgress
    private var timer: (deadline: NIODeadline, task: Scheduled<Void>)?
    /// Whether the connection has ended, or is being closed for what took too long.
    private var isOver = false
    private let id: ConnectionTable.ID
    private let table: ConnectionTable
    private let channel: any Channel

    init(_ channel: any Channel, in table: ConnectionTable) {
        self.channel = channel
        self.table = table
        id = table.add(channel)
        progress = ConnectionProgress(openedAt: channel.eventLoop.now, limits: table.limits)
        watch()
    }

    private var now: NIODeadline { channel.eventLoop.now }

    /// Whether a review has been answered.
    var isProven: Bool { progress.isProven }

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

    func receivedHead() {
        progress.receivedHead(at: now)
        watch()
    }

    func receivedBody(_ byteCount: Int) {
        progress.receivedBody(byteCount)
        watch()
    }

    /// - Parameter isAnswered: whether the answer has left before.
    func receivedEnd(isAnswered: Bool) {
        progress.receivedEnd(isAnswered: isAnswered, at: now)
    }

    /// The answer has to be waited for.
    func waits() { table.received(id) }

    /// - Parameter isReview: whether it was a whole review that was answered.
    func answered(isReview: Bool) {
        progress.answered(isReview: isReview, at: now)
        table.answered(id, isReview: isReview, at: now)
        watch()
    }

    fileprivate func closed() {
        isOver = true
        timer?.task.cancel()
        timer = nil
        table.remove(id)
    }

    // MARK: Time

    /// Sees that a timer runs which comes no later than the deadline. One that comes earlier looks again then: most requests
    /// set none.
    private func watch() {
        guard !isOver, let deadline = progress.deadline else { return }
        if let timer {
            guard deadline < timer.deadline else { return }
            timer.task.cancel()
        }
        let task = channel.eventLoop.assumeIsolated().scheduleTask(deadline: deadline) { self.look() }
        timer = (deadline, task)
    }

    private func look() {
        timer = nil
        guard let delay = progress.delay(at: now) else { return watch() }
        isOver = true
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
