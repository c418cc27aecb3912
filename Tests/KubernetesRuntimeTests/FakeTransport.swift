import KubernetesClient
import KubernetesModel
import NIOCore
import Synchronization

/// Plays an API server by a script: each request gets the answer that the script has for it.
///
/// It knows nothing of Kubernetes: versions, generations and validation are what the script makes of them.
final class FakeTransport: KubernetesTransport {
    enum Answer: Sendable {
        /// A whole answer.
        case body(String, statusCode: Int = 200, retryAfter: Duration? = nil)

        /// An answer that a test writes while it is read.
        case stream(LiveStream)

        /// There is no answer.
        case failure(message: String)

        static func status(_ code: Int, reason: String = "", retryAfter: Duration? = nil) -> Answer {
            .body(#"{"code":\#(code),"reason":"\#(reason)"}"#, statusCode: code, retryAfter: retryAfter)
        }

        static func list(_ names: String..., version: Int, next: String = "") -> Answer {
            let items = names.map { #"{"metadata":{"name":"\#($0)","namespace":"n","resourceVersion":"\#(version)"}}"# }
            return .body(
                #"{"metadata":{"resourceVersion":"\#(version)","continue":"\#(next)"},"#
                    + #""items":[\#(items.joined(separator: ","))]}"#)
        }
    }

    private let script: @Sendable (KubernetesRequest) -> Answer
    private let received = Mutex<[KubernetesRequest]>([])

    init(_ script: @escaping @Sendable (KubernetesRequest) -> Answer) {
        self.script = script
    }

    /// Gives the answers in their order, whatever is asked. After the last one, it hangs.
    convenience init(_ answers: Answer...) {
        let rest = AnswerQueue(answers)
        self.init { _ in rest.next() ?? .stream(LiveStream()) }
    }

    var requests: [KubernetesRequest] { received.withLock { $0 } }

    var client: KubernetesClient { KubernetesClient(transport: self, fieldManager: "test") }

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        received.withLock { $0.append(request) }
        var response: KubernetesResponse
        switch script(request) {
        case .body(let text, let statusCode, let retryAfter):
            var chunks = [ByteBuffer(string: text)]
            response = KubernetesResponse(statusCode: statusCode, retryAfter: retryAfter) { chunks.popLast() }
        case .stream(let stream):
            var chunks = stream.chunks.makeAsyncIterator()
            response = KubernetesResponse(statusCode: 200) {
                let chunk = try await chunks.next(isolation: #isolation)
                try Task.checkCancellation()
                return chunk.map { ByteBuffer(string: $0) }
            }
        case .failure(let message):
            throw KubernetesError(.connectionFailed, operation: request.operation, message: message)
        }
        return try await body(&response)
    }
}

/// The body of a watch, which a test writes line by line.
struct LiveStream: Sendable {
    let chunks: AsyncThrowingStream<String, any Error>
    private let continuation: AsyncThrowingStream<String, any Error>.Continuation

    init() {
        (chunks, continuation) = AsyncThrowingStream.makeStream()
    }

    func send(_ type: String, _ name: String, version: Int) {
        let metadata = #"{"name":"\#(name)","namespace":"n","resourceVersion":"\#(version)"}"#
        continuation.yield(#"{"type":"\#(type)","object":{"metadata":\#(metadata)}}"# + "\n")
    }

    func sendError(code: Int, reason: String) {
        continuation.yield(#"{"type":"ERROR","object":{"code":\#(code),"reason":"\#(reason)"}}"# + "\n")
    }

    func end() {
        continuation.finish()
    }

    func breakOff() {
        let message = "the server closed the connection"
        continuation.finish(throwing: KubernetesError(.connectionFailed, operation: "watch", message: message))
    }
}

/// Answers that are taken one after the other by whoever asks.
private final class AnswerQueue: Sendable {
    private let answers: Mutex<[FakeTransport.Answer]>

    init(_ answers: [FakeTransport.Answer]) {
        self.answers = Mutex(answers)
    }

    func next() -> FakeTransport.Answer? {
        answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
    }
}
