internal import CoreMetrics
internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import Logging
public import Metrics
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
    private let leadership: Leadership
    private let logger: Logger
    private let isLeading: Gauge
    private let body: @Sendable () async throws -> Void

    private var configuration: LeaderElectionConfiguration { leadership.configuration }
    private var stopwatch: Stopwatch { leadership.stopwatch }

    /// What the metrics are, by name, for `# HELP`. The name and its label are client-go's.
    public static let help = [
        "leader_election_master_status": "1 while this replica holds the lease of that name, 0 while it does not."
    ]

    /// - Parameters:
    ///   - client: must not itself need the leadership to write.
    ///   - leadership: becomes held while this replica leads. Nobody else contends for it.
    public init(
        client: KubernetesClient, leadership: Leadership, metrics factory: any MetricsFactory, logger: Logger,
        whileLeading body: @escaping @Sendable () async throws -> Void
    ) {
        self.client = client
        self.leadership = leadership
        self.body = body
        var logger = logger
        logger[metadataKey: "k8s.lease"] = "\(leadership.configuration.lease)"
        self.logger = logger
        isLeading = Gauge(
            label: "leader_election_master_status", dimensions: [("name", leadership.configuration.lease.name)],
            factory: factory)
        isLeading.record(0)
    }

    /// Contends and leads until the service is shut down.
    ///
    /// - Throws: what `body` throws.
    public func run() async throws {
        while await leads() {
            logger.info("leading")
            isLeading.record(1)
            let ending: Ending
            do {
                defer { isLeading.record(0) }
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
                try? await self.stopwatch.sleep(for: self.pause)
            }
            return false
        }
    }

    /// Until the next look at another's Lease: no longer than it is good.
    private var pause: Duration {
        let period = configuration.retryPeriod * (1 + 0.2 * .chance)
        let waiting = leadership.machine.withLock { $0.waitingTime(at: stopwatch.elapsed) }
        return waiting > .zero ? min(period, waiting) : period
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
        while leadership.isHeld, (try? await stopwatch.sleep(for: configuration.retryPeriod)) != nil {
            _ = await attempt()
        }
    }

    /// Returns when the lease could not be renewed for too long, even if an attempt is still under way.
    private func waitForDeadline() async {
        while !Task.isCancelled {
            let timeLeft = leadership.timeLeft
            guard timeLeft > .zero else { return }
            try? await stopwatch.sleep(for: timeLeft)
        }
    }

    /// Tries to lead, or to go on leading. Where somebody else has written in between, the Lease is read at once.
    private func attempt() async -> Bool {
        for _ in 0..<2 {
            do {
                return try await tryOnce()
            } catch {
                leadership.machine.withLock { $0.becameUncertain() }
                if let error = error as? KubernetesError, error.isConflict || error.isAlreadyExists || error.isNotFound
                {
                    continue
                }
                if !Task.isCancelled { logger.warning("the lease could not be read or written", error: error) }
                return false
            }
        }
        // Who loses twice in a row has rivals who win: what they wrote is to be seen, not fought.
        try? await readLeaseIfNeeded()
        return false
    }

    private func tryOnce() async throws -> Bool {
        try await readLeaseIfNeeded()
        let start = stopwatch.elapsed
        let lease: Lease
        switch leadership.machine.withLock({ $0.action(at: start, time: .now) }) {
        case .wait:
            leadership.machine.withLock { $0.becameUncertain() }
            return false
        case .create(var object):
            object["metadata"] = ["name": .string(configuration.lease.name)]
            lease = try await send(
                .create(
                    Lease.resourceType, object, in: configuration.lease.namespace, fieldManager: client.fieldManager))
        case .update(let patch):
            lease = try await send(
                .patch(
                    Lease.resourceType, configuration.lease, .merge(patch), fieldManager: client.fieldManager))
        }
        leadership.machine.withLock { $0.wrote(lease, at: start) }
        return true
    }

    private func readLeaseIfNeeded() async throws {
        guard leadership.machine.withLock({ $0.needsLease }) else { return }
        var lease: Lease?
        do {
            lease = try await send(.get(Lease.resourceType, configuration.lease))
        } catch let error as KubernetesError where error.isNotFound {}
        leadership.machine.withLock { [lease] in $0.saw(lease, at: stopwatch.elapsed) }
    }

    /// An answer that is later than a leader could wait for is of no use to the others either.
    private func send(_ request: KubernetesRequest) async throws -> Lease {
        var request = request
        request.timeout = configuration.renewDeadline
        return try await client.read(request)
    }

    private func release() async {
        do {
            // The last renewal may have been cut off, so that nobody knows whether it was done.
            try await readLeaseIfNeeded()
            guard let patch = leadership.machine.withLock({ $0.release(time: .now) }) else { return }
            try await client.patch(Lease.self, configuration.lease, .merge(patch))
            logger.info("gave the lease back")
        } catch {
            logger.info("the lease could not be given back; it expires by itself", error: error)
        }
    }
}
