import NIOCore
import NIOHTTP1

/// The requests of one connection and their answers, in turn.
///
/// API servers send a request when they have the answer to the last. What comes earlier all the same is not read, and the
/// connection ends with the answer that is due.
final class AdmissionExchanges: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = PendingReview
    typealias OutboundIn = Answer
    typealias OutboundOut = HTTPServerResponsePart

    private enum State {
        case waiting
        /// A body arrives.
        case receiving(IncomingReview)
        /// The request is answered already, and the rest of it is of no use.
        case skipping
        /// The body is complete, and the batch's turn is waited for.
        case complete(IncomingReview)
        /// The request is complete, and its answer is waited for.
        case pending
        /// Nothing is read any more.
        case closing
    }

    private var state = State.waiting
    /// Whether the next answer is the last.
    private var isEnding = false
    private let steps: ConnectionSteps
    private let responder: AdmissionResponder
    private let batch: ReviewBatch
    /// While it is in a pipeline.
    private var context: ChannelHandlerContext?

    init(_ steps: ConnectionSteps, _ responder: AdmissionResponder, in batch: ReviewBatch) {
        self.steps = steps
        self.responder = responder
        self.batch = batch
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        abandon()
        self.context = nil
    }

    // MARK: Requests

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): receive(head, context)
        case .body(let bytes): receive(bytes, context)
        case .end: receiveEnd(context)
        }
    }

    private func receive(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        answerIfComplete()
        guard case .waiting = state else {
            isEnding = true
            return
        }
        if !head.isKeepAlive { isEnding = true }
        steps.receivedHead()
        switch responder.open(head, from: steps.isProven ? .known : .unknown) {
        case .review(let review): state = .receiving(review)
        case .answer(let answer):
            state = .skipping
            send(answer, context)
        }
    }

    private func receive(_ bytes: ByteBuffer, _ context: ChannelHandlerContext) {
        switch state {
        case .complete, .pending: return
        case .waiting, .receiving, .skipping, .closing: steps.receivedBody(bytes.readableBytes)
        }
        guard case .receiving(var review) = state else { return }
        // So that there is one owner of the bytes, and they are not copied.
        state = .skipping
        if let answer = responder.receive(bytes, of: &review) {
            send(answer, context)
        } else {
            state = .receiving(review)
        }
    }

    private func receiveEnd(_ context: ChannelHandlerContext) {
        switch state {
        case .waiting, .complete, .pending, .closing: return
        case .skipping:
            steps.receivedEnd(isAnswered: true)
            state = .waiting
            if isEnding { close(context) }
        case .receiving(let review):
            steps.receivedEnd(isAnswered: false)
            state = .complete(review)
            batch.add(self)
        }
    }

    /// Without its batch, for more came in the same piece.
    private func answerIfComplete() {
        if case .complete = state { send(reply()) }
    }

    /// The answer to the review that is complete, if there is one; it has to be sent then.
    func reply() -> AdmissionResponder.Reply? {
        guard case .complete(let review) = state else { return nil }
        state = .pending
        return responder.reply(to: review)
    }

    func send(_ reply: AdmissionResponder.Reply?) {
        guard let context, case .pending = state else { return }
        switch reply {
        case nil: return
        case .answer(let answer): send(answer, context)
        case .pending(let review):
            steps.waits()
            context.fireChannelRead(wrapInboundOut(review))
            // Whoever answers is given nothing before.
            context.fireChannelReadComplete()
        }
    }

    // MARK: Answers

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        send(unwrapOutboundIn(data), context, promise)
    }

    private func send(_ answer: Answer, _ context: ChannelHandlerContext, _ promise: EventLoopPromise<Void>? = nil) {
        if case .closing = state {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        let answer = isEnding ? answer.endingConnection() : answer
        if answer.endsConnection { isEnding = true }
        let head = HTTPResponseHead(version: .http1_1, status: answer.status, headers: answer.headers)
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
        steps.answered(isReview: answer.status == .ok)
        // Who is still sending would not read the answer if the connection were closed now.
        guard case .pending = state else { return }
        state = .waiting
        if isEnding { close(context) }
    }

    // MARK: The end

    private func close(_ context: ChannelHandlerContext) {
        abandon()
        context.close(promise: nil)
    }

    private func abandon() {
        switch state {
        case .receiving(let review), .complete(let review): responder.abandon(review)
        case .waiting, .skipping, .pending, .closing: break
        }
        state = .closing
    }

    /// After what is being asked, or now.
    private func endSoon(_ context: ChannelHandlerContext) {
        isEnding = true
        if case .waiting = state { close(context) }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case is ChannelShouldQuiesceEvent: endSoon(context)
        case ChannelEvent.inputClosed:
            switch state {
            case .complete, .pending: endSoon(context)
            // A body that ends too early never ends.
            case .waiting, .receiving, .skipping, .closing: close(context)
            }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        answerIfComplete()
        guard error is HTTPParserError, case .waiting = state else { return close(context) }
        state = .pending
        isEnding = true
        send(Rejection.notHTTP.answer, context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        abandon()
        context.fireChannelInactive()
    }
}
