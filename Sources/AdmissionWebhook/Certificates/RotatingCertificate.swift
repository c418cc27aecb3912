public import CoreMetrics
public import NIOCertificateReloading
public import NIOSSL
import Synchronization

/// The certificate that a server shows, which may be exchanged while it serves.
///
/// The next handshake gets the new one. Connections that are open notice nothing. A server needs one from the start: as long
/// as the stored one is not at hand, a fresh bundle's will do, while the process is not ready.
public final class RotatingCertificate: CertificateReloader {
    private let current: Mutex<NIOSSLContextConfigurationOverride>
    private let validity: CertificateValidityGauges

    /// - Throws: if the certificate cannot be used for TLS.
    public init(_ certificate: ServingCertificate, metrics: any MetricsFactory) throws(CertificateError) {
        current = Mutex(try certificate.contextOverride)
        validity = CertificateValidityGauges(factory: metrics)
        validity.record(certificate.leaf)
    }

    /// - Throws: if the certificate cannot be used for TLS. The one before it then stays.
    public func install(_ certificate: ServingCertificate) throws(CertificateError) {
        let override = try certificate.contextOverride
        current.withLock { $0 = override }
        validity.record(certificate.leaf)
    }

    public var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        current.withLock { $0 }
    }
}
