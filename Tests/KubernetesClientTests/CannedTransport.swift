import KubernetesClient
import NIOCore
import Synchronization

/// Answers requests without a network: each with the next of the answers that it was given.
final class CannedTransport: KubernetesTransport {
    struct Answer: Sendable {
        var statusCode = 200
        var retryAfter: Duration?
        var isProtobuf = false
        var chunks: [String]
    }

    private struct State {
        var answers: [Answer]
        var requests: [KubernetesRequest] = []
    }

    private let state: Mutex<State>

    init(_ answers: [Answer]) {
        state = Mutex(State(answers: answers))
    }

    convenience init(_ statusCode: Int = 200, _ chunks: String...) {
        self.init([Answer(statusCode: statusCode, chunks: chunks)])
    }

    var requests: [KubernetesRequest] {
        state.withLock { $0.requests }
    }

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? nil : state.answers.removeFirst()
        }
        guard let answer else {
            throw KubernetesError(.connectionFailed, operation: request.operation, message: "no more answers")
        }
        var chunks = answer.chunks[...]
        var response = KubernetesResponse(
            statusCode: answer.statusCode, retryAfter: answer.retryAfter, isProtobuf: answer.isProtobuf
        ) {
            chunks.popFirst().map { ByteBuffer(string: $0) }
        }
        return try await body(&response)
    }
}
