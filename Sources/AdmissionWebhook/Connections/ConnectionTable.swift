import CoreMetrics
import NIOCore
import Synchronization

/// The connections of one server: closes those that have to go when there are too many, and counts.
final class ConnectionTable: Sendable {
    typealias ID = ObjectIdentifier

    private struct State {
        var list: ConnectionList<ID>
        var channels: [ID: any Channel] = [:]
    }

    /// Why a connection was closed from here.
    enum Closing: String, CaseIterable {
        case handshakeTimeout = "handshake_timeout"
        case headTimeout = "head_timeout"
        case bodyTimeout = "body_timeout"
        case idleTimeout = "idle_timeout"
        case limit
    }

    let limits: ConnectionLimits
    private let state: Mutex<State>
    private let open: Gauge
    private let opened: Counter
    private let closings: [Closing: Counter]

    init(limits: ConnectionLimits, metrics factory: any MetricsFactory) {
        self.limits = limits
        state = Mutex(State(list: ConnectionList(limits: limits)))
        open = Gauge(label: "admission_webhook_connections", factory: factory)
        opened = Counter(label: "admission_webhook_connections_opened_total", factory: factory)
        closings = Dictionary(
            uniqueKeysWithValues: Closing.allCases.map { reason in
                let counter = Counter(
                    label: "admission_webhook_connections_closed_total", dimensions: [("reason", reason.rawValue)],
                    factory: factory)
                return (reason, counter)
            })
        open.record(0)
    }

    /// Adds a connection, and closes another one for it if need be.
    func add(_ channel: any Channel) -> ID {
        let id = ID(channel)
        let source = ConnectionSource(channel.remoteAddress?.ipAddress)
        let (victim, count) = state.withLock { state in
            state.channels[id] = channel
            let victim = state.list.open(id, from: source, at: channel.eventLoop.now)
            return (victim.flatMap { state.channels.removeValue(forKey: $0) }, state.list.count)
        }
        opened.increment()
        open.record(count)
        if let victim {
            closings[.limit]?.increment()
            victim.close(mode: .all, promise: nil)
        }
        return id
    }

    func remove(_ id: ID) {
        let count = state.withLock { state in
            state.list.closed(id)
            state.channels[id] = nil
            return state.list.count
        }
        open.record(count)
    }

    func shookHands(_ id: ID, at now: NIODeadline) {
        state.withLock { $0.list.shookHands(id, at: now) }
    }

    func received(_ id: ID) {
        state.withLock { $0.list.received(id) }
    }

    func answered(_ id: ID, isReview: Bool, at now: NIODeadline) {
        state.withLock { $0.list.answered(id, isReview: isReview, at: now) }
    }

    func note(_ closing: Closing) {
        closings[closing]?.increment()
    }
}

extension ConnectionTable.Closing {
    init(_ delay: ConnectionProgress.Delay) {
        self =
            switch delay {
            case .handshake: .handshakeTimeout
            case .head: .headTimeout
            case .body: .bodyTimeout
            case .idle: .idleTimeout
            }
    }
}
