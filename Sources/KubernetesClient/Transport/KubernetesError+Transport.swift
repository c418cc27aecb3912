internal import AsyncHTTPClient
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage

extension KubernetesError {
    /// What a failure of the network, of TLS or of credentials means for a request.
    init(_ error: any Error, during request: KubernetesRequest, to server: String) {
        switch error {
        case let error as KubernetesError:
            self = error
        case let error as HTTPClientError:
            self.init(error, during: request, to: server)
        case is FileContents.Failure, is CredentialPluginFailure:
            self.init(.credentialsUnavailable, operation: request.operation, message: "\(error)", cause: error)
        case is ConfigurationError:
            self.init(.credentialsUnavailable, operation: request.operation, message: "\(error)", cause: error)
        default:
            self.init(
                .connectionFailed, operation: request.operation,
                message: "connect to \(server): \(Self.reason(of: error))", cause: error)
        }
    }

    private init(_ error: HTTPClientError, during request: KubernetesRequest, to server: String) {
        let (code, problem): (Code, String) =
            switch error {
            case .connectTimeout, .tlsHandshakeTimeout: (.timedOut, "connect to \(server): no answer in time")
            case .deadlineExceeded: (.timedOut, "no answer within \(request.timeout)")
            case .readTimeout: (.timedOut, "the answer stopped arriving")
            case .remoteConnectionClosed: (.connectionFailed, "the server closed the connection")
            default: (.connectionFailed, "\(server): \(error.shortDescription)")
            }
        self.init(code, operation: request.operation, message: problem, cause: error)
    }

    private static func reason(of error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first { return reason(of: failure.error) }
            return "the host \(error.host) cannot be found"
        case let error as IOError:
            return Errno(rawValue: error.errnoCode).description.lowercased()
        case NIOSSLError.handshakeFailed(let reason):
            return "the TLS handshake failed: \(reason)"
        default:
            return "\(error)"
        }
    }
}
