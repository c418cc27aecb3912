import SwiftASN1
import X509

extension Certificate {
    /// All certificates of a PEM text, in order.
    static func all(inPEM pem: [UInt8], named name: String) throws(CertificateError) -> [Certificate] {
        let certificates: [Certificate]
        do {
            certificates = try PEMDocument.parseMultiple(pemString: String(decoding: pem, as: UTF8.self)).map {
                try Certificate(pemDocument: $0)
            }
        } catch {
            throw CertificateError("\(name) is not a PEM certificate: \(error)")
        }
        guard !certificates.isEmpty else { throw CertificateError("\(name) holds no certificate") }
        return certificates
    }

    func pemBytes() throws(CertificateError) -> [UInt8] {
        try pem { try serializeAsPEM() }
    }

    /// Whether the holder of an authority's key signed this certificate.
    func isSigned(by authority: Certificate) -> Bool {
        issuer == authority.subject && authority.publicKey.isValidSignature(signature, for: self)
    }
}

extension [Certificate] {
    /// Whether one of a chain is among these CAs, in PEM, or signed by one of them.
    func isTrusted(by caBundle: [UInt8]) -> Bool {
        guard let authorities = try? Certificate.all(inPEM: caBundle, named: "the CA bundle") else { return false }
        return contains { certificate in
            authorities.contains { $0 == certificate || certificate.isSigned(by: $0) }
        }
    }
}

extension Certificate.PrivateKey {
    init(pem: [UInt8], named name: String) throws(CertificateError) {
        do {
            try self.init(pemEncoded: String(decoding: pem, as: UTF8.self))
        } catch {
            // Not the error itself: what it quotes could be of the key.
            throw CertificateError("\(name) is not a PEM private key")
        }
    }

    func pemBytes() throws(CertificateError) -> [UInt8] {
        try pem { try serializeAsPEM() }
    }
}

/// A PEM text that ends in a line break, so that texts can be put one after the other.
private func pem(_ serialize: () throws -> PEMDocument) throws(CertificateError) -> [UInt8] {
    do {
        return Array(try serialize().pemString.utf8) + [UInt8(ascii: "\n")]
    } catch {
        throw CertificateError("a certificate or key cannot be written as PEM: \(error)")
    }
}
