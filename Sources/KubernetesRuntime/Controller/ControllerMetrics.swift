internal import Metrics

// Names and labels are controller-runtime's and client-go's, so that dashboards made for those work.

extension Controller {
    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "controller_runtime_reconcile_total": "Reconciliations, by controller and result.",
        "controller_runtime_reconcile_errors_total": "Reconciliations that failed, by controller.",
        "controller_runtime_terminal_reconcile_errors_total":
            "Reconciliations that failed for good, by controller: they are not tried again until the object changes.",
        "controller_runtime_reconcile_time_seconds": "How long reconciliations take, by controller.",
        "controller_runtime_active_workers": "Reconciliations under way, by controller.",
        "controller_runtime_max_concurrent_reconciles": "Most reconciliations at the same time, by controller.",
        "workqueue_depth": "Objects that wait to be reconciled, by queue.",
        "workqueue_adds_total": "Objects added to a queue, by queue.",
        "workqueue_retries_total": "Objects added again after a failure, by queue.",
        "workqueue_queue_duration_seconds": "How long objects wait in a queue, by queue.",
        "workqueue_work_duration_seconds": "How long working on an object from a queue takes, by queue.",
    ]
}

struct ControllerMetrics: Sendable {
    let succeeded: Counter
    let requeued: Counter
    private let failed: Counter
    private let errors: Counter
    private let terminalErrors: Counter
    private let duration: Metrics.Timer
    private let activeWorkers: Meter

    init(controller: String, concurrency: Int, factory: any MetricsFactory) {
        let dimensions = [("controller", controller)]
        func result(_ result: String) -> Counter {
            Counter(
                label: "controller_runtime_reconcile_total", dimensions: dimensions + [("result", result)],
                factory: factory)
        }
        succeeded = result("success")
        requeued = result("requeue_after")
        failed = result("error")
        errors = Counter(
            label: "controller_runtime_reconcile_errors_total", dimensions: dimensions, factory: factory)
        terminalErrors = Counter(
            label: "controller_runtime_terminal_reconcile_errors_total", dimensions: dimensions, factory: factory)
        duration = Timer(
            label: "controller_runtime_reconcile_time_seconds", dimensions: dimensions, factory: factory)
        activeWorkers = Meter(label: "controller_runtime_active_workers", dimensions: dimensions, factory: factory)
        activeWorkers.set(0)
        Meter(label: "controller_runtime_max_concurrent_reconciles", dimensions: dimensions, factory: factory)
            .set(concurrency)
    }

    func began() {
        activeWorkers.increment()
    }

    func ended(after duration: Duration) {
        self.duration.record(duration: duration)
        activeWorkers.decrement()
    }

    /// - Parameter isFinal: whether it is not tried again.
    func failed(isFinal: Bool) {
        failed.increment()
        errors.increment()
        if isFinal { terminalErrors.increment() }
    }
}

struct WorkQueueMetrics: Sendable {
    let depth: Gauge
    let adds: Counter
    let retries: Counter

    /// How long keys wait before they are worked on.
    let waiting: Metrics.Timer

    /// How long they are worked on.
    let working: Metrics.Timer

    init(queue: String, factory: any MetricsFactory) {
        let dimensions = [("name", queue)]
        depth = Gauge(label: "workqueue_depth", dimensions: dimensions, factory: factory)
        adds = Counter(label: "workqueue_adds_total", dimensions: dimensions, factory: factory)
        retries = Counter(label: "workqueue_retries_total", dimensions: dimensions, factory: factory)
        waiting = Timer(label: "workqueue_queue_duration_seconds", dimensions: dimensions, factory: factory)
        working = Timer(label: "workqueue_work_duration_seconds", dimensions: dimensions, factory: factory)
    }
}
