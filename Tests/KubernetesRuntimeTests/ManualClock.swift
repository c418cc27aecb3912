import Synchronization

/// A clock that goes on only when it is told to.
final class ManualClock: Clock {
    struct Instant: InstantProtocol {
        var offset = Duration.zero

        func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }
        func duration(to other: Instant) -> Duration { other.offset - offset }
        static func < (left: Instant, right: Instant) -> Bool { left.offset < right.offset }
    }

    private struct Sleeper {
        var deadline: Instant
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now = Instant()
        var lastSleeper = 0
        var sleepers: [Int: Sleeper] = [:]
    }

    private let state = Mutex(State())

    var now: Instant { state.withLock { $0.now } }
    var minimumResolution: Duration { .zero }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let id = state.withLock { state in
            state.lastSleeper += 1
            return state.lastSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result: Result<Void, any Error>? = state.withLock { state in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if deadline <= state.now { return .success(()) }
                    state.sleepers[id] = Sleeper(deadline: deadline, continuation: continuation)
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
    }

    func advance(by duration: Duration) {
        let due = state.withLock { state in
            state.now = state.now.advanced(by: duration)
            let due = state.sleepers.filter { $0.value.deadline <= state.now }
            for id in due.keys { state.sleepers[id] = nil }
            return due.values
        }
        for sleeper in due { sleeper.continuation.resume() }
    }

    var sleeperCount: Int {
        state.withLock { $0.sleepers.count }
    }

    /// How much longer the first of those who sleep will.
    var earliestDeadline: Duration? {
        state.withLock { state in
            state.sleepers.values.map { state.now.duration(to: $0.deadline) }.min()
        }
    }

    /// Waits until somebody sleeps, and returns how much longer the first of them will.
    func nextDeadline() async -> Duration {
        while true {
            if let earliestDeadline { return earliestDeadline }
            await Task.yield()
        }
    }

    /// Goes on to the moment when the first sleeper wakes up.
    func advanceToNextDeadline() async {
        advance(by: await nextDeadline())
    }

    /// Goes on from deadline to deadline until something is so.
    func advanceUntil(_ condition: () -> Bool) async {
        while !condition() {
            await Task.yield()
            if let earliestDeadline { advance(by: earliestDeadline) }
        }
    }
}

/// Waits until something is so, which is checked again whenever other tasks have had their turn.
func eventually(_ condition: () -> Bool) async {
    while !condition() { await Task.yield() }
}
