import Testing

@testable import KubernetesRuntime

@Suite struct RateLimitTests {
    @Test("a few turns are free at once, the others come at the rate, and no more are saved up than a few")
    func spreadsTurns() {
        var bucket = TokenBucket(burst: 3, interval: .seconds(1))
        #expect((0..<5).map { _ in bucket.take(at: .zero) } == [0, 0, 0, 1, 2].map { .seconds($0) })
        #expect((0..<4).map { _ in bucket.take(at: .seconds(100)) } == [0, 0, 0, 1].map { .seconds($0) })
    }

    @Test("a turn is waited for, and the wait can be cancelled")
    func waits() async throws {
        let clock = ManualClock()
        let limit = RateLimit(burst: 1, every: .seconds(1), clock: clock)
        try await limit.wait()
        let task = Task { try await limit.wait() }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}
