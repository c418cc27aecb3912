/// Why a certificate or key cannot be used or made. The message never holds a key.
public struct CertificateError: Error, Hashable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
