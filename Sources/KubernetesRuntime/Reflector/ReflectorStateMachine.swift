internal import KubernetesClient
internal import KubernetesModel

/// How to keep up with the objects of one kind: list them, then watch what changes, and list again when the thread is
/// lost. It decides; ``Reflector`` does.
///
/// ```
/// list ── last page ──▸ watch ── ended ──▸ watch
///  ▴                      ├───── failed ─▸ wait ──▸ watch
///  └──────────────────────┴───── gone ───▸ list
/// ```
/// Time is the duration since some moment, chance a number from 0 to 1: both are the driver's.
struct ReflectorStateMachine {
    /// From what point in time a list is to be.
    enum Origin: Hashable {
        /// What the server has at hand: fast, and good enough to begin with.
        case any

        /// Not before this version, so that nothing goes backwards.
        case notOlderThan(String)

        /// As new as it gets, which the server asks etcd for.
        case latest
    }

    enum State: Hashable {
        /// A list is being read, page by page. What was read of an earlier attempt is void.
        case listing(Origin, isPaged: Bool)

        /// Changes after `resourceVersion` are being waited for.
        case watching(Watch)

        /// A failure is being sat out.
        case waiting(then: Next)
    }

    struct Watch: Hashable {
        var resourceVersion: String
        var timeout: Duration
        var startedAt: Duration
        var lastHeardAt: Duration
        var hasHeard = false
    }

    enum Next: Hashable {
        case list(Origin, isPaged: Bool)
        case watch(resourceVersion: String)
    }

    enum Action: Hashable {
        /// List from the beginning.
        case list(ListOptions)

        /// Go on with the list.
        case listNextPage(ListOptions)
        case watch(resourceVersion: String, timeout: Duration)
        case wait(Duration)
    }

    /// What a failure says about what to do next.
    enum Failure: Hashable {
        /// The server has forgotten the point in time that was asked for (410).
        case gone

        /// The server has not yet reached it.
        case resourceVersionTooLarge

        /// Anything else: the same may succeed later.
        case other(retryAfter: Duration?)
    }

    /// The server ends a watch after between one and two of these; the spread keeps watches from ending together.
    static let minimumTimeout = Duration.seconds(300)

    /// How much longer than its timeout a watch may be silent before it counts as dead.
    static let timeoutMargin = Duration.seconds(10)

    /// Servers send a bookmark about every minute if they send any. Then so long a silence means that nobody is there.
    static let longestSilenceAfterBookmark = Duration.seconds(150)

    /// A watch that lasted so long was in order, whatever ended it.
    static let healthyDuration = Duration.seconds(5)

    /// A watch that ends sooner, without a word, has failed (kubernetes/kubernetes#104171).
    static let shortestWatch = Duration.seconds(1)

    private(set) var state = State.listing(.any, isPaged: true)

    /// Whether this server has ever sent a bookmark: then the next watch, too, may count on them from its beginning.
    private var serverSendsBookmarks = false

    /// Short even after a long absence of the server: what is reported is wrong until the watch is there again, and a few
    /// kinds of objects, asked for by a few replicas, are no load.
    private var backoff = Backoff(initial: .milliseconds(800), maximum: .seconds(4), jitter: 1)

    init() {}

    // MARK: Lists

    func start() -> Action {
        .list(options(.any, isPaged: true))
    }

    /// A page was read.
    ///
    /// - Returns: the next page, or a watch: then the list is complete, and is what there is.
    mutating func listed(_ page: ListMetadata, at now: Duration, chance: Double) -> Action {
        guard page.continueToken.isEmpty else {
            return .listNextPage(ListOptions(continueToken: page.continueToken))
        }
        backoff.reset()
        return watch(from: page.resourceVersion, at: now, chance: chance)
    }

    mutating func listFailed(_ failure: Failure, chance: Double) -> Action {
        guard case .listing(let origin, let isPaged) = state else { return start() }
        switch failure {
        case .gone where origin == .latest && isPaged:
            // The pages took longer than the server remembers. All at once, then.
            return list(.latest, isPaged: false)
        case .gone, .resourceVersionTooLarge:
            return wait(failure, then: .list(.latest, isPaged: isPaged), chance: chance)
        case .other:
            return wait(failure, then: .list(origin, isPaged: isPaged), chance: chance)
        }
    }

    // MARK: Watches

    /// Something arrived: a change, or a bookmark.
    mutating func heard<Resource>(_ event: WatchEvent<Resource>, at now: Duration) {
        guard case .watching(var watch) = state else { return }
        if let resourceVersion = event.resourceVersion, !resourceVersion.isEmpty {
            watch.resourceVersion = resourceVersion
        }
        if case .bookmark = event { serverSendsBookmarks = true }
        watch.hasHeard = true
        watch.lastHeardAt = now
        state = .watching(watch)
    }

    /// How long to go on waiting for news, from now on. Zero: nobody is there.
    func patience(at now: Duration) -> Duration {
        guard case .watching(let watch) = state else { return .zero }
        let end = watch.startedAt + watch.timeout + Self.timeoutMargin
        let silence = watch.lastHeardAt + Self.longestSilenceAfterBookmark
        return max(.zero, (serverSendsBookmarks ? min(end, silence) : end) - now)
    }

    /// The server ended the watch without an error.
    mutating func watchEnded(at now: Duration, chance: Double) -> Action {
        guard case .watching(let watch) = state else { return start() }
        if !watch.hasHeard && now - watch.startedAt < Self.shortestWatch {
            let origin = Origin.notOlderThan(watch.resourceVersion)
            return wait(.other(retryAfter: nil), then: .list(origin, isPaged: false), chance: chance)
        }
        return self.watch(from: watch.resourceVersion, at: now, chance: chance)
    }

    mutating func watchFailed(_ failure: Failure, at now: Duration, chance: Double) -> Action {
        guard case .watching(let watch) = state else { return start() }
        if now - watch.startedAt >= Self.healthyDuration { backoff.reset() }
        switch failure {
        case .gone:
            return list(.notOlderThan(watch.resourceVersion), isPaged: false)
        case .resourceVersionTooLarge, .other:
            return wait(failure, then: .watch(resourceVersion: watch.resourceVersion), chance: chance)
        }
    }

    // MARK: Waits

    mutating func waited(until now: Duration, chance: Double) -> Action {
        guard case .waiting(let next) = state else { return start() }
        switch next {
        case .list(let origin, let isPaged): return list(origin, isPaged: isPaged)
        case .watch(let resourceVersion): return watch(from: resourceVersion, at: now, chance: chance)
        }
    }

    // MARK: Transitions

    private mutating func list(_ origin: Origin, isPaged: Bool) -> Action {
        state = .listing(origin, isPaged: isPaged)
        return .list(options(origin, isPaged: isPaged))
    }

    private func options(_ origin: Origin, isPaged: Bool) -> ListOptions {
        let limit = isPaged ? ListOptions.pageSize : nil
        return switch origin {
        case .any: ListOptions(resourceVersion: "0", limit: limit)
        // With a limit, servers take a version to mean exactly that one.
        case .notOlderThan(let version): ListOptions(resourceVersion: version, limit: nil)
        case .latest: ListOptions(limit: limit)
        }
    }

    private mutating func watch(from resourceVersion: String, at now: Duration, chance: Double) -> Action {
        let timeout = Self.minimumTimeout * (1 + chance)
        state = .watching(
            Watch(resourceVersion: resourceVersion, timeout: timeout, startedAt: now, lastHeardAt: now))
        return .watch(resourceVersion: resourceVersion, timeout: timeout)
    }

    private mutating func wait(_ failure: Failure, then next: Next, chance: Double) -> Action {
        state = .waiting(then: next)
        let pause = backoff.next(chance: chance)
        guard case .other(let retryAfter?) = failure else { return .wait(pause) }
        return .wait(max(pause, retryAfter))
    }
}

extension ReflectorStateMachine.Failure {
    init(_ error: any Error) {
        guard let error = error as? KubernetesError else {
            self = .other(retryAfter: nil)
            return
        }
        self =
            if error.isGone {
                .gone
            } else if error.isResourceVersionTooLarge {
                .resourceVersionTooLarge
            } else {
                .other(retryAfter: error.retryAfter)
            }
    }
}
