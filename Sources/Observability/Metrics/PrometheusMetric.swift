/// One series of a metric: a value that changes, and how it is shown.
protocol PrometheusMetric: AnyObject, Sendable {
    func write(_ name: String, _ labels: PrometheusLabels, to text: inout PrometheusText)
}

/// The types of the exposition format that are used here.
enum PrometheusType: String, Sendable {
    case counter, gauge, histogram
}
