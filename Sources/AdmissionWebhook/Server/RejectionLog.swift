import Logging
import NIOHTTP1
import Synchronization

/// Logs reviews that were rejected before anybody was asked: the first of a kind, and later how many more there were.
///
/// Whoever reaches the port can cause them, so they are never above `notice`, and a flood of them is a line now and then.
final class RejectionLog: Sendable {
    private struct Kind: Hashable {
        var path: String
        var status: Int
    }

    private struct Period {
        var begin: ContinuousClock.Instant
        /// Rejected since, and not logged.
        var count = 0
    }

    private static let period = Duration.seconds(10)

    private let logger: Logger
    private let periods = Mutex<[Kind: Period]>([:])

    init(_ logger: Logger) {
        self.logger = logger
    }

    /// - Parameter path: one of those that have a handler, so that there are few kinds.
    func note(_ rejection: Rejection, at path: String, _ now: ContinuousClock.Instant = .now) {
        let kind = Kind(path: path, status: Int(rejection.status.code))
        let unlogged: Int? = periods.withLock { periods in
            guard let period = periods[kind], now < period.begin + Self.period else {
                let unlogged = periods[kind]?.count ?? 0
                periods[kind] = Period(begin: now)
                return unlogged
            }
            periods[kind]?.count += 1
            return nil
        }
        guard let unlogged else { return }
        logger.notice(
            "admission review rejected",
            metadata: [
                "webhook.path": "\(path)", "status": "\(rejection.status.code)", "reason": "\(rejection.reason)",
                "rejections.unlogged": "\(unlogged)",
            ])
    }
}
