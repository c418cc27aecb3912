import Crypto
import FoundationEssentials
import X509

/// A CA of our own, with its key: it signs serving certificates for one webhook and nothing else.
struct CertificateAuthority: Sendable {
    let certificate: Certificate
    private let privateKey: Certificate.PrivateKey

    private static let name = "admission webhook CA"

    /// Whether a certificate is a CA such as this program makes.
    static func isOurs(_ certificate: Certificate) -> Bool {
        guard let subject = try? DistinguishedName(builder: { CommonName(name) }) else { return false }
        return certificate.subject == subject && certificate.isSigned(by: certificate)
    }

    /// - Throws: if the key is not the certificate's.
    init(certificate: Certificate, privateKey: Certificate.PrivateKey) throws(CertificateError) {
        guard certificate.publicKey == privateKey.publicKey else {
            throw CertificateError("the CA's key is not that of its certificate")
        }
        self.certificate = certificate
        self.privateKey = privateKey
    }

    /// Makes a new CA: a P-256 key, and a certificate that it signed itself.
    init(validFrom now: Date, lifetimes: CertificateLifetimes) throws(CertificateError) {
        do {
            let privateKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let subject = try DistinguishedName { CommonName(Self.name) }
            self.privateKey = privateKey
            certificate = try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: privateKey.publicKey,
                notValidBefore: now.addingTimeInterval(-lifetimes.backdating),
                notValidAfter: now.addingTimeInterval(lifetimes.authority),
                issuer: subject,
                subject: subject,
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                    Critical(KeyUsage(keyCertSign: true, cRLSign: true))
                    SubjectKeyIdentifier(hash: privateKey.publicKey)
                },
                issuerPrivateKey: privateKey)
        } catch {
            throw CertificateError("no CA can be made: \(error)")
        }
    }

    /// Signs a certificate, with a key of its own, for a server of these names. It is never valid longer than the CA.
    func serve(
        _ names: ServingNames,
        validFrom now: Date,
        lifetimes: CertificateLifetimes
    ) throws(CertificateError) -> ServingCertificate {
        do {
            let leafKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
            let leaf = try Certificate(
                version: .v3,
                serialNumber: Certificate.SerialNumber(),
                publicKey: leafKey.publicKey,
                notValidBefore: max(now.addingTimeInterval(-lifetimes.backdating), certificate.notValidBefore),
                notValidAfter: min(now.addingTimeInterval(lifetimes.leaf), certificate.notValidAfter),
                issuer: certificate.subject,
                subject: try DistinguishedName { CommonName("admission webhook") },
                signatureAlgorithm: .ecdsaWithSHA256,
                extensions: try Certificate.Extensions {
                    Critical(BasicConstraints.notCertificateAuthority)
                    Critical(KeyUsage(digitalSignature: true))
                    try ExtendedKeyUsage([.serverAuth])
                    names.subjectAlternativeNames
                    AuthorityKeyIdentifier(
                        keyIdentifier: SubjectKeyIdentifier(hash: certificate.publicKey).keyIdentifier)
                },
                issuerPrivateKey: privateKey)
            return try ServingCertificate(leaf: leaf, privateKey: leafKey)
        } catch {
            throw CertificateError("no certificate can be made for \(names.hosts.joined(separator: ", ")): \(error)")
        }
    }

    var privateKeyPEM: [UInt8] {
        get throws(CertificateError) { try privateKey.pemBytes() }
    }
}
