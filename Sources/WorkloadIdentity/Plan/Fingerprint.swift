internal import Crypto
internal import JSON

/// A short name for some values: equal for equal ones, in every release.
enum Fingerprint {
    /// Twelve hexadecimal digits.
    static func of(_ values: [JSONValue]) -> String {
        var hasher = SHA256()
        for value in values { hasher.update(data: value.serialized()) }
        let digits = hasher.finalize().prefix(6).map { byte in
            let hexadecimal = String(byte, radix: 16)
            return hexadecimal.count == 1 ? "0" + hexadecimal : hexadecimal
        }
        return digits.joined()
    }
}
