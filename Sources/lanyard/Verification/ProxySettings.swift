internal import AsyncHTTPClient

/// The proxy for https URLs, as `HTTPS_PROXY` and `NO_PROXY` name it, in capitals or not.
///
/// They are read as Go's programs do: https://pkg.go.dev/golang.org/x/net/http/httpproxy#Config, but for ranges of addresses.
struct ProxySettings: Sendable {
    private let proxy: HTTPClient.Configuration.Proxy?
    private let exceptions: [String]

    /// - Throws: if the proxy's URL cannot be read, or is not `http`.
    init(_ environment: [String: String]) throws(UsageProblem) {
        func value(_ name: String) -> String {
            environment[name].flatMap { $0.isEmpty ? nil : $0 } ?? environment[name.lowercased()] ?? ""
        }
        let url = value("HTTPS_PROXY")
        proxy = url.isEmpty ? nil : try Self.proxy(at: url)
        exceptions = value("NO_PROXY").split { $0 == "," || $0 == " " }.map { $0.lowercased() }
    }

    /// The proxy for a URL, if there is one.
    func proxy(for url: String) -> HTTPClient.Configuration.Proxy? {
        guard let proxy, url.hasPrefix("https://") else { return nil }
        let authority = url.dropFirst("https://".count).prefix { $0 != "/" }.lowercased()
        let (host, port) = Self.parts(of: authority)
        let isLoopback = host == "localhost" || host.hasPrefix("127.") || host == "::1"
        let isExcepted = exceptions.contains { exception in
            if exception == "*" { return true }
            let (name, exceptedPort) = Self.parts(of: exception)
            guard exceptedPort == nil || exceptedPort == port ?? 443 else { return false }
            let bare = name.hasPrefix("*.") ? String(name.dropFirst()) : name
            return host == bare || host.hasSuffix(bare.hasPrefix(".") ? bare : ".\(bare)")
        }
        return isLoopback || isExcepted ? nil : proxy
    }

    private static func proxy(at url: String) throws(UsageProblem) -> HTTPClient.Configuration.Proxy {
        var rest = url[...]
        if let scheme = url.firstRange(of: "://") {
            guard url[..<scheme.lowerBound].lowercased() == "http" else {
                throw UsageProblem("HTTPS_PROXY: a proxy is spoken to by http; write http://HOST:PORT")
            }
            rest = url[scheme.upperBound...]
        }
        rest = rest.prefix { $0 != "/" }
        var authorization: HTTPClient.Authorization?
        if let at = rest.lastIndex(of: "@") {
            let login = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                .map { String($0).percentDecoded }
            authorization = .basic(username: login[0], password: login.count > 1 ? login[1] : "")
            rest = rest[rest.index(after: at)...]
        }
        let (host, port) = parts(of: String(rest))
        // The URL may hold a password, so it is not repeated.
        guard !host.isEmpty else { throw UsageProblem("HTTPS_PROXY: names no host; write http://HOST:PORT") }
        return .server(host: host, port: port ?? 80, authorization: authorization)
    }

    /// A host without the brackets that an IPv6 address may have, and the port.
    private static func parts(of authority: String) -> (host: String, port: Int?) {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            let host = authority[authority.index(after: authority.startIndex)..<end]
            return (String(host), Int(authority[authority.index(after: end)...].drop { $0 == ":" }))
        }
        guard let colon = authority.lastIndex(of: ":"), authority.firstIndex(of: ":") == colon,
            let port = Int(authority[authority.index(after: colon)...])
        else { return (authority, nil) }
        return (String(authority[..<colon]), port)
    }
}

extension String {
    /// RFC 3986 section 2.1. What is no such triplet stays.
    fileprivate var percentDecoded: String {
        var bytes: [UInt8] = []
        var rest = Array(utf8)[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"),
                let decoded = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16),
                rest.count >= 2
            {
                bytes.append(decoded)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
