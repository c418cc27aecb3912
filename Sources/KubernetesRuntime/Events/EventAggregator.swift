internal import JSON
internal import KubernetesModel

/// Makes few writes of many events: what is said again is counted on the event that is there. It decides;
/// ``EventRecorder`` writes.
///
/// It never holds more than `capacity` different events; of more than that, the new ones are dropped.
struct EventAggregator {
    enum Next: Hashable {
        case write(Write)

        /// There is nothing to write until an event is recorded, or so much time has passed.
        case wait(Duration?)
    }

    /// A request for one event.
    struct Write: Hashable {
        var event: ObjectEvent
        var key: ObjectKey
        var count: Int

        /// Whether the event is there already, and only the count is new.
        var isRepetition: Bool
        var firstSeen: Timestamp
        var lastSeen: Timestamp
    }

    private struct Entry {
        var key: ObjectKey
        var count = 1
        var writtenCount = 0
        var firstSeen: Timestamp
        var lastSeen: Timestamp
        var lastSeenAt: Duration
        var writtenAt: Duration?
    }

    /// What is said again after a longer silence is a new event.
    static let window = Duration.seconds(360)

    /// A count is written no more often than that.
    static let repetitionInterval = Duration.seconds(60)

    /// Where events about objects without a namespace go: every version of Kubernetes takes them there, and only new ones
    /// take them in `default`.
    static let namespaceOfClusterEvents = "kube-system"

    let capacity: Int
    private var entries: [ObjectEvent: Entry] = [:]

    /// The order in which events were first recorded and in which they are written.
    private var order: [ObjectEvent] = []

    init(capacity: Int = 1000) {
        self.capacity = capacity
    }

    /// - Parameters:
    ///   - time: what is written into the event.
    ///   - identifier: makes the event's name unique.
    /// - Returns: false if the event was dropped.
    mutating func record(_ event: ObjectEvent, at now: Duration, time: Timestamp, identifier: UInt64) -> Bool {
        forgetOld(at: now)
        if entries[event] != nil {
            entries[event]?.count += 1
            entries[event]?.lastSeen = time
            entries[event]?.lastSeenAt = now
            return true
        }
        guard entries.count < capacity else { return false }
        // A name has 253 characters at most, and cuts of a name may not end in a dot.
        let prefix = event.regarding.name.prefix(230).lowercased()
        let key = ObjectKey(
            namespace: event.regarding.namespace ?? Self.namespaceOfClusterEvents,
            name: "\(prefix).\(String(identifier, radix: 16))")
        entries[event] = Entry(key: key, firstSeen: time, lastSeen: time, lastSeenAt: now)
        order.append(event)
        return true
    }

    func next(at now: Duration) -> Next {
        var wait: Duration?
        for event in order {
            guard let entry = entries[event], entry.count > entry.writtenCount else { continue }
            let due = entry.writtenAt.map { $0 + Self.repetitionInterval } ?? now
            if due <= now { return .write(write(of: event, entry)) }
            wait = min(wait ?? due - now, due - now)
        }
        return .wait(wait)
    }

    mutating func written(_ write: Write, at now: Duration) {
        entries[write.event]?.writtenCount = write.count
        entries[write.event]?.writtenAt = now
    }

    /// The event that is to be counted on is not there any more: the server keeps events for an hour.
    mutating func vanished(_ write: Write) {
        forget(write.event)
    }

    /// The event cannot be written, now or ever.
    mutating func refused(_ write: Write) {
        forget(write.event)
    }

    private func write(of event: ObjectEvent, _ entry: Entry) -> Write {
        Write(
            event: event, key: entry.key, count: entry.count, isRepetition: entry.writtenCount > 0,
            firstSeen: entry.firstSeen, lastSeen: entry.lastSeen)
    }

    private mutating func forget(_ event: ObjectEvent) {
        entries[event] = nil
        order.removeAll { $0 == event }
    }

    private mutating func forgetOld(at now: Duration) {
        let isOld = { (entry: Entry) in
            entry.count == entry.writtenCount && now - entry.lastSeenAt >= Self.window
        }
        guard entries.values.contains(where: isOld) else { return }
        entries = entries.filter { !isOld($0.value) }
        order.removeAll { entries[$0] == nil }
    }
}

extension EventAggregator.Write {
    /// The event as it is created (`events.k8s.io/v1`).
    func object(reportedBy controller: String, _ instance: String) -> JSONValue {
        var object: JSONValue = [
            "metadata": ["name": .string(key.name), "namespace": .string(key.namespace ?? "")],
            "eventTime": .string(firstSeen.microsecondDescription),
            "reportingController": .string(controller),
            "reportingInstance": .string(instance),
            "action": .string(event.action),
            "reason": .string(event.reason),
            "type": .string(event.severity.rawValue),
            "regarding": event.regarding.json,
            "note": .string(event.note.cutOff(after: 1024)),
        ]
        if let related = event.related { object["related"] = related.json }
        if count > 1 { object["series"] = series }
        return object
    }

    /// How often the event has been seen, and when last.
    var series: JSONValue {
        [
            "count": .number(JSONNumber(count)),
            "lastObservedTime": .string(lastSeen.microsecondDescription),
        ]
    }
}

extension String {
    /// The longest beginning that has no more bytes than `limit`.
    fileprivate func cutOff(after limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var text = self[...]
        while text.utf8.count > limit - 3 { text.removeLast() }
        return text + "…"
    }
}
