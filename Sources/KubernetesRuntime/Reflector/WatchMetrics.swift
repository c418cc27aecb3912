internal import CoreMetrics
internal import KubernetesModel

/// When a ``Reflector`` last heard of its API server.
public struct WatchMetrics: Sendable {
    /// What the metric is, by name, for `# HELP`.
    public static let help = [
        "kubernetes_watch_last_heard_timestamp_seconds":
            "When the API server last said anything of the objects that are followed, in Unix time."
    ]

    private let lastHeard: Gauge

    /// Says "now", from which on what is never heard of ages.
    ///
    /// - Parameters:
    ///   - resource: the kind's plural.
    ///   - selector: tells those apart that follow some objects of the same kind. Both are the program's own, and so are few.
    init(resource: String, selector: String?, factory: any MetricsFactory) {
        lastHeard = Gauge(
            label: "kubernetes_watch_last_heard_timestamp_seconds",
            dimensions: [("resource", resource), ("selector", selector ?? "")], factory: factory)
        heard()
    }

    func heard() {
        lastHeard.record(Timestamp.now.seconds)
    }
}
