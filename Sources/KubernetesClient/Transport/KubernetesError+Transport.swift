internal import AsyncHTTPClient
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import SystemPackage

extension KubernetesError {
    /// What a failure of the network, of TLS or of credentials means for a request.
    init(_ error: any Error, during request: KubernetesRequest, to server: String) {
        if let error = error as? KubernetesError {
            self = error
        } else {
            let (code, message) = Self.explanation(of: error, during: request, to: server)
            self.init(code, operation: request.operation, message: message, cause: error)
        }
    }

    private static func explanation(
        of error: any Error, during request: KubernetesRequest, to server: String
    ) -> (Code, String) {
        switch error {
        case is FileContents.Failure, is CredentialPluginFailure, is ConfigurationError:
            (.credentialsUnavailable, "\(error)")
        case let error as HTTPClientError where [.connectTimeout, .tlsHandshakeTimeout].contains(error):
            (.timedOut, "connect to \(server): no answer in time")
        case let error as HTTPClientError where error == .deadlineExceeded:
            (.timedOut, "no answer within \(request.timeout)")
        case let error as HTTPClientError where error == .readTimeout:
            (.timedOut, "the answer stopped arriving")
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            (.connectionFailed, "the server closed the connection")
        case is HTTPParserError:
            (.connectionFailed, "the server closed the connection")
        case let error as NIOConnectionError:
            (.connectionFailed, "connect to \(server): \(reason(of: error))")
        case let NIOSSLError.handshakeFailed(reason) where "\(reason)".contains("CERTIFICATE_VERIFY_FAILED"):
            (.connectionFailed, "connect to \(server): its certificate is not from the expected certificate authority")
        case let NIOSSLError.handshakeFailed(reason):
            (.connectionFailed, "connect to \(server): the TLS handshake failed: \(reason)")
        case is NIOSSLExtraError:
            (.connectionFailed, "connect to \(server): its certificate is for another name (\(error))")
        case let error as IOError where isConnecting(error):
            (.connectionFailed, "connect to \(server): \(reason(of: error))")
        case let error as IOError:
            (.connectionFailed, "\(server): \(reason(of: error))")
        default:
            (.connectionFailed, "\(server): \(error)")
        }
    }

    private static func reason(of error: NIOConnectionError) -> String {
        switch error.connectionErrors.first?.error {
        case nil: "the host \(error.host) cannot be found"
        case let error as IOError: reason(of: error)
        case let error?: "\(error)"
        }
    }

    /// An address, in contrast to a host name, is tried without ado: then there is no `NIOConnectionError` around the error.
    private static func isConnecting(_ error: IOError) -> Bool {
        let errors: [Errno] = [.connectionRefused, .noRouteToHost, .networkUnreachable, .timedOut]
        return errors.contains(Errno(rawValue: error.errnoCode))
    }

    private static func reason(of error: IOError) -> String {
        Errno(rawValue: error.errnoCode).description.lowercased()
    }
}
