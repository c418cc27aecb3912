import CoreMetrics
import Synchronization

/// How values are distributed: how many were at most each bound, how many there were, and their sum.
final class PrometheusHistogram: PrometheusMetric, RecorderHandler, TimerHandler {
    private struct Values {
        /// One for each bound, and one for what is above all. Not cumulative.
        var counts: [Int]
        var sum = 0.0
    }

    private let upperBounds: [Double]
    private let values: Mutex<Values>

    /// - Parameter upperBounds: in rising order.
    init(upperBounds: [Double]) {
        self.upperBounds = upperBounds
        values = Mutex(Values(counts: Array(repeating: 0, count: upperBounds.count + 1)))
    }

    func record(_ value: Int64) {
        record(Double(value))
    }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = upperBounds.firstIndex { value <= $0 } ?? upperBounds.count
        values.withLock { values in
            values.counts[bucket] += 1
            values.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) {
        record(Double(duration) / 1e9)
    }

    func write(_ name: String, _ labels: PrometheusLabels, to text: inout PrometheusText) {
        let values = values.withLock { $0 }
        var count = 0
        for (bound, bucketCount) in zip(upperBounds + [.infinity], values.counts) {
            count += bucketCount
            text.sample(name + "_bucket", labels.adding("le", PrometheusText.number(bound)), Double(count))
        }
        text.sample(name + "_sum", labels, values.sum)
        text.sample(name + "_count", labels, Double(count))
    }
}
