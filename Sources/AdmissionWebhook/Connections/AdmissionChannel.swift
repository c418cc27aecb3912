import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1

/// HTTP/1.1 on one connection, from its event loop: ``AdmissionExchanges`` answers what it can there, and passes on what has to
/// wait. TLS is set up before it.
struct AdmissionChannel: ServerChildChannel {
    typealias Value = NIOAsyncChannel<PendingReview, Answer>

    let responder: AdmissionResponder
    let connections: ConnectionTable
    private let batches = ReviewBatches()

    init(responder: AdmissionResponder, connections: ConnectionTable) {
        self.responder = responder
        self.connections = connections
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        channel.eventLoop.makeCompletedFuture {
            let steps = ConnectionSteps(channel, in: connections)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(ConnectionBytesHandler(steps))
            // What is sent in the headers is written here, and nothing of it comes from outside.
            try pipeline.configureHTTPServerPipeline(
                withPipeliningAssistance: false, withErrorHandling: false, withOutboundHeaderValidation: false)
            try pipeline.addHandler(AdmissionExchanges(steps, responder, in: batches.batch(on: channel.eventLoop)))
            return try NIOAsyncChannel(wrappingChannelSynchronously: channel)
        }
    }

    /// Answers what has to wait. There is one such review on a connection at a time.
    func handle(value: Value, logger: Logger) async {
        do {
            try await value.executeThenClose { reviews, answers in
                for try await review in reviews { try await answers.write(responder.answer(to: review)) }
            }
        } catch {
            logger.trace("a connection broke: \(error)")
        }
    }
}
