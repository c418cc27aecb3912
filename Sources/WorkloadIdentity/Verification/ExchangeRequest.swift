internal import JSON

/// An HTTP request by which a token is exchanged for a credential.
public struct ExchangeRequest: Hashable, Sendable {
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
    }

    public var method = Method.post
    public var url: String
    public var headers: [Header]
    public var body: SecretText

    public struct Header: Hashable, Sendable {
        public var name: String
        public var value: SecretText
    }

    static let formType = "application/x-www-form-urlencoded"

    /// The URL's host, with its port if it has one.
    var host: String {
        guard let scheme = url.firstRange(of: "://") else { return "" }
        return String(url[scheme.upperBound...].prefix { $0 != "/" })
    }

    /// Fields as HTML forms send them.
    init(_ url: String, form: [(name: String, value: String)]) {
        self.url = url
        headers = [Header("Content-Type", Self.formType), Header("Accept", "application/json")]
        body = SecretText(form.map { "\($0.name)=\($0.value.formEncoded)" }.joined(separator: "&"))
    }

    init(_ url: String, json: JSONValue, headers: [Header] = []) {
        self.url = url
        self.headers = [Header("Content-Type", "application/json"), Header("Accept", "application/json")] + headers
        body = SecretText(json.serializedString())
    }

    init(getting url: String, headers: [Header]) {
        method = .get
        self.url = url
        self.headers = headers
        body = SecretText("")
    }
}

extension ExchangeRequest.Header {
    init(_ name: String, _ value: String) {
        self.init(name: name, value: SecretText(value))
    }
}

extension String {
    /// With everything encoded that is not unreserved (RFC 3986 section 2.3).
    fileprivate var formEncoded: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in utf8 {
            if byte.isWordByte || "-.~".utf8.contains(byte) {
                output.append(byte)
            } else {
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
