internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import Logging
public import ServiceLifecycle
internal import Synchronization

/// Lets one of several replicas do something at a time, by a Lease (`coordination.k8s.io/v1`).
///
/// While this replica leads, `body` runs. If the lease is lost, `body` is cancelled and waited for before this replica
/// contends again, so that two never lead at once. On a graceful shutdown `body` ends by itself, as it is shut down too,
/// and then the lease is given back.
public final class LeaderElector: Service {
    private enum Ending: Sendable {
        case bodyEnded
        case leaseLost
    }

    private let client: KubernetesClient
    private let configuration: LeaderElectionConfiguration
    private let logger: Logger
    private let stopwatch: Stopwatch
    private let body: @Sendable () async throws -> Void
    private let machine: Mutex<LeaderElectionStateMachine>

    public init(
        client: KubernetesClient, configuration: LeaderElectionConfiguration, logger: Logger,
        clock: any Clock<Duration> = .continuous, whileLeading body: @escaping @Sendable () async throws -> Void
    ) {
        self.client = client
        self.configuration = configuration
        self.body = body
        stopwatch = Stopwatch(clock)
        machine = Mutex(LeaderElectionStateMachine(configuration))
        var logger = logger
        logger[metadataKey: "k8s.lease"] = "\(configuration.lease)"
        self.logger = logger
    }

    public var isLeading: Bool {
        machine.withLock { $0.timeLeft(at: stopwatch.elapsed) > .zero }
    }

    /// Contends and leads until the service is shut down.
    ///
    /// - Throws: what `body` throws.
    public func run() async throws {
        while await leads() {
            logger.info("leading")
            let ending: Ending
            do {
                ending = try await lead()
            } catch {
                await release()
                throw error
            }
            guard ending == .leaseLost else { return await release() }
            logger.warning("lost the lease")
        }
    }

    /// Waits until this replica leads.
    ///
    /// - Returns: false if the service was shut down meanwhile.
    private func leads() async -> Bool {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                if await self.attempt() { return true }
                try? await self.stopwatch.sleep(for: self.configuration.retryPeriod * (1 + 0.2 * .chance))
            }
            return false
        }
    }

    private func lead() async throws -> Ending {
        try await withThrowingTaskGroup(of: Ending.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                try await self.body()
                return .bodyEnded
            }
            group.addTask {
                await self.renew()
                return .leaseLost
            }
            group.addTask {
                await self.waitForDeadline()
                return .leaseLost
            }
            // Leaving the group cancels the others and waits for them.
            return try await group.next() ?? .bodyEnded
        }
    }

    /// Returns when another one leads.
    private func renew() async {
        while isLeading, (try? await stopwatch.sleep(for: configuration.retryPeriod)) != nil {
            _ = await attempt()
        }
    }

    /// Returns when the lease could not be renewed for too long, even if an attempt is still under way.
    private func waitForDeadline() async {
        while !Task.isCancelled {
            let timeLeft = machine.withLock { $0.timeLeft(at: stopwatch.elapsed) }
            guard timeLeft > .zero else { return }
            try? await stopwatch.sleep(for: timeLeft)
        }
    }

    /// Tries once to lead, or to go on leading.
    private func attempt() async -> Bool {
        do {
            try await readLeaseIfNeeded()
            let start = stopwatch.elapsed
            let lease: Lease
            switch machine.withLock({ $0.action(at: start, time: .now) }) {
            case .wait:
                machine.withLock { $0.becameUncertain() }
                return false
            case .create(var object):
                object["metadata"] = ["name": .string(configuration.lease.name)]
                lease = try await client.create(Lease.self, object, in: configuration.lease.namespace)
            case .update(let patch):
                lease = try await client.patch(Lease.self, configuration.lease, .merge(patch))
            }
            machine.withLock { $0.wrote(lease, at: start) }
            return true
        } catch {
            machine.withLock { $0.becameUncertain() }
            let answer = error as? KubernetesError
            let isRace = answer?.isConflict == true || answer?.isAlreadyExists == true || answer?.isNotFound == true
            if !isRace && !Task.isCancelled {
                logger.warning("the lease could not be read or written", error: error)
            }
            return false
        }
    }

    private func readLeaseIfNeeded() async throws {
        guard machine.withLock({ $0.needsLease }) else { return }
        let lease = try await client.getIfPresent(Lease.self, configuration.lease)
        machine.withLock { $0.saw(lease, at: stopwatch.elapsed) }
    }

    private func release() async {
        do {
            // The last renewal may have been cut off, so that nobody knows whether it was done.
            try await readLeaseIfNeeded()
            guard let patch = machine.withLock({ $0.release(time: .now) }) else { return }
            try await client.patch(Lease.self, configuration.lease, .merge(patch))
            logger.info("gave the lease back")
        } catch {
            logger.info("the lease could not be given back; it expires by itself", error: error)
        }
    }
}
