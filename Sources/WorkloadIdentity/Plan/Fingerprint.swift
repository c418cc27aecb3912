internal import Crypto
internal import JSON

/// A short name for some values: equal for equal ones, in every release.
public enum Fingerprint {
    /// Twelve hexadecimal digits.
    static func of(_ values: [JSONValue]) -> String {
        var hasher = SHA256()
        for value in values { hasher.update(data: value.serialized()) }
        return hexadecimal(hasher.finalize().prefix(6))
    }

    /// Eight hexadecimal digits of a text's SHA-256.
    public static func of(_ text: String) -> String {
        hexadecimal(SHA256.hash(data: Array(text.utf8)).prefix(4))
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in (byte < 0x10 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
