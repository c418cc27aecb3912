internal import DequeModule
internal import HeapModule

/// Which keys to work on next. It decides; ``WorkQueue`` keeps the time.
///
/// The rules are client-go's: a key waits in the queue once, however often it is added; it is never worked on twice at the
/// same time; if it is added while it is worked on, it comes once more after that. So the queue holds each key at most
/// once, and is no longer than there are objects.
struct WorkQueueStateMachine<Key: Hashable & Sendable> {
    enum Next {
        /// Work on this one, and say when it is done.
        case process(Key, waited: Duration)

        /// There is nothing to do until a key is added, one is done, or so much time has passed.
        case wait(Duration?)

        /// The queue is shut down, and nothing more will come.
        case end
    }

    private struct Due: Comparable {
        var time: Duration
        var key: Key

        static func < (left: Due, right: Due) -> Bool { left.time < right.time }
        static func == (left: Due, right: Due) -> Bool { left.time == right.time }
    }

    private let initialBackoff: Backoff
    private var ready: Deque<Key> = []
    private var addedAt: [Key: Duration] = [:]
    private var processing: Set<Key> = []
    private var addedWhileProcessing: Set<Key> = []

    /// When a key is due that was added with a delay. Entries of the heap that say otherwise are void.
    private var dueAt: [Key: Duration] = [:]
    private var delayed = Heap<Due>()
    private var backoffs: [Key: Backoff] = [:]
    private var isShutDown = false

    init(backoff: Backoff) {
        initialBackoff = backoff
    }

    /// How many keys wait to be worked on now.
    var depth: Int { ready.count }

    mutating func add(_ key: Key, at now: Duration) {
        guard !isShutDown else { return }
        if processing.contains(key) {
            addedWhileProcessing.insert(key)
        } else if addedAt[key] == nil {
            addedAt[key] = now
            ready.append(key)
        }
    }

    /// Of several delays the shortest counts.
    mutating func add(_ key: Key, after delay: Duration, at now: Duration) {
        guard !isShutDown else { return }
        guard delay > .zero else { return add(key, at: now) }
        let time = now + delay
        if let earlier = dueAt[key], earlier <= time { return }
        dueAt[key] = time
        delayed.insert(Due(time: time, key: key))
    }

    /// - Parameter limit: how many keys may be worked on at the same time.
    mutating func next(limit: Int, at now: Duration) -> Next {
        if isShutDown { return .end }
        addDue(at: now)
        if processing.count < limit, let key = ready.popFirst() {
            let waited = addedAt.removeValue(forKey: key).map { now - $0 } ?? .zero
            processing.insert(key)
            return .process(key, waited: waited)
        }
        // At the limit, only a key that is done makes room.
        return .wait(processing.count < limit ? delayed.min.map { $0.time - now } : nil)
    }

    /// Work on a key has ended, well or not.
    mutating func done(_ key: Key, at now: Duration) {
        processing.remove(key)
        if addedWhileProcessing.remove(key) != nil { add(key, at: now) }
    }

    /// Work on a key has failed: it comes again after a wait that grows with each failure.
    ///
    /// - Parameters:
    ///   - minimum: wait no less than that.
    ///   - maximum: and no more than that, if `minimum` allows.
    mutating func retry(_ key: Key, minimum: Duration = .zero, maximum: Duration? = nil, at now: Duration) {
        let delay = backoffs[key, default: initialBackoff].next()
        add(key, after: max(min(delay, maximum ?? delay), minimum), at: now)
    }

    /// Work on a key has succeeded: the next failure is the first one.
    mutating func forgetFailures(of key: Key) {
        backoffs[key] = nil
    }

    /// What waits is dropped, and nothing is accepted any more. What is being worked on goes on.
    mutating func shutDown() {
        isShutDown = true
        ready = []
        addedAt = [:]
        dueAt = [:]
        delayed = Heap()
    }

    private mutating func addDue(at now: Duration) {
        while let due = delayed.min {
            let isVoid = dueAt[due.key] != due.time
            guard isVoid || due.time <= now else { return }
            _ = delayed.popMin()
            if isVoid { continue }
            dueAt[due.key] = nil
            add(due.key, at: now)
        }
    }
}
