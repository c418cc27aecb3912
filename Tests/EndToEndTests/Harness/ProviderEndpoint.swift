import Foundation
import JSON
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// In place of AWS's and OpenAI's hosts: gives a credential for a ServiceAccount's token, or denies it as they do.
final class ProviderEndpoint: Sendable {
    /// Stands in every credential, so that it can be searched for.
    static let secret = "s3cret-credential"

    private struct State {
        var tokens: [String] = []
        var trusted: Set<String> = []
    }

    private final class Shared: Sendable {
        let state = Mutex(State())
    }

    private let shared = Shared()
    private let channel: any Channel

    private init() async throws {
        channel = try await ServerBootstrap(group: .singletonMultiThreadedEventLoopGroup)
            .childChannelInitializer { [shared] channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler { Self.answer(to: $0, shared) })
                }
            }
            .bind(host: "127.0.0.1", port: 0)
            .get()
    }

    static func running<Value>(_ body: (ProviderEndpoint) async throws -> Value) async throws -> Value {
        let endpoint = try await ProviderEndpoint()
        do {
            let value = try await body(endpoint)
            try await endpoint.channel.close()
            return value
        } catch {
            try? await endpoint.channel.close()
            throw error
        }
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// All that were presented.
    var tokens: [String] { shared.state.withLock { $0.tokens } }

    /// The subjects of tokens that get a credential.
    func trust(_ subjects: String...) { shared.state.withLock { $0.trusted = Set(subjects) } }

    private static func answer(to body: String, _ shared: Shared) -> (HTTPResponseStatus, String) {
        let isAWS = body.hasPrefix("Action=")
        // A token has no character that a form would encode.
        let field = "WebIdentityToken="
        let presented = body.split(separator: "&").first { $0.hasPrefix(field) }
            .map { String($0.dropFirst(field.count)) }
        let json = try? JSONValue(parsing: Array(body.utf8))
        guard let token = isAWS ? presented : json?["subject_token"]?.string,
            let claims = try? JSONWebToken.claims(token), let subject = claims["sub"]?.string
        else { return (.badRequest, "no token: \(body.prefix(60))") }
        let isTrusted = shared.state.withLock { state in
            state.tokens.append(token)
            return state.trusted.contains(subject)
        }
        if isAWS {
            guard claims["aud"] == ["sts.amazonaws.com"] else { return (.badRequest, "another audience") }
            let session = "<SessionToken>\(secret)</SessionToken>"
            return isTrusted
                ? (.ok, "<AccessKeyId>A</AccessKeyId><SecretAccessKey>\(secret)</SecretAccessKey>\(session)")
                : (.forbidden, "<Code>AccessDenied</Code><Message>Not authorized</Message>")
        }
        guard claims["aud"] == ["https://api.openai.com/v1"] else { return (.badRequest, "another audience") }
        return isTrusted ? (.ok, #"{"access_token": "\#(secret)"}"#) : (.unauthorized, #"{"error": "invalid_grant"}"#)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private let answer: (String) -> (HTTPResponseStatus, String)
        private var body = ""

        init(_ answer: @escaping (String) -> (HTTPResponseStatus, String)) {
            self.answer = answer
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body = ""
            case .body(let bytes): body += String(buffer: bytes)
            case .end:
                let (status, text) = answer(body)
                let headers = HTTPHeaders([("Content-Length", String(text.utf8.count))])
                let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

extension ControlPlane {
    /// Lets the operator make tokens of some ServiceAccounts: as the manifest, which is the chart's, does for one.
    func letVerify(_ serviceAccounts: [String], in namespace: String) async throws {
        let names = serviceAccounts.map { "\"\($0)\"" }.joined(separator: ", ")
        let manifest = try String(contentsOfFile: "\(repository)/manifests/verify.yaml", encoding: .utf8)
        let ours = manifest.replacing("namespace: \"ai\"\n", with: "namespace: \"\(namespace)\"\n")
            .replacing("resourceNames: [\"llm\"]", with: "resourceNames: [\(names)]")
        guard ours.contains("[\(names)]"), !ours.contains("\"ai\"") else {
            throw CommandFailure(description: "manifests/verify.yaml is not what it was")
        }
        try await apply(ours)
    }
}
