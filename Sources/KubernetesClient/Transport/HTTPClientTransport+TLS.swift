internal import AsyncHTTPClient
internal import NIOCore
internal import NIOSSL

#if canImport(Glibc)
internal import Glibc
#elseif canImport(Musl)
internal import Musl
#endif

extension HTTPClient.Configuration {
    /// How long establishing a connection may take.
    private static let connectTimeout = TimeAmount.seconds(10)

    /// - Throws: a ``ConfigurationError``.
    init(reaching cluster: ClusterConfiguration) throws {
        self.init(
            tlsConfiguration: try .client(of: cluster, certificate: cluster.credentials.clientCertificate),
            redirectConfiguration: .disallow)
        httpVersion = .http1Only
        decompression = .disabled
        timeout.connect = Self.connectTimeout
        connectionPool.retryConnectionEstablishment = false
        http1_1ConnectionDebugInitializer = { $0.noticeDeadPeer() }
        if let name = cluster.tlsServerName, let address = ServerAddress(cluster.server) {
            dnsOverride = [name: address.host]
        }
    }

    /// More connections than all controllers together have calls under way, so that a Lease never waits for them.
    var forCalls: Self {
        var configuration = self
        configuration.timeout.read = .seconds(30)
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 48
        return configuration
    }

    /// A watch may be silent for as long as it lasts: whoever watches decides how long is too long.
    var forWatches: Self {
        var configuration = self
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 64
        return configuration
    }
}

extension Channel {
    /// Has the kernel ask a silent peer every few seconds, and give the connection up if there is no answer for half a
    /// minute. Otherwise a watch whose server is gone would wait for news until it times out.
    fileprivate func noticeDeadPeer() -> EventLoopFuture<Void> {
        let options: [(ChannelOptions.Types.SocketOption, SocketOptionValue)] = [
            (.socketOption(.so_keepalive), 1),
            (.tcpOption(.init(rawValue: TCP_KEEPIDLE)), 15),
            (.tcpOption(.init(rawValue: TCP_KEEPINTVL)), 5),
            (.tcpOption(.init(rawValue: TCP_KEEPCNT)), 3),
            (.tcpOption(.init(rawValue: TCP_USER_TIMEOUT)), 30_000),
        ]
        return .andAllSucceed(options.map { setOption($0.0, value: $0.1) }, on: eventLoop)
    }
}

extension TLSConfiguration {
    /// - Throws: a ``ConfigurationError``.
    static func client(of cluster: ClusterConfiguration, certificate: ClientCertificate?) throws -> TLSConfiguration {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.minimumTLSVersion = .tlsv12
        if cluster.skipsTLSVerification { tls.certificateVerification = .none }
        if let authority = cluster.certificateAuthority {
            tls.trustRoots = .certificates(
                try usable("the certificate authority") { try NIOSSLCertificate.fromPEMBytes(authority) })
        }
        if let certificate {
            tls.certificateChain = try usable("the client certificate") {
                try NIOSSLCertificate.fromPEMBytes(certificate.certificateChain).map { .certificate($0) }
            }
            tls.privateKey = .privateKey(
                try usable("the client certificate's key") {
                    try NIOSSLPrivateKey(bytes: certificate.privateKey, format: .pem)
                })
        }
        return tls

        func usable<Value>(_ what: String, _ read: () throws -> Value) throws -> Value {
            do {
                return try read()
            } catch {
                throw ConfigurationError(source: cluster.server, message: "\(what) is not usable PEM (\(error))")
            }
        }
    }
}

/// The parts of `https://HOST:PORT/PATH`.
private struct ServerAddress {
    var scheme: Substring

    /// Without the brackets of an IPv6 address.
    var host: String

    /// The port and path, from the colon or slash on.
    var rest: Substring

    init?(_ server: String) {
        guard let colon = server.firstIndex(of: ":"), server[colon...].hasPrefix("://") else { return nil }
        scheme = server[..<colon]
        let authority = server[server.index(colon, offsetBy: 3)...]
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = String(authority[authority.index(after: authority.startIndex)..<end])
            rest = authority[authority.index(after: end)...]
        } else {
            let end = authority.firstIndex { $0 == ":" || $0 == "/" } ?? authority.endIndex
            host = String(authority[..<end])
            rest = authority[end...]
        }
    }
}

extension ClusterConfiguration {
    /// The server's address with its TLS name in place of the host. The transport then connects to the real host all the
    /// same (`HTTPClient.Configuration.dnsOverride`), and expects a certificate for that name.
    var addressWithTLSServerName: String {
        guard let tlsServerName, let address = ServerAddress(server) else { return server }
        return "\(address.scheme)://\(tlsServerName)\(address.rest)"
    }
}
