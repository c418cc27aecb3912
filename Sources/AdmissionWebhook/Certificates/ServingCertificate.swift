public import FoundationEssentials
import NIOSSL
import X509

/// A certificate with its key: what a server shows to those that connect to it.
public struct ServingCertificate: Sendable {
    let leaf: Certificate

    /// The certificate, and after it those that lead to its CA, if there are any.
    public let certificatePEM: [UInt8]

    public let privateKeyPEM: [UInt8]

    /// Reads `tls.crt` and `tls.key`.
    ///
    /// - Throws: if either is no PEM, or the key is not that of the first certificate.
    public init(certificatePEM: [UInt8], privateKeyPEM: [UInt8]) throws(CertificateError) {
        let chain = try Certificate.all(inPEM: certificatePEM, named: "the serving certificate")
        let privateKey = try Certificate.PrivateKey(pem: privateKeyPEM, named: "the serving certificate's key")
        guard let leaf = chain.first, leaf.publicKey == privateKey.publicKey else {
            throw CertificateError("the serving certificate's key is not that of the certificate")
        }
        self.leaf = leaf
        self.certificatePEM = certificatePEM
        self.privateKeyPEM = privateKeyPEM
    }

    init(leaf: Certificate, privateKey: Certificate.PrivateKey) throws(CertificateError) {
        self.leaf = leaf
        certificatePEM = try leaf.pemBytes()
        privateKeyPEM = try privateKey.pemBytes()
    }

    /// From when on nobody accepts it any more.
    public var notValidAfter: Date { leaf.notValidAfter }

    /// Whether who trusts these CAs, in PEM, trusts this certificate. Its names and dates are not looked at.
    public func isTrusted(by caBundle: [UInt8]) -> Bool {
        let chain = try? Certificate.all(inPEM: certificatePEM, named: "the serving certificate")
        return chain?.isTrusted(by: caBundle) ?? false
    }
}

/// Whatever is printed, logged or dumped with a certificate in it does not show the key.
extension ServingCertificate: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "a certificate of \(leaf.subject), serial number \(leaf.serialNumber)" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["leaf": leaf]) }
}

extension ServingCertificate {
    /// What SwiftNIO's TLS shows at its next handshake.
    var contextOverride: NIOSSLContextConfigurationOverride {
        get throws(CertificateError) {
            do {
                var override = NIOSSLContextConfigurationOverride()
                override.certificateChain = try NIOSSLCertificate.fromPEMBytes(certificatePEM).map { .certificate($0) }
                override.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: privateKeyPEM, format: .pem))
                return override
            } catch {
                throw CertificateError("the serving certificate cannot be used for TLS: \(error)")
            }
        }
    }
}
