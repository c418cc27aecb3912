import CoreMetrics

/// A value that only rises, until the process ends.
final class PrometheusCounter: PrometheusMetric, CounterHandler, FloatingPointCounterHandler {
    private let value = AtomicDouble()

    func increment(by amount: Int64) {
        increment(by: Double(amount))
    }

    /// Less than nothing is ignored: to Prometheus a counter that falls has started again.
    func increment(by amount: Double) {
        if amount > 0 { value.add(amount) }
    }

    func reset() {
        value.store(0)
    }

    func write(_ name: String, _ labels: PrometheusLabels, to text: inout PrometheusText) {
        text.sample(name, labels, value.load())
    }
}
