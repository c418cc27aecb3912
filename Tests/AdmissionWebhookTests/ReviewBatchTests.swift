import JSON
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Synchronization
import Testing

@testable import AdmissionWebhook

@Suite(.timeLimit(.minutes(1))) struct ReviewBatchTests {
    private let loop = EmbeddedEventLoop()
    private let batches = ReviewBatches()
    private let asked = Asked()
    private let responder: ResponderHarness

    private final class Asked: Sendable {
        private let uids = Mutex<[String]>([])
        func note(_ uid: String) { uids.withLock { $0.append(uid) } }
        var all: [String] { uids.withLock(\.self) }
    }

    init() {
        responder = ResponderHarness(
            prompt: { [asked] request in
                asked.note(request.uid)
                return .allowed(warnings: [request.uid])
            })
    }

    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(loop: loop)
        let table = ConnectionTable(limits: ConnectionLimits(), metrics: responder.metrics)
        try channel.pipeline.syncOperations.addHandler(
            AdmissionExchanges(ConnectionSteps(channel, in: table), responder.responder, in: batches.batch(on: loop)))
        return channel
    }

    private func send(_ uid: String, to channel: EmbeddedChannel) throws {
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/mutate", headers: ["Content-Type": "application/json"])
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        try channel.writeInbound(
            HTTPServerRequestPart.body(ByteBuffer(bytes: review((["request", "uid"], .string(uid))))))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
    }

    /// The answers that left, as text: status and body.
    private func answers(from channel: EmbeddedChannel) throws -> String {
        var text = ""
        while let part = try channel.readOutbound(as: HTTPServerResponsePart.self) {
            switch part {
            case .head(let head): text += "\(head.status.code) "
            case .body(.byteBuffer(let bytes)): text += String(buffer: bytes)
            default: break
            }
        }
        return text
    }

    @Test(
        "reviews that are complete in one tick are answered after all was read, each on its connection",
        arguments: [1, 40])
    func together(count: Int) throws {
        let channels = try (0..<count).map { _ in try connection() }
        for (index, channel) in channels.enumerated() { try send("n\(index)n", to: channel) }
        #expect(asked.all.isEmpty)
        loop.run()
        #expect(asked.all == (0..<count).map { "n\($0)n" })
        for (index, channel) in channels.enumerated() { #expect(try answers(from: channel).contains("n\(index)n")) }
        // And the next ones on the same connections.
        for channel in channels { try send("again", to: channel) }
        loop.run()
        for channel in channels { #expect(try answers(from: channel).contains("again")) }
        #expect(responder.outcomes == ["allowed": Int64(2 * count)])
    }

    @Test("a connection that ends before its turn is asked nothing, and its review gives back what it held")
    func ends() throws {
        let gone = try connection()
        let other = try connection()
        try send("gone", to: gone)
        try send("other", to: other)
        _ = try gone.finish(acceptAlreadyClosed: true)
        loop.run()
        #expect(asked.all == ["other"])
        #expect(try answers(from: other).contains("other"))
        #expect(responder.outcomes == ["allowed": 1, "failed": 1])
    }

    @Test("what is no HTTP after a complete request does not lose its answer")
    func noHTTP() throws {
        let channel = try connection()
        try send("first", to: channel)
        channel.pipeline.fireErrorCaught(HTTPParserError.invalidMethod)
        loop.run()
        let text = try answers(from: channel)
        #expect(text.hasPrefix("200 ") && text.contains("first") && text.contains("400 "))
        #expect(asked.all == ["first"])
    }
}
