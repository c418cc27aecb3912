/// RFC 4648 section 5, without padding, as JSON Web Keys have it.
enum Base64URL {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)

    static func value(of byte: UInt8) -> UInt8? {
        alphabet.firstIndex(of: byte).map { UInt8(truncatingIfNeeded: $0) }
    }

    static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var output: [UInt8] = []
        var (bits, count) = (UInt32(0), 0)
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                output.append(alphabet[Int(bits >> UInt32(count) & 0x3F)])
            }
            bits &= 0x3F
        }
        if count > 0 { output.append(alphabet[Int(bits << UInt32(6 - count) & 0x3F)]) }
        return String(decoding: output, as: UTF8.self)
    }

    /// How many bits the number has that a text stands for, without its leading zeros; `nil` if it is no base64url.
    static func bitWidth(of text: String) -> Int? {
        let digits = text.utf8.map(value)
        guard !digits.contains(nil) else { return nil }
        guard let first = digits.firstIndex(where: { $0 != 0 }), let digit = digits[first] else { return 0 }
        // The last digit has bits of no byte.
        return max(0, digits.count * 6 / 8 * 8 - first * 6 - digit.leadingZeroBitCount + 2)
    }
}
