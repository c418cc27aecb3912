public import JSON
internal import KubernetesModel
internal import NIOCore

/// One API server, and what can be asked of it.
///
/// ```swift
/// let client = KubernetesClient(transport: transport, fieldManager: "example")
/// let account = try await client.get(ServiceAccount.self, ObjectKey(namespace: "shop", name: "checkout"))
/// ```
/// Every call throws a ``KubernetesError``, or a `CancellationError` if its task is cancelled. Nothing is retried here,
/// except for what ``HTTPClientTransport`` can repeat unnoticed.
public struct KubernetesClient: Sendable {
    /// Who owns the fields that this program writes (`metadata.managedFields`).
    public let fieldManager: String

    /// Single objects and answers that are not objects are not longer than this.
    static let maximumResponseSize = 16 << 20

    private let transport: any KubernetesTransport

    /// What every write needs; `nil` if none needs any.
    private var permission: WritePermission?

    public init(transport: any KubernetesTransport, fieldManager: String) {
        self.transport = transport
        self.fieldManager = fieldManager
    }

    /// The same, but whatever is no reading request leaves only while something is so: while this replica leads, say.
    ///
    /// That is asked before the request is sent, and again once there is a connection, just before the body leaves: a process
    /// that was stopped in between does not write when it goes on. Reading is not affected.
    ///
    /// - Parameter isPermitted: must not wait. When it is false the call throws ``KubernetesError/Code/writingNotPermitted``.
    public func writing(onlyWhile isPermitted: @escaping @Sendable () -> Bool) -> KubernetesClient {
        var client = self
        client.permission = WritePermission(isPermitted)
        return client
    }

    /// Sends a request and waits for the whole answer.
    ///
    /// - Throws: also if the HTTP status is not 2xx.
    public func send(_ request: KubernetesRequest) async throws -> [UInt8] {
        try await within(request.timeout, of: request) {
            try await withSuccess(request) { response in
                let (bytes, isComplete) = try await response.collect(upTo: Self.maximumResponseSize)
                guard isComplete else {
                    throw KubernetesError(
                        .responseTooLarge, operation: request.operation,
                        message: "the answer is longer than \(Self.maximumResponseSize) bytes")
                }
                return bytes
            }
        }
    }

    /// Sends a request and reads the answer.
    public func read<Value: JSONReadable & Sendable>(
        _ request: KubernetesRequest, as type: Value.Type = Value.self
    ) async throws -> Value {
        let bytes = try await send(request)
        return try request.reading { try Value(parsing: bytes) }
    }

    /// Sends a request and reads the answer as it is.
    public func json(_ request: KubernetesRequest) async throws -> JSONValue {
        let bytes = try await send(request)
        return try request.reading { try JSONValue(parsing: bytes) }
    }

    /// Hands over an answer while it arrives, if it is not an error.
    func withSuccess<Result: Sendable>(
        _ request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        let permission = request.method == .get ? nil : permission
        return try await transport.withResponse(to: request, permittedBy: permission) { response in
            guard response.isSuccess else { throw try await request.refusal(by: &response) }
            return try await body(&response)
        }
    }

    private func within<Result: Sendable>(
        _ limit: Duration, of request: KubernetesRequest, _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        try await withThrowingTaskGroup(of: Result.self) { group in
            defer { group.cancelAll() }
            group.addTask { try await body() }
            group.addTask {
                try await Task.sleep(for: limit)
                throw KubernetesError(
                    .timedOut, operation: request.operation, message: "no complete answer within \(limit)")
            }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }
}

extension KubernetesRequest {
    private static let maximumErrorSize = 64 << 10

    /// What an answer says whose HTTP status is not 2xx.
    fileprivate func refusal(by response: inout KubernetesResponse) async throws -> KubernetesError {
        let (bytes, _) = try await response.collect(upTo: Self.maximumErrorSize)
        let read = response.isProtobuf ? APIStatus.init(protobufAnswer:) : { try APIStatus(parsing: $0) }
        var status = (try? read(bytes)) ?? APIStatus()
        if status.code == 0 { status.code = response.statusCode }
        if status.message.isEmpty {
            let text = String(decoding: bytes.prefix(200), as: UTF8.self)
            status.message = text.allSatisfy(\.isWhitespace) ? "" : text
        }
        return KubernetesError(operation: operation, status: status, retryAfter: response.retryAfter)
    }

    /// Turns what is wrong with an answer's encoding into an error that says whose answer it was.
    func reading<Value>(_ read: () throws -> Value) throws -> Value {
        do {
            return try read()
        } catch let error where error is JSONError || error is ProtobufError {
            throw KubernetesError(
                .invalidResponse, operation: operation, message: "the answer cannot be read: \(error)", cause: error)
        }
    }
}
