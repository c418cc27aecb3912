internal import Crypto
internal import KubernetesModel

/// Makes few writes of many events: what is said again is counted on the event that is there. It decides;
/// ``EventRecorder`` writes.
///
/// Each namespace has a share of its own, and is written in turn, so that no tenant can silence another. What a share has no
/// room for is dropped.
struct EventAggregator {
    enum Next: Hashable {
        case write(EventWrite)

        /// There is nothing to write until an event is recorded, or so much time has passed.
        case wait(Duration?)
    }

    private struct Entry {
        var key: ObjectKey

        /// How often it was said, and how much of that has been written.
        var count = 1
        var writtenCount = 0
        var firstSeen: Timestamp
        var lastSeen: Timestamp
        var lastSeenAt: Duration
        var writtenAt: Duration?

        /// What the server has of it, as far as is known.
        var present: EventWrite.Present?

        var isWritten: Bool { count == writtenCount }
    }

    /// The events of one namespace, in the order in which they were first recorded and in which they are written.
    private struct Share {
        var entries: [ObjectEvent: Entry] = [:]
        var order: [ObjectEvent] = []

        mutating func forget(_ event: ObjectEvent) {
            guard entries.removeValue(forKey: event) != nil else { return }
            order.removeAll { $0 == event }
        }
    }

    /// For how long after it was last said an event is held, to be counted on and to bound what a namespace may say.
    static let window = Duration.seconds(360)

    /// A count is written no more often than that.
    static let repetitionInterval = Duration.seconds(60)

    /// Where events about objects without a namespace go: every version of Kubernetes takes them there, and only new ones
    /// take them in `default`.
    static let namespaceOfClusterEvents = "kube-system"

    /// How many different events are held at most, and how many of one namespace.
    private let capacity: Int
    private let share: Int

    private var shares: [String: Share] = [:]

    /// Namespaces that have a share. The first is written next.
    private var turns: [String] = []
    private var count = 0

    /// When it was last looked for events that are old. To look at all of them for each that is recorded would make a flood
    /// of events cost the square of it.
    private var lastForgetting: Duration?
    private static let forgettingInterval = Duration.seconds(1)

    var isEmpty: Bool { count == 0 }

    init(capacity: Int = 1000, share: Int = 100) {
        self.capacity = capacity
        self.share = share
    }

    /// - Parameter time: what is written into the event.
    /// - Returns: how many events were dropped for it: itself, or one of a namespace that has more than its part.
    mutating func record(_ event: ObjectEvent, at now: Duration, time: Timestamp) -> Int {
        forgetOld(at: now)
        let namespace = event.namespace
        if shares[namespace]?.entries[event] != nil {
            shares[namespace]?.entries[event]?.count += 1
            shares[namespace]?.entries[event]?.lastSeen = time
            shares[namespace]?.entries[event]?.lastSeenAt = now
            return 0
        }
        let own = shares[namespace]?.entries.count ?? 0
        guard own < share else { return 1 }
        var dropped = 0
        if count >= capacity {
            guard let isLost = makeRoom(forOneMoreThan: own) else { return 1 }
            dropped = isLost ? 1 : 0
        }
        if shares[namespace] == nil { turns.append(namespace) }
        shares[namespace, default: Share()].entries[event] = Entry(
            key: event.key, firstSeen: time, lastSeen: time, lastSeenAt: now)
        shares[namespace]?.order.append(event)
        count += 1
        return dropped
    }

    mutating func next(at now: Duration) -> Next {
        var wait: Duration?
        for (index, namespace) in turns.enumerated() {
            for event in shares[namespace]?.order ?? [] {
                guard let entry = shares[namespace]?.entries[event], !entry.isWritten else { continue }
                let due = entry.writtenAt.map { $0 + Self.repetitionInterval } ?? now
                if due <= now {
                    // The others come first after this one.
                    turns = Array(turns[(index + 1)...] + turns[...index])
                    return .write(write(of: event, entry))
                }
                wait = min(wait ?? due - now, due - now)
            }
        }
        return .wait(wait)
    }

    /// - Parameter present: the event as the server has it now.
    mutating func written(_ write: EventWrite, _ present: EventWrite.Present, at now: Duration) {
        let namespace = write.event.namespace
        shares[namespace]?.entries[write.event]?.writtenCount = write.count
        shares[namespace]?.entries[write.event]?.writtenAt = now
        shares[namespace]?.entries[write.event]?.present = present
    }

    /// The server has another state of the event than was thought: from earlier, or from another replica.
    ///
    /// - Parameter present: `nil` if it has none; the server keeps events for an hour.
    mutating func found(_ present: EventWrite.Present?, for write: EventWrite) {
        shares[write.event.namespace]?.entries[write.event]?.present = present
    }

    /// The event cannot be written, now or ever.
    mutating func refused(_ write: EventWrite) {
        forget(write.event)
    }

    /// Forgets everything: who does not lead has nothing to say.
    mutating func clear() {
        shares = [:]
        turns = []
        count = 0
    }

    private func write(of event: ObjectEvent, _ entry: Entry) -> EventWrite {
        EventWrite(
            event: event, key: entry.key, count: entry.count, added: entry.count - entry.writtenCount,
            present: entry.present, firstSeen: entry.firstSeen, lastSeen: entry.lastSeen)
    }

    /// Takes an entry from the namespace that has most: one that is written, if there is any, since that loses nothing.
    ///
    /// - Returns: whether that was one that had not been written yet; `nil` if no namespace has more than it should.
    private mutating func makeRoom(forOneMoreThan own: Int) -> Bool? {
        let bySize = turns.sorted { (shares[$0]?.entries.count ?? 0) > (shares[$1]?.entries.count ?? 0) }
        for namespace in bySize {
            guard let share = shares[namespace] else { continue }
            if let written = share.order.first(where: { share.entries[$0]?.isWritten == true }) {
                forget(written)
                return false
            }
        }
        guard let largest = bySize.first, let share = shares[largest], share.entries.count > own + 1,
            let newest = share.order.last
        else { return nil }
        forget(newest)
        return true
    }

    private mutating func forget(_ event: ObjectEvent) {
        let namespace = event.namespace
        shares[namespace]?.forget(event)
        settle()
    }

    private mutating func forgetOld(at now: Duration) {
        if let lastForgetting, now - lastForgetting < Self.forgettingInterval { return }
        lastForgetting = now
        for (namespace, share) in shares {
            for (event, entry) in share.entries where entry.isWritten && now - entry.lastSeenAt >= Self.window {
                shares[namespace]?.forget(event)
            }
        }
        settle()
    }

    /// After something was forgotten: counts again, and takes their turns from namespaces that have nothing.
    private mutating func settle() {
        let left = shares.values.reduce(0) { $0 + $1.entries.count }
        guard left != count else { return }
        count = left
        shares = shares.filter { !$0.value.entries.isEmpty }
        turns.removeAll { shares[$0] == nil }
    }
}

extension ObjectEvent {
    /// The namespace that it is written to.
    fileprivate var namespace: String { regarding.namespace ?? EventAggregator.namespaceOfClusterEvents }

    /// Fixed by what is said about what, so that whoever says it means the same event: two replicas never make two.
    fileprivate var key: ObjectKey {
        let references = [regarding, related].compactMap { $0 }.flatMap {
            [$0.apiVersion, $0.kind, $0.namespace ?? "", $0.name, $0.uid]
        }
        var hash = SHA256()
        for part in references + [severity.rawValue, reason, action, note] {
            hash.update(data: Array(part.utf8) + [0])
        }
        let digits = hash.finalize().prefix(8).map { byte in
            let digits = String(byte, radix: 16)
            return byte < 16 ? "0\(digits)" : digits
        }
        // A name has 253 characters at most, and cuts of a name may not end in a dot.
        let prefix = regarding.name.prefix(220).lowercased()
        return ObjectKey(namespace: namespace, name: "\(prefix).\(digits.joined())")
    }
}
