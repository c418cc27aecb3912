public import CoreMetrics
public import Logging
public import NIOCertificateReloading
public import NIOSSL
public import ServiceLifecycle
import SwiftASN1
import X509

/// A serving certificate in a directory, such as cert-manager and the kubelet keep one: `tls.crt` and `tls.key`, read again
/// and again.
///
/// A pair that cannot be read or does not fit together is logged, and the last good one stays.
public struct MountedCertificate: CertificateReloader, Service {
    private let reloader: TimedCertificateReloader

    /// Reads the certificate for the first time.
    ///
    /// - Parameter refreshInterval: how often to look. The kubelet itself needs up to a minute to bring a change.
    /// - Throws: if there is no certificate, no key, or they do not fit together.
    public init(
        directory: String,
        refreshInterval: Duration = .seconds(30),
        metrics: any MetricsFactory,
        logger: Logger
    ) throws(CertificateError) {
        let validity = CertificateValidityGauges(factory: metrics)
        let configuration = TimedCertificateReloader.Configuration(
            refreshInterval: refreshInterval,
            certificateSource: .init(location: .file(path: "\(directory)/tls.crt"), format: .pem),
            privateKeySource: .init(location: .file(path: "\(directory)/tls.key"), format: .pem)
        ) { configuration in
            configuration.onCertificateLoaded = { loaded in
                guard let leaf = loaded.currentX509CertificateChain.first,
                    leaf != loaded.previousX509CertificateChain?.first
                else { return }
                validity.record(leaf)
                logger.info(
                    "serving certificate loaded",
                    metadata: ["directory": "\(directory)", "certificate.expires": "\(leaf.notValidAfter)"])
            }
            configuration.onCertificateLoadFailed = { failure in
                logger.warning(
                    "serving certificate cannot be loaded",
                    metadata: ["directory": "\(directory)", "reason": "\(failure.error)"])
            }
        }
        do {
            reloader = try TimedCertificateReloader.makeReloaderValidatingSources(configuration: configuration)
        } catch {
            throw CertificateError("the certificate in \(directory) cannot be used: \(error)")
        }
    }

    public func run() async throws {
        try await reloader.run()
    }

    /// Looks now.
    func reload() throws {
        try reloader.reload()
    }

    /// Whether who trusts these CAs, in PEM, trusts the certificate as it is now. Its names and dates are not looked at.
    public func isTrusted(by caBundle: [UInt8]) -> Bool {
        let chain = (sslContextConfigurationOverride.certificateChain ?? []).compactMap { source -> Certificate? in
            guard case .certificate(let certificate) = source else { return nil }
            return try? Certificate(derEncoded: certificate.toDERBytes())
        }
        return chain.isTrusted(by: caBundle)
    }

    public var sslContextConfigurationOverride: NIOSSLContextConfigurationOverride {
        reloader.sslContextConfigurationOverride
    }
}
