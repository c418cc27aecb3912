import JSON
import Testing

@testable import WorkloadIdentity

@Suite struct IssuerKeyTests {
    /// The key of RFC 7638 section 3.1.
    private static let modulus =
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        + "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
        + "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awa"
        + "pJzKnqDKgw"

    @Test("a key's fingerprint is that of RFC 7638, whatever its kid and use")
    func thumbprint() throws {
        let key = try #require(
            IssuerKey([
                "kty": "RSA", "n": .string(Self.modulus), "e": "AQAB", "alg": "RS256", "kid": "2011-04-29",
                "use": "sig",
            ]))
        #expect(key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs")
        #expect(key.bits == 2048)
        #expect(key.size == "RSA 2048")
        let plain = try #require(IssuerKey(["e": "AQAB", "n": .string(Self.modulus), "kty": "RSA"]))
        #expect(plain.thumbprint == key.thumbprint)
        #expect(plain.name == key.thumbprint && plain.algorithm == nil)
    }

    @Test(
        "what is no key of a known type is passed over, and so is a value that is no base64url",
        arguments: [
            #"{"kty": "oct", "k": "AAAA"}"#, #"{"kty": "RSA", "n": "AQAB"}"#,
            #"{"kty": "RSA", "n": "a\"b", "e": "AQAB"}"#,
            #"{"kty": "EC", "crv": "P-256", "x": "", "y": "AA"}"#, #"{"kid": "a"}"#, "3", "null",
        ])
    func unknown(json: String) throws {
        #expect(IssuerKey(try JSONValue(parsing: Array(json.utf8))) == nil)
    }

    @Test("a private part that somebody put into a file stays out")
    func keepsPrivatePartsOut() throws {
        let key = try #require(
            IssuerKey(["kty": "EC", "crv": "P-384", "x": "AA", "y": "AB", "d": "secret", "kid": "k"]))
        #expect(key.json == ["kty": "EC", "crv": "P-384", "x": "AA", "y": "AB", "kid": "k"])
        #expect(key.algorithm == "ES384" && key.size == "EC P-384")
    }

    @Test(
        "a modulus has the bits of its number, without leading zeros",
        arguments: [
            ("", 0), ("AA", 0), ("AQ", 1), ("_w", 8), ("AQAB", 17), ("AAEAAQ", 17), ("gAA", 16), ("%", nil),
        ] as [(String, Int?)])
    func bits(text: String, bits: Int?) {
        #expect(Base64URL.bitWidth(of: text) == bits)
    }

    @Test("a set has each key once, in one order, and Anthropic's form says how it was given")
    func set() throws {
        let (a, b) = (Keys.key("a"), Keys.key("b"))
        let set = IssuerKeySet([b, a, b])
        #expect(set.keys.count == 2 && set == IssuerKeySet([a, b]))
        #expect(IssuerKeySet(document: set.json) == set)
        #expect(set.json(for: "anthropic")["type"] == "inline")
        #expect(IssuerKeySet(document: set.json(for: "anthropic")) == set)
        #expect(set.json(for: "google-vertex") == set.json)
        #expect(IssuerKeySet(document: ["issuer": "https://a"]) == nil)
        #expect(UploadedKeys(["openai": UploadedKeys.note(of: set)])["openai"] == set.thumbprints)
    }

    @Test("a key counts until ten minutes after it was seen last, since each API server shows its own set")
    func recent() {
        var recent = RecentIssuerKeys()
        recent.note(Keys.set("old"), at: .zero)
        recent.note(Keys.set("old", "new"), at: .seconds(60))
        #expect(recent.set == Keys.set("old", "new"))
        recent.note(Keys.set("old"), at: .seconds(75))
        #expect(recent.set == Keys.set("old", "new"))
        recent.note(Keys.set("new"), at: .seconds(660))
        #expect(recent.set == Keys.set("old", "new"))
        recent.note(Keys.set("new"), at: .seconds(676))
        #expect(recent.set == Keys.set("new"))
    }
}

/// Keys that are told apart by their names.
enum Keys {
    static func key(_ name: String, bits: Int = 2048, algorithm: String = "RS256", id: Bool = true) -> IssuerKey {
        // Of the length, and with the name in it.
        let letters = String(repeating: "_", count: (bits + 5) / 6 - name.count) + name
        var json: JSONValue = ["kty": "RSA", "n": .string(letters), "e": "AQAB", "alg": .string(algorithm)]
        if algorithm.hasPrefix("ES") {
            json = ["kty": "EC", "crv": "P-256", "x": .string(name), "y": "AA", "alg": .string(algorithm)]
        }
        if id { json["kid"] = .string(name) }
        guard let key = IssuerKey(json) else { preconditionFailure("a key of the test is none: \(json)") }
        return key
    }

    static func set(_ names: String...) -> IssuerKeySet { IssuerKeySet(names.map { key($0) }) }
}
