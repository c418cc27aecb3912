internal import AsyncHTTPClient
public import Logging
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// Reaches an API server over the network.
///
/// Watches and calls have connections of their own: a watch holds one for minutes, and must not keep a call waiting. Both
/// speak HTTP/1.1, since a broken HTTP/2 connection would go unnoticed (async-http-client has no ping) and take
/// everything on it along.
///
/// Credentials are asked for at each attempt. An answer of 401 leads to one more attempt with new ones, if new ones can be
/// had; a reading call is repeated once if the server closed an idle connection just when it was to be used.
public final class HTTPClientTransport: KubernetesTransport {
    private let server: String
    private let configuration: ClusterConfiguration
    private let credentials: CredentialSource
    private let authorities: RenewedAuthorities?
    private let calls: HTTPClient
    private let watches: HTTPClient
    private let userAgent: String
    private let logger: Logger

    /// Connects when it is first used. ``shutdown()`` has to be called before it goes.
    ///
    /// - Parameter userAgent: names the program in the API server's audit log.
    /// - Throws: a ``ConfigurationError`` if a certificate or key cannot be used.
    public init(
        _ configuration: ClusterConfiguration, userAgent: String = "swift", logger: Logger
    ) throws {
        let client = try HTTPClient.Configuration(reaching: configuration)
        self.configuration = configuration
        self.userAgent = userAgent
        self.logger = logger
        server = configuration.addressWithTLSServerName
        credentials = CredentialSource(configuration)
        authorities = RenewedAuthorities(of: configuration)
        calls = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: client.forCalls)
        watches = HTTPClient(eventLoopGroup: .singletonMultiThreadedEventLoopGroup, configuration: client.forWatches)
    }

    public func shutdown() async throws {
        try await watches.shutdown()
        try await calls.shutdown()
    }

    public func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        try await withResponse(to: request, permittedBy: nil, body)
    }

    public func withResponse<Result: Sendable>(
        to request: KubernetesRequest, permittedBy permission: WritePermission?,
        _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        var response = try await responseAfterRenewal(to: request, permission)
        return try await body(&response)
    }

    private func responseAfterRenewal(
        to request: KubernetesRequest, _ permission: WritePermission?
    ) async throws -> KubernetesResponse {
        let response = try await responseAfterReconnection(to: request, permission)
        guard response.statusCode == 401, await credentials.expire() else { return response }
        logger.debug("the API server did not take the credentials; renewing them")
        return try await responseAfterReconnection(to: request, permission)
    }

    private func responseAfterReconnection(
        to request: KubernetesRequest, _ permission: WritePermission?
    ) async throws -> KubernetesResponse {
        do {
            return try await response(to: request, permission)
        } catch let error as HTTPClientError where error == .remoteConnectionClosed && request.method == .get {
            return try await failing(request) { try await response(to: request, permission) }
        } catch {
            throw failure(of: request, error)
        }
    }

    private func response(
        to request: KubernetesRequest, _ permission: WritePermission?
    ) async throws -> KubernetesResponse {
        let prepared = try await prepare(request, permission)
        try permission?.require(for: request)
        let client = request.isWatch ? watches : calls
        let response = try await client.execute(prepared, deadline: .now() + TimeAmount(request.timeout))
        var chunks = response.body.makeAsyncIterator()
        return KubernetesResponse(
            statusCode: Int(response.status.code),
            retryAfter: response.headers.first(name: "Retry-After").flatMap { Int($0) }.map { .seconds($0) },
            isProtobuf: response.headers.first(name: "Content-Type")?.hasPrefix(KubernetesRequest.protobuf) == true
        ) { [self] in
            try await failing(request) { try await chunks.next(isolation: #isolation) }
        }
    }

    private func prepare(
        _ request: KubernetesRequest, _ permission: WritePermission?
    ) async throws -> HTTPClientRequest {
        let access = try await credentials.current()
        var prepared = HTTPClientRequest(url: server + request.target)
        prepared.method = HTTPMethod(rawValue: request.method.rawValue)
        prepared.headers.add(name: "Accept", value: request.accept)
        prepared.headers.add(name: "User-Agent", value: userAgent)
        if let token = access.token {
            prepared.headers.add(name: "Authorization", value: "Bearer \(token)")
        }
        if let contentType = request.contentType {
            prepared.headers.add(name: "Content-Type", value: contentType)
            prepared.body = body(of: request, permission)
        }
        if let certificate = access.clientCertificate {
            prepared.tlsConfiguration = try .client(of: configuration, certificate: certificate)
        } else {
            prepared.tlsConfiguration = authorities?.tls
        }
        return prepared
    }

    /// A body that needs a permission is asked for it when there is a connection and the header has been sent. Where that is
    /// refused the connection is closed, and the server, which waits for the whole body, does nothing.
    private func body(of request: KubernetesRequest, _ permission: WritePermission?) -> HTTPClientRequest.Body {
        guard let permission else { return .bytes(ByteBuffer(bytes: request.body)) }
        return .stream(
            PermittedBody(request: request, permission: permission), length: .known(Int64(request.body.count)))
    }

    private func failing<Value>(
        _ request: KubernetesRequest, _ body: () async throws -> Value
    ) async throws -> Value {
        do {
            return try await body()
        } catch {
            throw failure(of: request, error)
        }
    }

    private func failure(of request: KubernetesRequest, _ error: any Error) -> any Error {
        Task.isCancelled ? CancellationError() : KubernetesError(error, during: request, to: configuration.server)
    }
}

extension TimeAmount {
    fileprivate init(_ duration: Duration) {
        self = .seconds(duration.components.seconds) + .nanoseconds(duration.components.attoseconds / 1_000_000_000)
    }
}
