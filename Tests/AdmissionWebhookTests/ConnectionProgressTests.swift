import NIOCore
import Testing

@testable import AdmissionWebhook

@Suite("ConnectionProgress") struct ConnectionProgressTests {
    private static let limits = ConnectionLimits()
    private var progress = ConnectionProgress(openedAt: .seconds(0), limits: limits)

    private func delay(at time: NIODeadline) -> ConnectionProgress.Delay? { progress.delay(at: time) }

    @Test("a handshake has a time of its own")
    func handshake() {
        #expect(delay(at: .milliseconds(4999)) == nil)
        #expect(delay(at: .seconds(5)) == .handshake)
    }

    @Test("who has shaken hands must ask for something, or goes")
    mutating func nothingAsked() {
        progress.shookHands(at: .seconds(4))
        #expect(delay(at: .milliseconds(8999)) == nil)
        #expect(delay(at: .seconds(9)) == .head)
    }

    @Test("a header that comes byte by byte is cut off, on a connection that has had answers, too")
    mutating func drippingHead() {
        answerReview(from: .seconds(1), to: .seconds(2))
        for second in 60..<65 { progress.received(at: .seconds(Int64(second))) }
        #expect(delay(at: .milliseconds(64_999)) == nil)
        #expect(delay(at: .seconds(65)) == .head)
    }

    @Test(
        "a body must come at a least rate, and within a time",
        arguments: [
            // Bytes that have arrived, and when it is too late.
            (0, 1), (16 << 10, 2), (32 << 10, 3), (7 << 20, 5),
        ] as [(Int, Int64)])
    mutating func body(byteCount: Int, second: Int64) {
        progress.shookHands(at: .seconds(10))
        progress.receivedHead(at: .seconds(10))
        progress.receivedBody(byteCount)
        #expect(delay(at: .milliseconds((10 + second) * 1000 - 1)) == nil)
        #expect(delay(at: .seconds(10 + second)) == .body)
    }

    @Test("who waits for an answer has time, and who has had a review answered may be idle for long")
    mutating func proven() {
        progress.shookHands(at: .seconds(1))
        progress.receivedHead(at: .seconds(1))
        progress.receivedEnd(at: .seconds(1))
        #expect(progress.deadline == nil)
        progress.answered(isReview: false, at: .seconds(20))
        #expect(delay(at: .seconds(25)) == .head)
        answerReview(from: .seconds(24), to: .seconds(24))
        #expect(delay(at: .milliseconds(143_999)) == nil)
        #expect(delay(at: .seconds(144)) == .idle)
    }

    @Test("who is answered before the end of the request still has to send the next in time")
    mutating func answeredEarly() {
        progress.shookHands(at: .seconds(0))
        progress.receivedHead(at: .seconds(1))
        progress.answered(isReview: false, at: .seconds(1))
        #expect(delay(at: .seconds(2)) == .body)
        progress.receivedEnd(isAnswered: true, at: .seconds(2))
        #expect(delay(at: .milliseconds(6999)) == nil)
        #expect(delay(at: .seconds(7)) == .head)
    }

    private mutating func answerReview(from begin: NIODeadline, to end: NIODeadline) {
        progress.shookHands(at: begin)
        progress.received(at: begin)
        progress.receivedHead(at: begin)
        progress.receivedEnd(at: begin)
        progress.answered(isReview: true, at: end)
    }
}

extension NIODeadline {
    fileprivate static func seconds(_ count: Int64) -> NIODeadline { .uptimeNanoseconds(UInt64(count) * 1_000_000_000) }
    fileprivate static func milliseconds(_ count: Int64) -> NIODeadline {
        .uptimeNanoseconds(UInt64(count) * 1_000_000)
    }
}
