import KubernetesModel
import Testing

@Suite("Base64")
struct Base64Tests {
    /// RFC 4648 section 10.
    static let vectors: [(String, String)] = [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="),
        ("foobar", "Zm9vYmFy"),
    ]

    @Test("encodes and decodes the vectors of RFC 4648", arguments: vectors)
    func encodes(plain: String, encoded: String) {
        #expect(Base64.encode(Array(plain.utf8)) == encoded)
        #expect(Base64.decode(encoded) == Array(plain.utf8))
    }

    @Test("gives back every byte at every position")
    func roundTrips() {
        for length in 0...5 {
            for byte in UInt8.min...UInt8.max {
                let bytes = (0..<length).map { UInt8(truncatingIfNeeded: Int(byte) &+ $0 &* 67) }
                #expect(Base64.decode(Base64.encode(bytes)) == bytes)
            }
        }
    }

    @Test("passes over line breaks and missing padding")
    func isLenient() {
        #expect(Base64.decode("Zm9v\nYmFy\r\n") == Array("foobar".utf8))
        #expect(Base64.decode("Zm8") == Array("fo".utf8))
    }

    @Test("refuses what is not Base64", arguments: ["Z", "Zm9vY", "Zm9v-", "Zg==Zg==", "Zm 9v", "é"])
    func refuses(text: String) {
        #expect(Base64.decode(text) == nil)
    }
}
