internal import NIOCore

/// A request's body in one piece, for which its permission is asked when it is about to leave.
struct PermittedBody: AsyncSequence, Sendable {
    let request: KubernetesRequest
    let permission: WritePermission

    struct Iterator: AsyncIteratorProtocol {
        let request: KubernetesRequest
        let permission: WritePermission
        var isSent = false

        mutating func next() async throws -> ByteBuffer? {
            guard !isSent else { return nil }
            try permission.require(for: request)
            isSent = true
            return ByteBuffer(bytes: request.body)
        }
    }

    func makeAsyncIterator() -> Iterator { Iterator(request: request, permission: permission) }
}
