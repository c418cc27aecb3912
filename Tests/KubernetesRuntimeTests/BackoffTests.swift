import Testing

@testable import KubernetesRuntime

@Suite("Backoff")
struct BackoffTests {
    @Test("doubles up to its maximum, for as long as there are failures")
    func doubles() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        let waits = (0..<100).map { _ in backoff.next() }
        #expect(waits.prefix(6) == [.seconds(1), .seconds(2), .seconds(4), .seconds(8), .seconds(16), .seconds(30)])
        #expect(waits.dropFirst(6).allSatisfy { $0 == .seconds(30) })
    }

    @Test("starts again after a success")
    func resets() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30))
        _ = backoff.next()
        _ = backoff.next()
        backoff.reset()
        #expect(backoff.next() == .seconds(1))
    }

    @Test("is lengthened by chance")
    func jitters() {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(30), jitter: 1)
        #expect(backoff.next(chance: 0.5) == .seconds(1.5))
        #expect(backoff.next(chance: 1) == .seconds(4))
    }
}
