public import CoreMetrics

/// Makes swift-metrics' metrics in a ``PrometheusRegistry``.
///
/// | swift-metrics | Prometheus |
/// |---|---|
/// | `Counter`, `FloatingPointCounter` | counter |
/// | `Meter`, `Gauge` (a `Recorder` that does not aggregate) | gauge |
/// | `Recorder` | histogram |
/// | `Timer` | histogram of seconds; the name gets the suffix `_seconds` if it has not |
///
/// Characters that Prometheus does not allow in a name become underscores. Asking twice for a name with the same labels gives
/// the same metric.
public struct PrometheusMetricsFactory: MetricsFactory {
    private let registry: PrometheusRegistry

    public init(registry: PrometheusRegistry) {
        self.registry = registry
    }

    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        registry.counter(.metricName(label), PrometheusLabels(dimensions))
    }

    public func makeFloatingPointCounter(
        label: String,
        dimensions: [(String, String)]
    ) -> any FloatingPointCounterHandler {
        registry.counter(.metricName(label), PrometheusLabels(dimensions))
    }

    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        registry.gauge(.metricName(label), PrometheusLabels(dimensions))
    }

    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        let name = String.metricName(label)
        let labels = PrometheusLabels(dimensions)
        return aggregate
            ? registry.histogram(name, labels, buckets: PrometheusRegistry.sizeBuckets)
            : registry.gauge(name, labels)
    }

    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        let name = String.metricName(label)
        return registry.histogram(
            name.hasSuffix("_seconds") ? name : name + "_seconds",
            PrometheusLabels(dimensions),
            buckets: PrometheusRegistry.durationBuckets)
    }

    public func destroyCounter(_ handler: any CounterHandler) { registry.remove(handler) }

    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { registry.remove(handler) }

    public func destroyMeter(_ handler: any MeterHandler) { registry.remove(handler) }

    public func destroyRecorder(_ handler: any RecorderHandler) { registry.remove(handler) }

    public func destroyTimer(_ handler: any TimerHandler) { registry.remove(handler) }
}
