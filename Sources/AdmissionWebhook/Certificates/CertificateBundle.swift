import FoundationEssentials
import X509

/// The certificates of a webhook as they are kept in one Secret: a CA with its key, the CAs before it that may still be in
/// use, and the serving certificate.
///
/// | key of the Secret | what it holds |
/// |---|---|
/// | `ca.crt` | every CA to be trusted, the newest (whose key is `ca.key`) first |
/// | `ca.key` | the key of the newest CA |
/// | `tls.crt`, `tls.key` | the serving certificate |
///
/// ```swift
/// var (bundle, change) = try CertificateBundle.rotating(secret?.data, for: names, at: .now)
/// if change != .none { … }                    // 1. write `bundle.secretData`; on a conflict read again and start again
/// …                                           // 2. put `bundle.caBundlePEM` into every `caBundle`
/// try rotating.install(bundle.servingCertificate)                                 // 3.
/// …                                           // 4. come back at `bundle.nextRotation()`
/// ```
/// The order matters: no certificate is shown before its CA is trusted.
public struct CertificateBundle: Sendable {
    var authority: CertificateAuthority

    /// CAs that sign nothing any more, newest first.
    var retiredAuthorities: [Certificate]

    public internal(set) var servingCertificate: ServingCertificate

    /// A CA and a certificate, both new.
    ///
    /// - Parameter retiredAuthorities: what to go on trusting.
    init(
        for names: ServingNames,
        at now: Date,
        lifetimes: CertificateLifetimes,
        retiredAuthorities: [Certificate] = []
    ) throws(CertificateError) {
        authority = try CertificateAuthority(validFrom: now, lifetimes: lifetimes)
        servingCertificate = try authority.serve(names, validFrom: now, lifetimes: lifetimes)
        self.retiredAuthorities = retiredAuthorities
    }

    /// Every CA to be trusted, newest first, as PEM: what a `caBundle` holds.
    public var caBundlePEM: [UInt8] {
        get throws(CertificateError) {
            var pem: [UInt8] = []
            for certificate in [authority.certificate] + retiredAuthorities { pem += try certificate.pemBytes() }
            return pem
        }
    }
}

// MARK: - The Secret

extension CertificateBundle {
    /// The keys of the Secret's data. `tls.*` are those of the type `kubernetes.io/tls`.
    enum SecretKey {
        static let authorities = "ca.crt"
        static let authorityKey = "ca.key"
        static let certificate = "tls.crt"
        static let certificateKey = "tls.key"
    }

    /// Reads a Secret's data, decoded from base64.
    ///
    /// - Throws: if something is missing, cannot be read, or does not belong together. Whether it is still valid, and for
    ///   which names, is not looked at: that is for ``rotate(for:at:lifetimes:)``.
    public init(secretData: [String: [UInt8]]) throws(CertificateError) {
        func entry(_ key: String) throws(CertificateError) -> [UInt8] {
            guard let bytes = secretData[key] else { throw CertificateError("\(key) is missing") }
            return bytes
        }
        var authorities = try Certificate.all(inPEM: entry(SecretKey.authorities), named: SecretKey.authorities)
        authority = try CertificateAuthority(
            certificate: authorities.removeFirst(),
            privateKey: Certificate.PrivateKey(pem: entry(SecretKey.authorityKey), named: SecretKey.authorityKey))
        retiredAuthorities = authorities
        servingCertificate = try ServingCertificate(
            certificatePEM: entry(SecretKey.certificate),
            privateKeyPEM: entry(SecretKey.certificateKey))
        guard ([authority.certificate] + authorities).contains(where: servingCertificate.leaf.isSigned) else {
            throw CertificateError("the serving certificate is signed by none of the CAs in \(SecretKey.authorities)")
        }
    }

    /// What to store.
    public var secretData: [String: [UInt8]] {
        get throws(CertificateError) {
            [
                SecretKey.authorities: try caBundlePEM,
                SecretKey.authorityKey: try authority.privateKeyPEM,
                SecretKey.certificate: servingCertificate.certificatePEM,
                SecretKey.certificateKey: servingCertificate.privateKeyPEM,
            ]
        }
    }
}
