import Foundation
import Hummingbird
import HummingbirdCore
import HummingbirdTLS
import Logging
import NIOCore
import NIOSSL

/// The floor: the webhook's own server stack, which takes each request in full and always answers the same.
///
/// What it takes is the price of HTTP and TLS. Server and connections are set up as in `AdmissionServer`.
struct ConstantAnswer {
    let port: Int
    let certificate: String
    let key: String
    let answer: Data

    func run() async throws {
        let chain = try NIOSSLCertificate.fromPEMFile(certificate).map { NIOSSLCertificateSource.certificate($0) }
        let privateKey = try NIOSSLPrivateKey(file: key, format: .pem)
        var tls = TLSConfiguration.makeServerConfiguration(
            certificateChain: chain, privateKey: .privateKey(privateKey))
        tls.minimumTLSVersion = .tlsv12
        tls.applicationProtocols = ["http/1.1"]
        let application = Application(
            responder: Responder(answer: ByteBuffer(bytes: answer)),
            server: try .tls(
                .http1(configuration: HTTP1Channel.Configuration(idleTimeout: .seconds(120))), tlsConfiguration: tls),
            configuration: ApplicationConfiguration(address: .hostname("127.0.0.1", port: port)),
            logger: Logger(label: "floor"))
        try await application.run()
    }

    private struct Responder: HTTPResponder {
        struct Context: InitializableFromSource {
            init(source: ApplicationRequestContextSource) {}
        }

        let answer: ByteBuffer

        func respond(to request: Request, context: Context) async throws -> Response {
            for try await _ in request.body {}
            return Response(
                status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(byteBuffer: answer))
        }
    }
}
