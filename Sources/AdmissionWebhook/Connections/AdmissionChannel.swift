import HummingbirdCore
import Logging
import NIOCore
import NIOHTTPTypes

/// HTTP/1.1 on a connection that is watched by ``ConnectionSteps``. TLS is set up before it.
struct AdmissionChannel: HTTPChannelHandler {
    typealias Value = HTTP1Channel.Value

    let responder: Responder
    private let connections: ConnectionTable

    init(responder: @escaping Responder, connections: ConnectionTable) {
        self.responder = responder
        self.connections = connections
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let steps = ConnectionSteps(channel, in: connections)
        do {
            try channel.pipeline.syncOperations.addHandler(ConnectionBytesHandler(steps))
        } catch {
            return channel.eventLoop.makeFailedFuture(error)
        }
        // The handlers are made on this event loop, at once.
        let requests = NIOLoopBound(ConnectionRequestsHandler(steps), eventLoop: channel.eventLoop)
        let http = HTTP1Channel(
            responder: responder,
            configuration: HTTP1Channel.Configuration(
                additionalChannelHandlers: [requests.value], idleTimeout: TimeAmount(connections.limits.idleTimeout)))
        return http.setup(channel: channel, logger: logger)
    }

    func handle(value: Value, logger: Logger) async {
        await handleHTTP(asyncChannel: value, logger: logger)
    }
}
