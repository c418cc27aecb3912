internal import Metrics

// Names and labels are controller-runtime's and client-go's, so that dashboards made for those work.

struct ControllerMetrics: Sendable {
    let succeeded: Counter
    let requeued: Counter
    let failed: Counter
    let terminallyFailed: Counter
    let duration: Metrics.Timer
    let activeWorkers: Meter

    init(controller: String, factory: any MetricsFactory) {
        let dimensions = [("controller", controller)]
        func result(_ result: String) -> Counter {
            Counter(
                label: "controller_runtime_reconcile_total", dimensions: dimensions + [("result", result)],
                factory: factory)
        }
        succeeded = result("success")
        requeued = result("requeue_after")
        failed = result("error")
        terminallyFailed = Counter(
            label: "controller_runtime_terminal_reconcile_errors_total", dimensions: dimensions, factory: factory)
        duration = Timer(
            label: "controller_runtime_reconcile_time_seconds", dimensions: dimensions, factory: factory)
        activeWorkers = Meter(label: "controller_runtime_active_workers", dimensions: dimensions, factory: factory)
    }
}

struct WorkQueueMetrics: Sendable {
    let depth: Gauge
    let adds: Counter
    let retries: Counter

    /// How long keys wait before they are worked on.
    let waiting: Metrics.Timer

    init(queue: String, factory: any MetricsFactory) {
        let dimensions = [("name", queue)]
        depth = Gauge(label: "workqueue_depth", dimensions: dimensions, factory: factory)
        adds = Counter(label: "workqueue_adds_total", dimensions: dimensions, factory: factory)
        retries = Counter(label: "workqueue_retries_total", dimensions: dimensions, factory: factory)
        waiting = Timer(label: "workqueue_queue_duration_seconds", dimensions: dimensions, factory: factory)
    }
}
