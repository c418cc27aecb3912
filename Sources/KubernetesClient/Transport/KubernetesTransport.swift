public import NIOCore

/// Carries requests to one API server, with whatever it takes to be let in.
public protocol KubernetesTransport: Sendable {
    /// Sends a request and hands over the answer while it arrives. The connection is given up when `body` returns.
    ///
    /// An answer with any HTTP status is handed over. Cancelling the task ends the request.
    ///
    /// - Throws: a ``KubernetesError`` if there is no answer, and what `body` throws.
    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result

    /// The same for a request that needs a permission, which is asked for as late as this transport can.
    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, permittedBy permission: WritePermission?,
        _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result
}

extension KubernetesTransport {
    public func withResponse<Result: Sendable>(
        to request: KubernetesRequest, permittedBy permission: WritePermission?,
        _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        try permission?.require(for: request)
        return try await withResponse(to: request, body)
    }
}

/// An answer whose body is still arriving.
public struct KubernetesResponse {
    /// The HTTP status.
    public var statusCode: Int

    /// The header `Retry-After`, if it has a number of seconds.
    public var retryAfter: Duration?

    /// Whether the body is Protocol Buffers rather than JSON.
    public var isProtobuf: Bool

    private let nextChunk: () async throws -> ByteBuffer?

    /// - Parameter nextChunk: the next piece of the body, of any size; `nil` at its end.
    public init(
        statusCode: Int, retryAfter: Duration? = nil, isProtobuf: Bool = false,
        nextChunk: @escaping () async throws -> ByteBuffer?
    ) {
        self.statusCode = statusCode
        self.retryAfter = retryAfter
        self.isProtobuf = isProtobuf
        self.nextChunk = nextChunk
    }

    public var isSuccess: Bool { (200..<300).contains(statusCode) }

    /// Waits for the next piece of the body. `nil` at its end.
    public mutating func next() async throws -> ByteBuffer? {
        try await nextChunk()
    }

    /// Waits for the whole body, or for its first `limit` bytes if it is longer.
    ///
    /// - Returns: the bytes, and whether that is all of them.
    public mutating func collect(upTo limit: Int) async throws -> (bytes: [UInt8], isComplete: Bool) {
        var bytes: [UInt8] = []
        while let chunk = try await next() {
            guard bytes.count + chunk.readableBytes <= limit else {
                bytes += chunk.readableBytesView.prefix(limit - bytes.count)
                return (bytes, false)
            }
            bytes += chunk.readableBytesView
        }
        return (bytes, true)
    }
}
