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

    /// Lets a review in, if there is room. Who is let in must ``leave(bytes:)``.
    func enter() -> Bool {
        load.withLock { load in
            guard load.reviews < limit.reviews else { return false }
            load.reviews += 1
            return true
        }
    }

    /// Takes room for bytes that have arrived, if there is. What a sender merely promises takes none.
    func hold(bytes: Int) -> Bool {
        load.withLock { load in
            guard bytes <= limit.bytes - load.bytes else { return false }
            load.bytes += bytes
            return true
        }
    }

    /// Gives back a review's place, and the bytes that it held.
    func leave(bytes: Int) {
        load.withLock { load in
            load.reviews -= 1
            load.bytes -= bytes
        }
    }
}
