internal import KubernetesClient
internal import Synchronization

/// Bounds how often something is done: a few times at once, and then at a rate.
public final class RateLimit: Sendable {
    private let bucket: Mutex<TokenBucket>
    private let stopwatch: Stopwatch

    /// - Parameters:
    ///   - burst: how many times at once, after a while of nothing.
    ///   - interval: the time between one and the next, once those are used up.
    public init(burst: Int, every interval: Duration, clock: any Clock<Duration> = .continuous) {
        bucket = Mutex(TokenBucket(burst: burst, interval: interval))
        stopwatch = Stopwatch(clock)
    }

    /// Waits for its turn.
    ///
    /// - Throws: a `CancellationError` if the task is cancelled. The turn is lost then.
    public func wait() async throws {
        let delay = bucket.withLock { $0.take(at: stopwatch.elapsed) }
        if delay > .zero { try await stopwatch.sleep(for: delay) }
    }
}

/// Turns that become free at a rate, and of which a few may be saved up. A value: no locks, no time of its own.
struct TokenBucket {
    private let interval: Duration

    /// How far the next turn may lie in the past.
    private let savings: Duration

    /// When the next turn is due, if none has been saved up.
    private var next: Duration

    init(burst: Int, interval: Duration) {
        self.interval = interval
        savings = interval * (max(burst, 1) - 1)
        next = .zero - savings
    }

    /// Takes a turn.
    ///
    /// - Returns: how long to wait for it.
    mutating func take(at now: Duration) -> Duration {
        let turn = max(next, now - savings)
        next = turn + interval
        return max(turn - now, .zero)
    }
}
