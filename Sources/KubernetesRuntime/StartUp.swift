internal import KubernetesClient
public import Logging

/// Asks an API server for what a program cannot start without, until it answers or the time for all of it is over.
///
/// Only what may pass by itself is asked again: no connection, no answer in time, 429 and 5xx. A definite answer ends the start
/// at once; but a 403 only when it has lasted, since an API server that has just started refuses everybody until it has read
/// its roles.
public struct StartUp: Sendable {
    /// The start took too long. The description ends with what was wrong last.
    public struct TimeOver: Error, CustomStringConvertible {
        public var limit: Duration
        public var cause: any Error

        public var description: String { "the API server could not be worked with within \(limit): \(cause)" }
    }

    private let limit: Duration
    private let logger: Logger
    private let stopwatch: Stopwatch

    /// How long the first attempt may take. Later ones may take longer, should the server be no more than slow.
    private static let firstPatience = Duration.seconds(5)

    /// How long 403 may be the answer. What an API server needs to read its roles takes seconds.
    private static let patienceWhenForbidden = Duration.seconds(15)

    /// The time begins now.
    ///
    /// - Parameter limit: for everything that is asked together.
    public init(limit: Duration, logger: Logger, clock: any Clock<Duration> = .continuous) {
        self.limit = limit
        self.logger = logger
        stopwatch = Stopwatch(clock)
    }

    /// - Parameter body: may be called several times, and is cancelled when an attempt takes too long.
    /// - Throws: what `body` throws that is definite, a ``TimeOver``, or a `CancellationError`.
    public func answer<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
        var backoff = Backoff(initial: .milliseconds(250), maximum: .seconds(5), jitter: 0.5)
        var patience = Self.firstPatience
        var endWhenForbidden: Duration?
        while true {
            do {
                return try await attempt(within: patience, body)
            } catch let error as KubernetesError where Self.mayPass(error) {
                let pause = max(backoff.next(chance: .chance), error.retryAfter ?? .zero)
                if error.isForbidden {
                    let end = endWhenForbidden ?? stopwatch.elapsed + Self.patienceWhenForbidden
                    guard stopwatch.elapsed + pause < end else { throw error }
                    endWhenForbidden = end
                } else {
                    // It may have started again.
                    endWhenForbidden = nil
                }
                guard stopwatch.elapsed + pause < limit else { throw TimeOver(limit: limit, cause: error) }
                logger.warning("the API server cannot be worked with yet", error: error)
                try await stopwatch.sleep(for: pause)
                patience = min(patience * 2, limit)
            }
        }
    }

    /// 401 is no passing failure here: other credentials have been tried by then, if there are any.
    private static func mayPass(_ error: KubernetesError) -> Bool {
        error.isRetryable && !error.isUnauthorized || error.isForbidden
    }

    private func attempt<Value: Sendable>(
        within patience: Duration, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let time = min(patience, max(.milliseconds(100), limit - stopwatch.elapsed))
        return try await withThrowingTaskGroup(of: Value.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask { [stopwatch] in
                try await stopwatch.sleep(for: time)
                throw KubernetesError(.timedOut, operation: "start", message: "no complete answer within \(time)")
            }
            guard let value = try await group.next() else { throw CancellationError() }
            return value
        }
    }
}
