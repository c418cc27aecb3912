import CoreMetrics

/// What one webhook path counts. The label sets are bounded: paths are those that have a handler, outcomes are an enumeration.
public struct AdmissionMetrics: Sendable {
    /// How a review ended.
    public enum Outcome: String, Sendable, CaseIterable {
        case allowed
        /// Allowed, with a patch.
        case patched
        case refused
        /// Not a review: HTTP 4xx.
        case malformed
        /// More than is read: HTTP 413. The webhook's `failurePolicy` decided.
        case tooLarge = "too_large"
        /// Not let in: HTTP 503.
        case overloaded
        /// The handler gave no verdict: HTTP 500.
        case failed
    }

    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "admission_webhook_reviews_total": "Admission reviews answered, by webhook path and outcome.",
        "admission_webhook_review_duration_seconds": "Time from a review's header to its answer, by webhook path.",
        "admission_webhook_reviews_in_flight": "Admission reviews being answered, by webhook path.",
        "admission_webhook_connections": "Connections that are open.",
        "admission_webhook_connections_opened_total": "Connections taken.",
        "admission_webhook_connections_closed_total":
            "Connections closed from here, by reason: a step that took too long, or that there were too many.",
        "lanyard_certificate_start_timestamp_seconds": "When the serving certificate became valid, in Unix time.",
        "lanyard_certificate_expiry_timestamp_seconds": "When the serving certificate expires, in Unix time.",
        "admission_webhook_certificate_failures_total":
            "Times that the certificates, or a registration's trust in them, could not be kept.",
    ]

    private let reviews: [Outcome: Counter]
    private let duration: Timer
    private let inFlight: Meter

    init(path: String, factory: any MetricsFactory) {
        let labels = [("path", path)]
        reviews = Dictionary(
            Outcome.allCases.map { outcome in
                let counter = Counter(
                    label: "admission_webhook_reviews_total",
                    dimensions: labels + [("outcome", outcome.rawValue)],
                    factory: factory)
                return (outcome, counter)
            }, uniquingKeysWith: { first, _ in first })
        duration = Timer(label: "admission_webhook_review_duration_seconds", dimensions: labels, factory: factory)
        inFlight = Meter(label: "admission_webhook_reviews_in_flight", dimensions: labels, factory: factory)
        inFlight.set(0)
    }

    func began() {
        inFlight.increment()
    }

    func ended(_ outcome: Outcome, after duration: Duration) {
        inFlight.decrement()
        reviews[outcome]?.increment()
        self.duration.recordNanoseconds(Int64(duration / .nanoseconds(1)))
    }
}
