import Logging
import Synchronization

/// Bounds how many lines of a kind are written, so that nobody can fill a disk by what he makes happen.
///
/// Lines are of one kind if they have the same level and message; what tells them apart stands in their metadata. Of each
/// kind a burst is written at once, and then so many a second; the next line that is written says how many were not. This is
/// for levels from `info` up: who asks for `debug` asks for all of it.
public final class LogLimit: Sendable {
    private struct Kind: Hashable {
        var level: Logger.Level
        /// Empty for all that came when there were too many kinds.
        var message: String
    }

    private struct Budget {
        var lines: Double
        var refilled: ContinuousClock.Instant
        /// Not written since the last one that was.
        var unlogged = 0
    }

    /// Messages are literals of the program's, so there are fewer.
    private static let mostKinds = 256

    private let burst: Double
    private let rate: Double
    private let budgets = Mutex<[Kind: Budget]>([:])

    /// - Parameters:
    ///   - burst: how many lines of a kind at once. The default is a rollout of a large cluster.
    ///   - rate: how many a second after that.
    public init(burst: Int = 1000, perSecond rate: Int = 50) {
        self.burst = Double(max(burst, 1))
        self.rate = Double(max(rate, 1))
    }

    /// - Returns: how many lines of this kind were not written before this one; `nil` if this one is not to be written either.
    func admit(_ level: Logger.Level, _ message: String, at now: ContinuousClock.Instant = .now) -> Int? {
        guard level >= .info else { return 0 }
        return budgets.withLock { budgets in
            var kind = Kind(level: level, message: message)
            if budgets[kind] == nil, budgets.count >= Self.mostKinds { kind.message = "" }
            var budget = budgets[kind] ?? Budget(lines: burst, refilled: now)
            defer { budgets[kind] = budget }
            budget.lines = min(burst, budget.lines + max(.zero, now - budget.refilled) / .seconds(1) * rate)
            budget.refilled = now
            guard budget.lines >= 1 else {
                budget.unlogged += 1
                return nil
            }
            budget.lines -= 1
            defer { budget.unlogged = 0 }
            return budget.unlogged
        }
    }
}
