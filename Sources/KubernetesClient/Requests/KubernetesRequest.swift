/// One request to the API server, as a value: what is sent, what for, and how long an answer may take.
public struct KubernetesRequest: Hashable, Sendable {
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    public struct QueryItem: Hashable, Sendable {
        public var name: String
        public var value: String
    }

    /// The media type of Kubernetes' Protocol Buffers.
    static let protobuf = "application/vnd.kubernetes.protobuf"

    public var method: Method

    /// Percent-encoded, from the leading slash.
    public var path: String

    /// Not percent-encoded, in the order in which it is sent.
    public var query: [QueryItem] = []
    public var accept = "application/json"
    public var contentType: String?
    public var body: [UInt8] = []

    /// What is being done, as the beginning of an error's description: `list serviceaccounts in all namespaces`.
    public var operation: String

    /// How long to wait for the answer to begin, and for a short answer to be complete.
    public var timeout: Duration = .seconds(30)

    /// Whether the answer goes on for minutes. It then has a connection of its own.
    public var isWatch = false

    public init(_ method: Method, path: String, operation: String) {
        self.method = method
        self.path = path
        self.operation = operation
    }

    /// Path and query as they stand in the request line.
    public var target: String {
        guard !query.isEmpty else { return path }
        let items = query.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }
        return "\(path)?\(items.joined(separator: "&"))"
    }

    mutating func ask(_ name: String, _ value: String?) {
        if let value { query.append(QueryItem(name: name, value: value)) }
    }
}

extension KubernetesRequest {
    /// Something that is not an object: `/version`, `/apis/batch/v1`, `/openid/v1/jwks`.
    public static func nonResource(_ path: String) -> KubernetesRequest {
        let encoded = path.split(separator: "/").map { String($0).percentEncoded }.joined(separator: "/")
        var request = KubernetesRequest(.get, path: "/" + encoded, operation: "get /\(encoded)")
        // The set of keys is JSON by another name, `application/jwk-set+json` (RFC 7517 section 8.5.2).
        request.accept = "application/json, */*"
        return request
    }
}

extension String {
    /// With everything encoded that is not unreserved (RFC 3986 section 2.3), so that it fits any part of a URL.
    var percentEncoded: String {
        let digits = Array("0123456789ABCDEF".utf8)
        var output: [UInt8] = []
        for byte in utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
                UInt8(ascii: "~"):
                output.append(byte)
            default:
                output += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 0xF)]]
            }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
