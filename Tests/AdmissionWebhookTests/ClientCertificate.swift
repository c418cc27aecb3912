import Crypto
import FoundationEssentials
import NIOSSL
import X509

@testable import AdmissionWebhook

/// A CA, and a certificate that it signed for a client, as a cluster has them for its API server.
struct ClientCertificate {
    let authorityPEM: [UInt8]
    private let leaf: Certificate
    private let key = Certificate.PrivateKey(P256.Signing.PrivateKey())

    init() throws {
        let authorityKey = Certificate.PrivateKey(P256.Signing.PrivateKey())
        let authorityName = try DistinguishedName { CommonName("clients") }
        let authority = try Self.certificate(
            for: authorityName, authorityKey.publicKey, by: authorityName, authorityKey,
            try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true))
            })
        authorityPEM = try authority.pemBytes()
        leaf = try Self.certificate(
            for: try DistinguishedName { CommonName("kube-apiserver") }, key.publicKey, by: authorityName, authorityKey,
            try Certificate.Extensions {
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.clientAuth])
            })
    }

    func present(in tls: inout TLSConfiguration) throws {
        tls.certificateChain = try NIOSSLCertificate.fromPEMBytes(leaf.pemBytes()).map { .certificate($0) }
        tls.privateKey = .privateKey(try NIOSSLPrivateKey(bytes: key.pemBytes(), format: .pem))
    }

    private static func certificate(
        for subject: DistinguishedName, _ key: Certificate.PublicKey, by issuer: DistinguishedName,
        _ issuerKey: Certificate.PrivateKey, _ extensions: Certificate.Extensions
    ) throws -> Certificate {
        try Certificate(
            version: .v3, serialNumber: Certificate.SerialNumber(), publicKey: key,
            notValidBefore: Date.now.addingTimeInterval(-.hour), notValidAfter: Date.now.addingTimeInterval(.hour),
            issuer: issuer, subject: subject, signatureAlgorithm: .ecdsaWithSHA256, extensions: extensions,
            issuerPrivateKey: issuerKey)
    }
}
