import HTTPTypes
import NIOCore
import NIOEmbedded
import NIOHTTPTypes
import Testing

@testable import AdmissionWebhook

@Suite("RequestReadTimeout") struct RequestReadTimeoutTests {
    private static let head = HTTPRequestPart.head(
        HTTPRequest(method: .post, scheme: nil, authority: nil, path: "/mutate"))
    private static let byte = HTTPRequestPart.body(ByteBuffer(string: "{"))

    @Test("closes a connection whose request comes byte by byte")
    func trickle() throws {
        let channel = try connectedChannel()
        try channel.writeInbound(Self.head)
        for _ in 0..<4 {
            channel.embeddedEventLoop.advanceTime(by: .seconds(1))
            try channel.writeInbound(Self.byte)
        }
        #expect(channel.isActive)
        channel.embeddedEventLoop.advanceTime(by: .seconds(1))
        #expect(!channel.isActive)
    }

    @Test("leaves a connection alone between requests, and while one is answered")
    func complete() throws {
        let channel = try connectedChannel()
        for _ in 0..<3 {
            try channel.writeInbound(Self.head)
            channel.embeddedEventLoop.advanceTime(by: .seconds(4))
            try channel.writeInbound(Self.byte)
            try channel.writeInbound(HTTPRequestPart.end(nil))
            channel.embeddedEventLoop.advanceTime(by: .seconds(60))
            #expect(channel.isActive)
        }
        _ = try channel.finish()
    }

    @Test("forgets a connection that is closed")
    func closed() throws {
        let loop = EmbeddedEventLoop()
        weak var forgotten: RequestReadTimeout?
        do {
            let timeout = RequestReadTimeout(.seconds(5))
            forgotten = timeout
            let channel = EmbeddedChannel(handler: timeout, loop: loop)
            try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
            try channel.writeInbound(Self.head)
            channel.close(promise: nil)
            loop.run()
        }
        // A timer that is still set would hold it.
        withExtendedLifetime(loop) { #expect(forgotten == nil) }
    }

    private func connectedChannel() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel(handler: RequestReadTimeout(.seconds(5)))
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        return channel
    }
}
