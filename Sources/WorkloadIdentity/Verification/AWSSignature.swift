internal import Crypto

/// Signature Version 4 of a request to the root of a host, without a query.
///
/// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
struct AWSSignature {
    let keys: AWSKeys
    let region: String
    let service: String
    /// `20150830T123600Z`
    let time: String

    /// - Parameter time: RFC 3339 in UTC with whole seconds, `2015-08-30T12:36:00Z`.
    init(by keys: AWSKeys, region: String, service: String, at time: String) {
        self.keys = keys
        self.region = region
        self.service = service
        self.time = time.filter { $0 != "-" && $0 != ":" }
    }

    /// The headers to add to a request.
    ///
    /// - Parameter headers: those that are sent besides and signed, with `Host`.
    func headers(
        for method: String, _ headers: [(name: String, value: String)], body: String
    ) -> [ExchangeRequest.Header] {
        var added = [ExchangeRequest.Header("X-Amz-Date", time)]
        if let token = keys.sessionToken { added.append(.init(name: "X-Amz-Security-Token", value: token)) }
        let signed = (headers + added.map { ($0.name, $0.value.revealed) })
            .map { (name: $0.name.lowercased(), value: $0.value) }.sorted { $0.name < $1.name }
        let names = signed.map(\.name).joined(separator: ";")
        let request = [
            method, "/", "", signed.map { "\($0.name):\($0.value)\n" }.joined(), names, Self.hash(of: body),
        ].joined(separator: "\n")
        let scope = "\(time.prefix(8))/\(region)/\(service)/aws4_request"
        let text = ["AWS4-HMAC-SHA256", time, scope, Self.hash(of: request)].joined(separator: "\n")
        let signature = Self.hexadecimal(Self.code(of: text, by: signingKey))
        let authorization =
            "AWS4-HMAC-SHA256 Credential=\(keys.id)/\(scope), SignedHeaders=\(names), Signature=\(signature)"
        return added + [ExchangeRequest.Header("Authorization", authorization)]
    }

    private var signingKey: SymmetricKey {
        [String(time.prefix(8)), region, service, "aws4_request"].reduce(
            SymmetricKey(data: Array("AWS4\(keys.secret.revealed)".utf8))
        ) { key, part in SymmetricKey(data: Self.code(of: part, by: key)) }
    }

    private static func code(of text: String, by key: SymmetricKey) -> HMAC<SHA256>.MAC {
        HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: key)
    }

    private static func hash(of text: String) -> String {
        hexadecimal(SHA256.hash(data: Array(text.utf8)))
    }

    private static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { byte in (byte < 0x10 ? "0" : "") + String(byte, radix: 16) }.joined()
    }
}
