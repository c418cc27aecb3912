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
/// Recording never waits and never fails. What is said again within six minutes is counted on the event that is there.
/// Events that cannot be written are logged; if there are too many, new ones are dropped and counted.
public final class EventRecorder: Service {
    private let client: KubernetesClient
    private let controller: String
    private let instance: String
    private let logger: Logger
    private let stopwatch: Stopwatch
    private let dropped: Counter
    private let signal = Signal()
    private let aggregator = Mutex(EventAggregator())

    /// - Parameters:
    ///   - controller: who reports, as a domain and a name: `lanyard.dev/controller`.
    ///   - instance: which of several that do: the pod's name.
    public init(
        client: KubernetesClient, controller: String, instance: String, metrics factory: any MetricsFactory,
        logger: Logger, clock: any Clock<Duration> = .continuous
    ) {
        self.client = client
        self.controller = controller
        self.instance = instance
        self.logger = logger
        stopwatch = Stopwatch(clock)
        dropped = Counter(
            label: "kubernetes_events_dropped_total", dimensions: [("controller", controller)], factory: factory)
    }

    public func record(_ event: ObjectEvent) {
        let isRecorded = aggregator.withLock {
            $0.record(event, at: stopwatch.elapsed, time: .now, identifier: .random(in: 0 ... .max))
        }
        if !isRecorded { dropped.increment() }
        signal.send()
    }

    /// Writes events until the service is shut down, and then those that are not written yet.
    public func run() async throws {
        await cancelWhenGracefulShutdown { await self.writeAll() }
        if Task.isShuttingDownGracefully { await writeRest() }
    }

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

    /// Gives up at the first failure: nobody should wait for events.
    private func writeRest() async {
        while case .write(let write) = aggregator.withLock({ $0.next(at: stopwatch.elapsed) }), await succeeds(write) {}
    }

    /// - Returns: false if it may be tried again later.
    private func succeeds(_ write: EventAggregator.Write) async -> Bool {
        do {
            _ = try await client.send(request(for: write))
            aggregator.withLock { $0.written(write, at: stopwatch.elapsed) }
        } catch let error as KubernetesError where error.isNotFound && write.isRepetition {
            aggregator.withLock { $0.vanished(write) }
        } catch let error as KubernetesError where !error.isRetryable {
            logger.warning("event refused", error: error, metadata: ["k8s.event.reason": "\(write.event.reason)"])
            aggregator.withLock { $0.refused(write) }
        } catch {
            if !Task.isCancelled { logger.info("event not written yet", error: error) }
            return false
        }
        return true
    }

    private func request(for write: EventAggregator.Write) -> KubernetesRequest {
        let type = Event.resourceType
        if write.isRepetition {
            return .patch(type, write.key, .merge(["series": write.series]), fieldManager: client.fieldManager)
        }
        return .create(
            type, write.object(reportedBy: controller, instance), in: write.key.namespace,
            fieldManager: client.fieldManager)
    }
}
