import Synchronization

/// The time that an operation had is over.
package struct DeadlineExceeded: Error {}

/// Runs an operation, and cancels it if it takes longer than it may.
///
/// An operation that never waits costs one child task and no timer: it begins on the spot, and whether it has ended is known
/// before a timer would be set.
///
/// - Throws: what the operation throws, or ``DeadlineExceeded`` once a cancelled operation has returned.
package func withDeadline<Result: Sendable>(
    _ limit: Duration,
    clock: any Clock<Duration>,
    _ operation: @escaping @Sendable () async throws -> Result
) async throws -> Result {
    try await withThrowingTaskGroup(of: Result.self) { group in
        let progress = Progress()
        group.addImmediateTask {
            defer { progress.hasEnded.store(true, ordering: .releasing) }
            return try await operation()
        }
        if !progress.hasEnded.load(ordering: .acquiring) {
            group.addTask {
                try await clock.sleep(for: limit, tolerance: nil)
                throw DeadlineExceeded()
            }
        }
        defer { group.cancelAll() }
        guard let result = try await group.next() else { throw CancellationError() }
        return result
    }
}

private final class Progress: Sendable {
    let hasEnded = Atomic(false)
}
