import Crypto
import FoundationEssentials
import NIOSSL
import SwiftASN1
import X509

/// A certificate for 127.0.0.1 that is its own CA.
struct SelfSigned {
    let pem: String
    private let key: P256.Signing.PrivateKey

    init() throws {
        let key = P256.Signing.PrivateKey()
        let keyIdentifier = SubjectKeyIdentifier(hash: .init(key.publicKey))
        let name = try DistinguishedName { CommonName("a test") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey), notValidBefore: .now - 3600,
            notValidAfter: .now + 3600, issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try .init {
                // By these one of several CAs of the same name is told from the others, as those of a cluster are.
                keyIdentifier
                AuthorityKeyIdentifier(keyIdentifier: keyIdentifier.keyIdentifier)
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: nil))
                SubjectAlternativeNames([.ipAddress(ASN1OctetString(contentBytes: [127, 0, 0, 1]))])
            }, issuerPrivateKey: .init(key))
        self.key = key
        pem = try certificate.serializeAsPEM().pemString
    }

    var serverConfiguration: TLSConfiguration {
        get throws {
            .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMBytes(Array(pem.utf8)).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(bytes: Array(key.pemRepresentation.utf8), format: .pem)))
        }
    }
}
