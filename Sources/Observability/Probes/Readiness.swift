import Synchronization

/// Whether the process can do its work, as a list of named checks that its parts set as they come and go.
///
/// It can be read at any time without waiting for any of them. It is ready if every check is; without checks it is ready.
public final class Readiness: Sendable {
    /// One check, and why it is not ready.
    public struct Check: Sendable, Hashable {
        public var name: String

        /// `nil`: it is ready.
        public var obstacle: String?

        public var isReady: Bool { obstacle == nil }
    }

    private let obstacles: Mutex<[(name: String, obstacle: String?)]>

    /// - Parameter names: checks that must be set ready before the process is.
    public init(waitingFor names: [String] = []) {
        obstacles = Mutex(names.map { ($0, "not ready yet") })
    }

    /// Sets a check ready, and adds it if it is new.
    public func ready(_ name: String) {
        set(name, nil)
    }

    /// Sets a check unready, and adds it if it is new.
    ///
    /// - Parameter reason: shown to whoever asks, so it must hold no secret.
    public func unready(_ name: String, because reason: String) {
        set(name, reason)
    }

    /// The checks, in the order in which they were added.
    public var checks: [Check] {
        obstacles.withLock { $0.map { Check(name: $0.name, obstacle: $0.obstacle) } }
    }

    public var isReady: Bool { checks.allSatisfy(\.isReady) }

    private func set(_ name: String, _ obstacle: String?) {
        obstacles.withLock { obstacles in
            if let index = obstacles.firstIndex(where: { $0.name == name }) {
                obstacles[index].obstacle = obstacle
            } else {
                obstacles.append((name, obstacle))
            }
        }
    }
}
