import Testing

@testable import AdmissionWebhook

@Suite("withDeadline", .timeLimit(.minutes(5))) struct DeadlineTests {
    @Test("sets no timer for what never waits")
    func immediate() async throws {
        let result = try await withDeadline(.seconds(1), clock: ForbiddenClock()) { 7 }
        #expect(result == 7)
    }

    @Test("throws what the operation throws")
    func failure() async {
        await #expect(throws: TestError.self) {
            try await withDeadline(.seconds(1), clock: ForbiddenClock()) { throw TestError() }
        }
    }

    @Test("returns what comes in time, and forgets the timer")
    func inTime() async throws {
        let result = try await withDeadline(.seconds(3600), clock: .continuous) {
            await Task.yield()
            return 7
        }
        #expect(result == 7)
    }

    @Test("is cancelled with its task")
    func cancelled() async {
        let task = Task {
            try await withDeadline(.seconds(3600), clock: .continuous) { try await Task.sleep(for: .seconds(3600)) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }
}

/// A clock that nobody may look at.
private struct ForbiddenClock: Clock {
    typealias Instant = ContinuousClock.Instant
    var now: Instant { .now }
    var minimumResolution: Duration { .nanoseconds(1) }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        Issue.record("a timer was set")
    }
}
