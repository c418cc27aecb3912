import Synchronization

/// Counts the reviews in flight and the bytes that they hold, and lets no more in than there is room for.
final class AdmissionGate: Sendable {
    private struct Load {
        var reviews = 0
        var bytes = 0
    }

    private let limit: Load
    private let load = Mutex(Load())

    init(reviewLimit: Int, byteLimit: Int) {
        limit = Load(reviews: reviewLimit, bytes: byteLimit)
    }

    /// Takes room for a review of this size, if there is. Who is let in must ``leave(bytes:)``.
    func enter(bytes: Int) -> Bool {
        load.withLock { load in
            guard load.reviews < limit.reviews, bytes <= limit.bytes - load.bytes else { return false }
            load.reviews += 1
            load.bytes += bytes
            return true
        }
    }

    func leave(bytes: Int) {
        load.withLock { load in
            load.reviews -= 1
            load.bytes -= bytes
        }
    }
}
