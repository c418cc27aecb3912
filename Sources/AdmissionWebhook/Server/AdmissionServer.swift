public import CoreMetrics
import HummingbirdCore
import HummingbirdTLS
public import Logging
public import NIOCertificateReloading
import NIOCore
import NIOPosix
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
    private let connections: ConnectionTable
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
        connections = ConnectionTable(limits: configuration.connections, metrics: metrics)
        responder = AdmissionResponder(
            configuration: configuration, handlers: handlers, metrics: metrics, logger: logger)
    }

    /// Has whoever asks close the connection after the answer, so that none is in use when the server ends: a request on its way
    /// just then would be lost, since a POST is not sent twice.
    public func endConnections() { responder.endConnections() }

    /// - Throws: if the address cannot be listened on, or the certificate is not usable.
    public func run() async throws {
        let server = Server(
            childChannelSetup: try TLSChannel(
                AdmissionChannel(responder: responder, connections: connections), tlsConfiguration: try tls()),
            configuration: ServerConfiguration(address: .hostname(configuration.host, port: configuration.port)),
            onServerRunning: { [onServerRunning] channel in
                await onServerRunning(channel.localAddress?.port ?? 0)
            },
            eventLoopGroup: .singletonMultiThreadedEventLoopGroup,
            logger: logger)
        try await server.run()
    }

    private func tls() throws -> TLSConfiguration {
        var tls = try TLSConfiguration.makeServerConfiguration(certificateReloader: certificate)
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        // A peer that does not answer the end of TLS would hold up the end of the process for five seconds.
        tls.shutdownTimeout = .seconds(1)
        if let authorities = configuration.clientAuthorities {
            tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMBytes(authorities))
            // A client's certificate is not for a host.
            tls.certificateVerification = .noHostnameVerification
        }
        return tls
    }
}
