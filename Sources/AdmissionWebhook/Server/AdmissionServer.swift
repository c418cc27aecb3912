public import CoreMetrics
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
public import Logging
public import NIOCertificateReloading
import NIOCore
import NIOSSL
public import ServiceLifecycle

/// Serves admission webhooks over HTTPS.
///
/// ```swift
/// let server = AdmissionServer(
///     handlers: ["/mutate": PodMutator(…), "/validate": WorkloadValidator(…)],
///     certificate: rotatingCertificate,
///     metrics: factory,
///     logger: logger
/// ) { port in readiness.ready("webhook") }
/// try await ServiceGroup(services: [server], logger: logger).run()
/// ```
/// HTTP/1.1 only, which is what API servers speak to webhooks (<https://issues.k8s.io/75791>). On graceful shutdown it stops
/// listening, closes the connections that are idle, lets the reviews in flight finish, and then returns.
public struct AdmissionServer: Service {
    private let configuration: Configuration
    private let responder: AdmissionResponder
    private let certificate: any CertificateReloader
    private let logger: Logger
    private let onServerRunning: @Sendable (_ port: Int) async -> Void

    /// - Parameters:
    ///   - handlers: by path, such as `/mutate`. A query (API servers add `?timeout=5s`) is no part of it.
    ///   - certificate: asked at every handshake; connections that are open keep what they have.
    ///   - onServerRunning: called once connections are taken, with the port, before the first is answered.
    public init(
        configuration: Configuration = Configuration(),
        handlers: [String: any AdmissionHandler],
        certificate: any CertificateReloader,
        metrics: any MetricsFactory,
        logger: Logger,
        onServerRunning: @escaping @Sendable (_ port: Int) async -> Void = { _ in }
    ) {
        self.configuration = configuration
        self.certificate = certificate
        self.logger = logger
        self.onServerRunning = onServerRunning
        responder = AdmissionResponder(
            configuration: configuration, handlers: handlers, metrics: metrics, logger: logger)
    }

    /// - Throws: if the address cannot be listened on, or the certificate is not usable.
    public func run() async throws {
        let application = Application(
            responder: responder,
            server: try .tls(.http1(configuration: connection), tlsConfiguration: tls()),
            configuration: ApplicationConfiguration(
                address: .hostname(configuration.host, port: configuration.port),
                availableConnectionsDelegate: MaximumAvailableConnections(
                    configuration.connectionLimit, logger: logger)),
            onServerRunning: { [onServerRunning] channel in
                await onServerRunning(channel.localAddress?.port ?? 0)
            },
            logger: logger)
        try await application.run()
    }

    private func tls() throws -> TLSConfiguration {
        var tls = try TLSConfiguration.makeServerConfiguration(certificateReloader: certificate)
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        // A peer that does not answer the end of TLS would hold up the end of the process for five seconds.
        tls.shutdownTimeout = .seconds(1)
        return tls
    }

    private var connection: HTTP1Channel.Configuration {
        let readTimeout = TimeAmount(configuration.readTimeout)
        return HTTP1Channel.Configuration(
            additionalChannelHandlers: [RequestReadTimeout(readTimeout)],
            idleTimeout: TimeAmount(configuration.idleTimeout))
    }
}
