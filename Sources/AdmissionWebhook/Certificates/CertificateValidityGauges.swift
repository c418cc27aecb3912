import CoreMetrics
import FoundationEssentials
import X509

/// From when until when the certificate that a server shows is valid. Alert on how much of that is left, and a rotation that
/// fails is seen ahead, however long certificates live.
struct CertificateValidityGauges: Sendable {
    private let start: Gauge
    private let expiry: Gauge

    init(factory: any MetricsFactory) {
        start = Gauge(label: "lanyard_certificate_start_timestamp_seconds", factory: factory)
        expiry = Gauge(label: "lanyard_certificate_expiry_timestamp_seconds", factory: factory)
    }

    func record(_ certificate: Certificate) {
        start.record(certificate.notValidBefore.timeIntervalSince1970)
        expiry.record(certificate.notValidAfter.timeIntervalSince1970)
    }
}
