import Hummingbird
import HummingbirdCore
public import Logging
import NIOCore
public import ServiceLifecycle

/// What others ask about this process, over plain HTTP: `/metrics`, `/livez` and `/readyz`.
///
/// The two probes answer as Kubernetes' own components do
/// (<https://kubernetes.io/docs/reference/using-api/health-checks/>): 200 and `ok`, or 503 and what is not ready; with
/// `?verbose` every check is listed either way. Liveness says only that requests are answered: restarting the process would
/// cure nothing of what keeps it from being ready.
public struct AdminServer: Service {
    private let host: String
    private let port: Int
    private let readiness: Readiness
    private let registry: PrometheusRegistry
    private let logger: Logger
    private let onServerRunning: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - host: a name or address to listen on. `0.0.0.0` takes connections on all IPv4 interfaces.
    ///   - port: 0 takes any free port.
    ///   - onServerRunning: called with the port once connections are taken.
    public init(
        host: String = "0.0.0.0",
        port: Int = 8080,
        readiness: Readiness,
        registry: PrometheusRegistry,
        logger: Logger,
        onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.host = host
        self.port = port
        self.readiness = readiness
        self.registry = registry
        self.logger = logger
        self.onServerRunning = onServerRunning
    }

    /// - Throws: if the address cannot be listened on.
    public func run() async throws {
        try await application.run()
    }

    var application: some ApplicationProtocol {
        Application(
            router: router,
            server: .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(120))),
            configuration: ApplicationConfiguration(
                address: .hostname(host, port: port),
                availableConnectionsDelegate: MaximumAvailableConnections(64, logger: logger)),
            onServerRunning: { [onServerRunning] channel in
                await onServerRunning(channel.localAddress?.port ?? 0)
            },
            logger: logger)
    }

    private var router: Router<BasicRequestContext> {
        let router = Router()
        router.get("livez") { _, _ in
            Response(status: .ok, text: "ok\n")
        }
        router.get("readyz") { [readiness] request, _ in
            let checks = readiness.checks
            let isReady = checks.allSatisfy(\.isReady)
            let isVerbose = request.uri.queryParameters["verbose"] != nil
            return Response(
                status: isReady ? .ok : .serviceUnavailable,
                text: isReady && !isVerbose ? "ok\n" : checks.listing(verdict: "readyz", isReady: isReady))
        }
        router.get("metrics") { [registry] _, _ in
            let metrics = registry.exposition() + ProcessMetrics.exposition()
            return Response(status: .ok, contentType: PrometheusRegistry.contentType, bytes: metrics)
        }
        return router
    }
}

extension [Readiness.Check] {
    /// As `kubectl get --raw='/readyz?verbose'` shows it, with reasons.
    fileprivate func listing(verdict name: String, isReady: Bool) -> String {
        let lines = map { check in
            check.obstacle.map { "[-]\(check.name) failed: \($0)" } ?? "[+]\(check.name) ok"
        }
        return (lines + ["\(name) check \(isReady ? "passed" : "failed")"]).map { $0 + "\n" }.joined()
    }
}

extension Response {
    fileprivate init(status: HTTPResponse.Status, text: String) {
        self.init(status: status, contentType: "text/plain; charset=utf-8", bytes: Array(text.utf8))
    }

    fileprivate init(status: HTTPResponse.Status, contentType: String, bytes: [UInt8]) {
        self.init(
            status: status,
            headers: [.contentType: contentType, .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
