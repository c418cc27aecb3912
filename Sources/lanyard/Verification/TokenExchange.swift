internal import AdmissionWebhook
internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOSSL
internal import Synchronization
internal import WorkloadIdentity

/// Sends requests to providers, from the network of where it runs.
struct TokenExchange: Sendable {
    /// No answer to a token exchange is near it.
    private static let longestAnswer = 1 << 20
    /// From the connection to the last byte of the answer.
    private static let limit = Duration.seconds(10)

    private let proxies: ProxySettings
    /// Certificates that are trusted in place of the system's, by `SSL_CERT_FILE` as OpenSSL and Go read it.
    private let certificateFile: String?
    private let clock: any Clock<Duration>
    private let clients: Clients?

    /// - Parameter isShort: whether the process ends with it. Then what was made for one request serves the next, and nobody waits
    ///   for connections to close.
    init(
        _ environment: [String: String], isShort: Bool = false, clock: any Clock<Duration> = .continuous
    ) throws(UsageProblem) {
        self.clock = clock
        clients = isShort ? .untilExit : nil
        proxies = try ProxySettings(environment)
        certificateFile = environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if let certificateFile, (try? NIOSSLCertificate.fromPEMFile(certificateFile)) == nil {
            throw UsageProblem("SSL_CERT_FILE: \(certificateFile) has no certificates that can be read")
        }
    }

    /// - Parameter authority: certificates in PEM that are trusted in place of this machine's.
    /// - Throws: an ``ExchangeFailure`` if there is no answer.
    func answer(to request: ExchangeRequest, trusting authority: [UInt8]?) async throws -> ExchangeAnswer {
        guard let clients else {
            let client = try self.client(for: request.url, trusting: authority)
            do {
                let answer = try await self.answer(to: request, by: client)
                try? await client.shutdown()
                return answer
            } catch {
                try? await client.shutdown()
                throw error
            }
        }
        // To read what this machine trusts takes longest of all.
        let client = try clients.client(trusting: authority, byProxy: proxies.proxy(for: request.url) != nil) {
            () throws(ExchangeFailure) in try self.client(for: request.url, trusting: authority)
        }
        return try await answer(to: request, by: client)
    }

    private func answer(to request: ExchangeRequest, by client: HTTPClient) async throws -> ExchangeAnswer {
        do {
            // The client's own deadline ends with the head, and a body may come slowly for ever.
            return try await withDeadline(Self.limit, clock: clock) {
                try await Self.answer(to: request, by: client)
            }
        } catch {
            throw ExchangeFailure(error, reaching: request.url)
        }
    }

    private func client(for url: String, trusting authority: [UInt8]?) throws(ExchangeFailure) -> HTTPClient {
        var configuration = HTTPClient.Configuration(
            redirectConfiguration: .disallow, timeout: .init(connect: .seconds(5), read: .seconds(10)),
            proxy: proxies.proxy(for: url))
        configuration.httpVersion = .http1Only
        configuration.tlsConfiguration = try tls(trusting: authority)
        return HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
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

/// Clients that are never shut down.
private final class Clients: Sendable {
    static let untilExit = Clients()

    private struct Key: Hashable {
        var authority: [UInt8]?
        var usesProxy: Bool
    }

    private let known = Mutex<[Key: HTTPClient]>([:])

    func client(
        trusting authority: [UInt8]?, byProxy usesProxy: Bool, or make: () throws(ExchangeFailure) -> HTTPClient
    ) throws(ExchangeFailure) -> HTTPClient {
        let key = Key(authority: authority, usesProxy: usesProxy)
        return try known.withLock { known throws(ExchangeFailure) in
            if let client = known[key] { return client }
            let client = try make()
            known[key] = client
            return client
        }
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
                    the certificate of \(url) is not trusted here, or for another name; is there a \
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
            default: .failed("Unreachable", "\(url) cannot be reached from here; is there egress to it?")
            }
    }
}

extension Verdict {
    static func timedOut(_ url: String) -> Verdict {
        .failed("TimedOut", "\(url) did not answer in time; is there egress to it from here?")
    }
}
