internal import KubernetesClient
internal import KubernetesModel
public import Logging
public import Metrics
public import ServiceLifecycle

/// Has a ``Reconciler`` look at each object whose key is added to ``queue``.
///
/// ```swift
/// let controller = Controller("workloadidentity", reconciler: reconciler, after: [accounts.store.waitUntilSynced], …)
/// accounts.store.observe { controller.queue.add($0.key) }
/// ```
public final class Controller: Service {
    public let name: String
    public let queue: WorkQueue

    /// How long an object waits at most while the server does not answer: what is reported of it is wrong for as long after
    /// the server is there again.
    private static let longestWaitForServer = Duration.seconds(4)

    private let reconciler: any Reconciler
    private let concurrency: Int
    private let prerequisites: [@Sendable () async throws -> Void]
    private let metrics: ControllerMetrics
    private let queueMetrics: WorkQueueMetrics
    private let logger: Logger
    private let stopwatch: Stopwatch

    /// - Parameters:
    ///   - name: stands in logs and metrics.
    ///   - concurrency: how many objects are looked at, at the same time.
    ///   - prerequisites: are waited for first; mostly that stores are complete.
    public init(
        _ name: String, reconciler: any Reconciler, concurrency: Int = 4,
        after prerequisites: [@Sendable () async throws -> Void] = [], metrics factory: any MetricsFactory,
        logger: Logger, clock: any Clock<Duration> = .continuous
    ) {
        self.name = name
        self.reconciler = reconciler
        self.concurrency = concurrency
        self.prerequisites = prerequisites
        self.logger = logger
        metrics = ControllerMetrics(controller: name, concurrency: concurrency, factory: factory)
        queueMetrics = WorkQueueMetrics(queue: name, factory: factory)
        queue = WorkQueue(metrics: queueMetrics, clock: clock)
        stopwatch = Stopwatch(clock)
    }

    /// Works until the service is shut down. What is being reconciled by then is finished first.
    public func run() async throws {
        try await withGracefulShutdownHandler {
            guard try await prerequisitesAreMet() else { return }
            await withDiscardingTaskGroup { group in
                while let key = await queue.next(limit: concurrency) {
                    group.addTask { await self.process(key) }
                }
            }
        } onGracefulShutdown: {
            self.queue.shutDown()
        }
    }

    /// - Returns: false if the service was shut down meanwhile.
    private func prerequisitesAreMet() async throws -> Bool {
        do {
            try await cancelWhenGracefulShutdown { [prerequisites] in
                for prerequisite in prerequisites { try await prerequisite() }
            }
            return true
        } catch is CancellationError {
            return false
        }
    }

    private func process(_ key: ObjectKey) async {
        var logger = logger
        logger[metadataKey: "controller"] = "\(name)"
        logger[metadataKey: "k8s.object"] = "\(key)"
        metrics.began()
        let start = stopwatch.elapsed
        await withLogger(logger) { logger in
            do {
                finish(key, try await reconciler.reconcile(key))
            } catch {
                finish(key, error, logger)
            }
        }
        let duration = stopwatch.elapsed - start
        metrics.ended(after: duration)
        queueMetrics.working.record(duration: duration)
    }

    private func finish(_ key: ObjectKey, _ result: ReconcileResult) {
        switch result {
        case .done:
            metrics.succeeded.increment()
            queue.succeeded(key, again: nil)
        case .requeue(let delay):
            metrics.requeued.increment()
            queue.succeeded(key, again: delay)
        }
    }

    private func finish(_ key: ObjectKey, _ error: any Error, _ logger: Logger) {
        switch error {
        case is CancellationError where Task.isCancelled:
            // Work that was broken off is for whoever runs this next.
            queue.succeeded(key, again: .zero)
        case let error as TerminalError:
            logger.error("reconciliation failed for good", error: error.cause)
            metrics.failed(isFinal: true)
            queue.succeeded(key, again: nil)
        default:
            let answer = error as? KubernetesError
            // A conflict is no news: somebody wrote in between, and the next try sees what they wrote. And who leads no more is
            // about to be stopped.
            let isNews = answer?.isConflict != true && answer?.code != .writingNotPermitted
            logger.log(level: isNews ? .warning : .debug, "reconciliation failed", error: error)
            metrics.failed(isFinal: false)
            let maximum = answer?.isUnanswered == true ? Self.longestWaitForServer : nil
            queue.failed(key, retryAfter: answer?.retryAfter, maximum: maximum)
        }
    }
}
