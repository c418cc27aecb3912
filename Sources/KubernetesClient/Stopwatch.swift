/// Time since a moment, on a clock that tests can replace. State machines then compare plain durations.
package struct Stopwatch: Sendable {
    private let read: @Sendable () -> Duration
    private let wait: @Sendable (Duration) async throws -> Void

    /// Starts now.
    package init(_ clock: any Clock<Duration>) {
        self = Stopwatch(on: clock)
    }

    private init(on clock: some Clock<Duration>) {
        let start = clock.now
        read = { start.duration(to: clock.now) }
        wait = { try await clock.sleep(for: $0) }
    }

    package var elapsed: Duration { read() }

    /// Throws a `CancellationError` if the task is cancelled.
    package func sleep(for duration: Duration) async throws {
        try await wait(duration)
    }
}
