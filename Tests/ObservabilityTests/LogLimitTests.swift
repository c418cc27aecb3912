import Logging
import Testing

@testable import Observability

@Suite("LogLimit") struct LogLimitTests {
    private let limit = LogLimit(burst: 3, perSecond: 2)
    private let start = ContinuousClock.now

    private func admit(_ message: String, _ level: Logger.Level = .info, after time: Duration = .zero) -> Int? {
        limit.admit(level, message, at: start + time)
    }

    @Test("writes a burst at once and then so many a second, and tells how many were not written")
    func bounds() {
        #expect((0..<5).map { _ in admit("a") } == [0, 0, 0, nil, nil])
        #expect(admit("a", after: .milliseconds(400)) == nil)
        #expect(admit("a", after: .milliseconds(500)) == 3)
        #expect(admit("a", after: .milliseconds(501)) == nil)
        // However long nothing is said, no more than a burst is saved up.
        #expect((0..<4).map { _ in admit("a", after: .seconds(3600)) } == [1, 0, 0, nil])
    }

    @Test("takes lines of another message or level for another kind, and leaves debug alone")
    func kinds() {
        for _ in 0..<10 { _ = admit("a") }
        #expect(admit("b") == 0)
        #expect(admit("a", .warning) == 0)
        #expect((0..<1000).allSatisfy { _ in admit("a", .debug) == 0 })
    }

    @Test("takes all messages beyond a number for one kind, so that it does not grow")
    func manyKinds() {
        for number in 0..<256 { #expect(admit("\(number)") == 0) }
        #expect((256..<300).filter { admit("\($0)") != nil }.count == 3)
        #expect(admit("7") == 0)
    }

    @Test("is not confused by a clock that goes back")
    func clock() {
        for _ in 0..<3 { _ = admit("a", after: .seconds(10)) }
        #expect(admit("a", after: .zero) == nil)
    }
}
