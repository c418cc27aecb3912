internal import AdmissionWebhook
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import WorkloadIdentity

/// Sends requests to providers, from this machine's network.
struct TokenExchange: Sendable {
    /// No answer to a token exchange is near it.
    private static let longestAnswer = 1 << 20
    /// From the connection to the last byte of the answer.
    private static let limit = Duration.seconds(10)

    private let proxies: ProxySettings
    /// Certificates that are trusted in place of the system's, by `SSL_CERT_FILE` as OpenSSL and Go read it.
    private let certificateFile: String?
    private let clock: any Clock<Duration>

    init(_ environment: [String: String], clock: any Clock<Duration> = .continuous) throws(UsageProblem) {
        self.clock = clock
        proxies = try ProxySettings(environment)
        certificateFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if let certificateFile, (try? NIOSSLCertificate.fromPEMFile(certificateFile)) == nil {
            throw UsageProblem("SSL_CERT_FILE: \(certificateFile) has no certificates that can be read")
        }
    }

    /// - Parameter authority: certificates in PEM that are trusted in place of this machine's.
    /// - Throws: an ``ExchangeFailure`` if there is no answer.
    func answer(to request: ExchangeRequest, trusting authority: [UInt8]?) async throws -> ExchangeAnswer {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(10)),
            proxy: proxies.proxy(for: request.url))
        configuration.httpVersion = .http1Only
        configuration.tlsConfiguration = try tls(trusting: authority)
        let client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
        let answer: ExchangeAnswer
        do {
            // The client's own deadline ends with the head, and a body may come slowly for ever.
            answer = try await withDeadline(Self.limit, clock: clock) {
                try await Self.answer(to: request, by: client)
            }
        } catch {
            try? await client.shutdown()
            throw ExchangeFailure(error, reaching: request.url)
        }
        try? await client.shutdown()
        return answer
    }

    private func tls(trusting authority: [UInt8]?) throws(ExchangeFailure) -> TLSConfiguration {
        var configuration = TLSConfiguration.makeClientConfiguration()
        if let certificateFile { configuration.trustRoots = .file(certificateFile) }
        if let authority {
            guard let certificates = try? NIOSSLCertificate.fromPEMBytes(authority), !certificates.isEmpty else {
                throw ExchangeFailure(
                    .failed(
                        "InvalidConfiguration", "ca.crt of the Secret of vault.caSecret holds no certificate in PEM"))
            }
            configuration.trustRoots = .certificates(certificates)
        }
        return configuration
    }

    private static func answer(to request: ExchangeRequest, by client: HTTPClient) async throws -> ExchangeAnswer {
        var prepared = HTTPClientRequest(url: request.url)
        prepared.method = HTTPMethod(rawValue: request.method.rawValue)
        for header in request.headers { prepared.headers.add(name: header.name, value: header.value.revealed) }
        prepared.headers.add(name: "User-Agent", value: "lanyard/\(Version.current)")
        if request.method == .post { prepared.body = .bytes(ByteBuffer(string: request.body.revealed)) }
        let response = try await client.execute(prepared, deadline: .distantFuture)
        let body = try await response.body.collect(upTo: longestAnswer)
        return ExchangeAnswer(status: Int(response.status.code), body: Array(body.readableBytesView))
    }
}

/// Nobody answered, or nobody could be asked.
struct ExchangeFailure: Error {
    let verdict: Verdict

    init(_ verdict: Verdict) {
        self.verdict = verdict
    }

    /// What the client says of it is not passed on, since it might hold what was sent.
    init(_ error: any Error, reaching url: String) {
        verdict =
            switch error {
            case is NIOSSLError, is NIOSSLExtraError, is BoringSSLError:
                .failed(
                    "TLSFailed",
                    """
                    the certificate of \(url) is not trusted on this machine, or for another name; is there a \
                    proxy that opens TLS (name its authority with SSL_CERT_FILE)?
                    """
                )
            case is DeadlineExceeded: .timedOut(url)
            case let error as HTTPClientError where error == .proxyAuthenticationRequired:
                .failed("ProxyDenied", "the proxy of HTTPS_PROXY wants a user and a password, in its URL")
            case let error as HTTPClientError where error == .invalidProxyResponse:
                .failed("ProxyDenied", "the proxy of HTTPS_PROXY lets nobody through to \(url)")
            case let error as HTTPClientError
            where [
                .connectTimeout, .tlsHandshakeTimeout, .httpProxyHandshakeTimeout, .deadlineExceeded, .readTimeout,
            ].contains(error):
                .timedOut(url)
            default: .failed("Unreachable", "\(url) cannot be reached from this machine; is there egress to it?")
            }
    }
}

extension Verdict {
    static func timedOut(_ url: String) -> Verdict {
        .failed("TimedOut", "\(url) did not answer in time; is there egress to it from this machine?")
    }
}
