import Synchronization

/// Bounds what the reviews in flight may hold in memory together, and lets no more in than there is room for.
///
/// A body counts twice. While it arrives, by its bytes: its sender has been given nothing yet, and may never finish. Once it
/// is complete, by what it may become.
final class AdmissionGate: Sendable {
    /// Senders whose bodies arrive, in two classes that take no room from each other.
    enum Sender: Hashable, Sendable {
        /// It has had an answer on its connection.
        case known
        /// Nobody knows who it is.
        case unknown
    }

    private struct Load {
        var reviews = 0
        var weight = 0
        var arriving: [Sender: Int] = [:]
    }

    /// How many bytes of a body are free while it arrives, so that nobody who is slow keeps reviews of the usual size out.
    static let freeBytes = 16 << 10

    private let reviewLimit: Int
    private let weightLimit: Int
    private let arrivingLimit: Int
    private let load = Mutex(Load())

    init(reviewLimit: Int, weightLimit: Int, arrivingLimit: Int) {
        self.reviewLimit = reviewLimit
        self.weightLimit = weightLimit
        self.arrivingLimit = arrivingLimit
    }

    /// What a body of a size may take in memory, with what is read from it: no more than that was seen for the worst of many.
    static func weight(ofBody byteCount: Int) -> Int {
        byteCount * 6 + (384 << 10)
    }

    // MARK: Arriving

    /// Takes room for bytes that have arrived, if there is. Who was let in must ``depart(_:from:)``.
    func arrive(_ byteCount: Int, from sender: Sender) -> Bool {
        load.withLock { load in
            let arrived = load.arriving[sender, default: 0] + byteCount
            guard arrived <= arrivingLimit else { return false }
            load.arriving[sender] = arrived
            return true
        }
    }

    func depart(_ byteCount: Int, from sender: Sender) {
        load.withLock { $0.arriving[sender, default: 0] -= byteCount }
    }

    // MARK: In flight

    /// Lets a review in whose body is complete, if there is room. Who was let in must ``leave(bodyOf:)``.
    func enter(bodyOf byteCount: Int) -> Bool {
        let weight = Self.weight(ofBody: byteCount)
        return load.withLock { load in
            guard load.reviews < reviewLimit, weight <= weightLimit - load.weight else { return false }
            load.reviews += 1
            load.weight += weight
            return true
        }
    }

    func leave(bodyOf byteCount: Int) {
        load.withLock { load in
            load.reviews -= 1
            load.weight -= Self.weight(ofBody: byteCount)
        }
    }
}
