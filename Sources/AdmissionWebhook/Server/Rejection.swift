import JSON
import NIOCore
import NIOHTTP1

/// A review that gets no verdict: HTTP says why, and the webhook's `failurePolicy` decides.
///
/// The text is plain, because that is what an API server repeats in its own error and events; of JSON it would show nothing.
struct Rejection: Error {
    let status: HTTPResponseStatus
    let reason: String

    static let notHTTP = Rejection(status: .badRequest, reason: "the request is not HTTP/1.1")
    static let notFound = Rejection(status: .notFound, reason: "there is no admission webhook at this path")
    static let notPost = Rejection(status: .methodNotAllowed, reason: "an admission review must be sent by POST")
    static let notJSON = Rejection(
        status: .unsupportedMediaType, reason: "an admission review must have the Content-Type application/json")
    static let overloaded = Rejection(
        status: .serviceUnavailable, reason: "too many admission reviews are in flight")

    static func tooLarge(limit: Int) -> Rejection {
        Rejection(status: .payloadTooLarge, reason: "an admission review may have \(limit) bytes at most")
    }

    /// The API server is told by HTTP, so that the `failurePolicy` decides: `metadata` may come after all the rest, so nobody
    /// knows yet whether the pod may start without its credentials.
    static func excessive(_ error: JSONLimitExceeded) -> Rejection {
        Rejection(status: .payloadTooLarge, reason: "the admission review is too large: \(error)")
    }

    static func malformed(_ error: MalformedReview) -> Rejection {
        Rejection(status: .badRequest, reason: error.description)
    }

    static func deadlineExceeded(after limit: Duration) -> Rejection {
        Rejection(status: .internalServerError, reason: "the admission handler gave no verdict within \(limit)")
    }

    static func failed(_ error: any Error) -> Rejection {
        Rejection(status: .internalServerError, reason: "the admission handler failed: \(error)")
    }

    var answer: Answer {
        var answer = Answer(status, "text/plain; charset=utf-8", ByteBuffer(string: reason + "\n"))
        switch status {
        case .methodNotAllowed:
            answer.headers.add(name: "Allow", value: "POST")
            // The answer to HEAD has no body, and this one has.
            answer.endConnection()
        case .serviceUnavailable: answer.headers.add(name: "Retry-After", value: "1")
        case .payloadTooLarge: answer.endConnection()
        default: break
        }
        return answer
    }
}
