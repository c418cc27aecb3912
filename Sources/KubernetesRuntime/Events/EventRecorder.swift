internal import CoreMetrics
internal import JSON
public import KubernetesClient
internal import KubernetesModel
public import Logging
public import Metrics
public import ServiceLifecycle
internal import Synchronization

/// Tells people about objects, by events (`events.k8s.io/v1`).
///
/// Recording never waits and never fails. What is said again is counted on the event that is there, whoever made it. Events
/// that cannot be written are logged; where a namespace says too much, what is new is dropped and counted.
///
/// Only who leads says anything: what is recorded while this replica does not lead is ignored, and what was not written when
/// the lease was lost is forgotten.
public final class EventRecorder: Service {
    private let client: KubernetesClient
    private let controller: String
    private let instance: String
    private let isLeading: @Sendable () -> Bool
    private let logger: Logger
    private let stopwatch: Stopwatch
    private let dropped: Counter
    private let signal = Signal()
    private let aggregator = Mutex(EventAggregator())

    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "kubernetes_events_dropped_total": "Events that were not written, since a namespace, or all, had too many."
    ]

    /// - Parameters:
    ///   - controller: who reports, as a domain and a name: `lanyard.dev/controller`.
    ///   - instance: which of several that do: the pod's name.
    ///   - isLeading: whether this replica may say anything now.
    public init(
        client: KubernetesClient, controller: String, instance: String,
        onlyWhile isLeading: @escaping @Sendable () -> Bool = { true }, metrics factory: any MetricsFactory,
        logger: Logger, clock: any Clock<Duration> = .continuous
    ) {
        self.client = client.writing(onlyWhile: isLeading)
        self.controller = controller
        self.instance = instance
        self.isLeading = isLeading
        self.logger = logger
        stopwatch = Stopwatch(clock)
        dropped = Counter(
            label: "kubernetes_events_dropped_total", dimensions: [("controller", controller)], factory: factory)
    }

    public func record(_ event: ObjectEvent) {
        guard isLeading() else { return }
        let count = aggregator.withLock { $0.record(event, at: stopwatch.elapsed, time: .now) }
        dropped.increment(by: count)
        signal.send()
    }

    /// Writes events until the service is shut down. What is left then is for ``writeRest()``.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.writeAll() }
        if !Task.isShuttingDownGracefully { aggregator.withLock { $0.clear() } }
    }

    /// Whether nothing is held.
    var isEmpty: Bool { aggregator.withLock { $0.isEmpty } }

    private func writeAll() async {
        var backoff = Backoff(initial: .seconds(1), maximum: .seconds(60), jitter: 1)
        while !Task.isCancelled {
            switch aggregator.withLock({ $0.next(at: stopwatch.elapsed) }) {
            case .write(let write):
                if await succeeds(write) {
                    backoff.reset()
                } else {
                    try? await stopwatch.sleep(for: backoff.next(chance: .chance))
                }
            case .wait(let duration):
                await signal.wait(atMost: duration, stopwatch)
            }
        }
    }

    /// Writes what is not written yet. Gives up at the first failure: nobody should wait for events.
    public func writeRest() async {
        while case .write(let write) = aggregator.withLock({ $0.next(at: stopwatch.elapsed) }), await succeeds(write) {}
    }

    /// - Returns: false if it may be tried again later.
    private func succeeds(_ write: EventWrite) async -> Bool {
        do {
            try await send(write)
        } catch let error as KubernetesError where error.code == .writingNotPermitted {
            aggregator.withLock { $0.clear() }
        } catch let error as KubernetesError where !error.isRetryable {
            logger.warning("event refused", error: error, metadata: ["k8s.event.reason": "\(write.event.reason)"])
            aggregator.withLock { $0.refused(write) }
        } catch {
            if !Task.isCancelled { logger.info("event not written yet", error: error) }
            return false
        }
        return true
    }

    /// Where the server has something else than was thought, that is read and the rest counted on it.
    private func send(_ write: EventWrite) async throws {
        var write = write
        for isLast in [false, false, true] {
            do {
                let present = try await client.read(
                    write.request(reportedBy: controller, instance, fieldManager: client.fieldManager),
                    as: EventWrite.Present.self)
                return aggregator.withLock { [write] in $0.written(write, present, at: stopwatch.elapsed) }
            } catch let error as KubernetesError
                where !isLast
                && (error.isAlreadyExists || error.isConflict || error.isNotFound && write.present != nil)
            {
                write.present = try await present(write.key)
                aggregator.withLock { [write] in $0.found(write.present, for: write) }
            }
        }
    }

    private func present(_ key: ObjectKey) async throws -> EventWrite.Present? {
        do {
            return try await client.read(.get(Event.resourceType, key))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }
}
