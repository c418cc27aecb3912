import NIOCore

/// The connections that are open, and which of them have to go when there are too many. A value: no channels, no time.
///
/// Those go first that never finished a handshake, then those that never had a review answered, then the one that has been
/// idle longest. So an API server's own are the last: a review that is sent on a connection just closed is lost.
struct ConnectionList<ID: Hashable> {
    private enum Standing {
        case handshaking
        /// Nothing was answered yet.
        case unproven
        case proven
    }

    private struct Connection {
        var source: ConnectionSource
        var standing = Standing.handshaking
        /// When it was opened, and later when it last had an answer.
        var since: NIODeadline
        /// Whether a request is being answered.
        var isBusy = false
    }

    /// Who has just begun is given this long before anybody is spared for it who has been idle for ``longIdleness``.
    private static var patience: TimeAmount { .seconds(1) }

    /// An API server that has something to ask uses its connections more often than that.
    private static var longIdleness: TimeAmount { .seconds(60) }

    private var connections: [ID: Connection] = [:]
    private var unprovenCounts: [ConnectionSource: Int] = [:]
    private let limits: ConnectionLimits

    init(limits: ConnectionLimits) {
        self.limits = limits
    }

    var count: Int { connections.count }

    func isProven(_ id: ID) -> Bool { connections[id]?.standing == .proven }

    /// - Returns: the connection that has to be closed for it; itself, if all others are busy.
    mutating func open(_ id: ID, from source: ConnectionSource, at now: NIODeadline) -> ID? {
        let isSourceFull = unprovenCounts[source, default: 0] >= limits.unprovenCountPerSource
        var victim: ID?
        if isSourceFull || connections.count >= limits.count {
            victim = leastMissed(at: now) { !isSourceFull || $0.standing != .proven && $0.source == source } ?? id
        }
        connections[id] = Connection(source: source, since: now)
        unprovenCounts[source, default: 0] += 1
        if let victim { closed(victim) }
        return victim
    }

    private func leastMissed(at now: NIODeadline, among isCandidate: (Connection) -> Bool) -> ID? {
        var least: (id: ID, rank: Int, since: NIODeadline)?
        for (id, connection) in connections where !connection.isBusy && isCandidate(connection) {
            let rank = rank(of: connection, at: now)
            if let least, (least.rank, least.since) <= (rank, connection.since) { continue }
            least = (id, rank, connection.since)
        }
        return least?.id
    }

    /// The lowest go first.
    private func rank(of connection: Connection, at now: NIODeadline) -> Int {
        switch connection.standing {
        case .handshaking: connection.since + Self.patience <= now ? 0 : 3
        case .unproven: connection.since + Self.patience <= now ? 1 : 4
        case .proven: connection.since + Self.longIdleness <= now ? 2 : 5
        }
    }

    mutating func shookHands(_ id: ID, at now: NIODeadline) {
        guard connections[id]?.standing == .handshaking else { return }
        connections[id]?.standing = .unproven
        connections[id]?.since = now
    }

    /// A whole request has arrived, and its answer has to be waited for.
    mutating func received(_ id: ID) {
        connections[id]?.isBusy = true
    }

    mutating func answered(_ id: ID, isReview: Bool, at now: NIODeadline) {
        guard var connection = connections[id] else { return }
        connection.isBusy = false
        if isReview {
            if connection.standing != .proven { forgetUnproven(connection.source) }
            connection.standing = .proven
            connection.since = now
        }
        connections[id] = connection
    }

    mutating func closed(_ id: ID) {
        guard let connection = connections.removeValue(forKey: id) else { return }
        if connection.standing != .proven { forgetUnproven(connection.source) }
    }

    private mutating func forgetUnproven(_ source: ConnectionSource) {
        let count = unprovenCounts[source, default: 0] - 1
        unprovenCounts[source] = count > 0 ? count : nil
    }
}
