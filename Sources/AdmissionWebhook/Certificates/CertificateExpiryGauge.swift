import CoreMetrics
import FoundationEssentials

/// `lanyard_certificate_expiry_timestamp_seconds`: alert on it, and a rotation that fails is seen weeks ahead.
struct CertificateExpiryGauge: Sendable {
    private let gauge: Gauge

    init(factory: any MetricsFactory) {
        gauge = Gauge(label: "lanyard_certificate_expiry_timestamp_seconds", factory: factory)
    }

    func record(_ notValidAfter: Date) {
        gauge.record(notValidAfter.timeIntervalSince1970)
    }
}
