import Synchronization

/// The metrics of this process, as Prometheus reads them: text exposition format 0.0.4
/// (<https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format>).
///
/// ``PrometheusMetricsFactory`` puts metrics in. Each name has one type; series of a name differ in their labels.
public final class PrometheusRegistry: Sendable {
    /// The `Content-Type` of ``exposition()``.
    public static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    /// Upper bounds for durations, in seconds: half a millisecond to ten seconds.
    public static let durationBuckets = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
    ]

    /// Upper bounds for other histograms: sizes and counts up to a million.
    public static let sizeBuckets: [Double] = [1, 4, 16, 64, 256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576]

    private struct Family {
        let type: PrometheusType
        var series: [PrometheusLabels: any PrometheusMetric] = [:]
    }

    private let families = Mutex<[String: Family]>([:])
    private let help: [String: String]
    private let buckets: [String: [Double]]

    /// - Parameters:
    ///   - help: what metrics are, by name, in a sentence.
    ///   - buckets: upper bounds, by name, for histograms to which the common ones do not fit. In rising order.
    public init(help: [String: String] = [:], buckets: [String: [Double]] = [:]) {
        self.help = help
        self.buckets = buckets
    }

    /// All metrics, by name and then by labels.
    public func exposition() -> [UInt8] {
        var text = PrometheusText()
        for (name, family) in families.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            text.begin(name, family.type, help: help[name])
            for (labels, metric) in family.series.sorted(by: { $0.key.text < $1.key.text }) {
                metric.write(name, labels, to: &text)
            }
        }
        return text.bytes
    }

    func histogram(_ name: String, _ labels: PrometheusLabels, buckets common: [Double]) -> PrometheusHistogram {
        metric(name, labels, .histogram) { PrometheusHistogram(upperBounds: buckets[name] ?? common) }
    }

    func counter(_ name: String, _ labels: PrometheusLabels) -> PrometheusCounter {
        metric(name, labels, .counter) { PrometheusCounter() }
    }

    func gauge(_ name: String, _ labels: PrometheusLabels) -> PrometheusGauge {
        metric(name, labels, .gauge) { PrometheusGauge() }
    }

    /// Forgets a series, and its name with the last of them.
    func remove(_ metric: AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                guard let labels = family.series.first(where: { $0.value === metric })?.key else { continue }
                families[name]?.series[labels] = nil
                if families[name]?.series.isEmpty == true { families[name] = nil }
                return
            }
        }
    }

    /// The series of this name and these labels, made if there is none yet.
    ///
    /// A name that has another type already is a mistake of the program. The metric then works but is not shown, since a
    /// scraper would refuse the whole exposition.
    private func metric<Metric: PrometheusMetric>(
        _ name: String,
        _ labels: PrometheusLabels,
        _ type: PrometheusType,
        make: () -> Metric
    ) -> Metric {
        families.withLock { families in
            var family = families[name] ?? Family(type: type)
            guard family.type == type else {
                assertionFailure("the metric \(name) is a \(family.type), and cannot be a \(type) as well")
                return make()
            }
            if let known = family.series[labels] as? Metric { return known }
            let metric = make()
            family.series[labels] = metric
            families[name] = family
            return metric
        }
    }
}
