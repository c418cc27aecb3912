internal import JSON
public import KubernetesModel
internal import NIOCore

// Objects, many at a time.

extension KubernetesClient {
    /// All objects, page after page.
    ///
    /// Pages belong to one point in time. If reading them takes longer than the server remembers (5 to 15 minutes), this
    /// throws an error that ``KubernetesError/isGone``.
    public func list<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, in namespace: String? = nil, _ options: ListOptions = ListOptions()
    ) async throws -> [Resource] {
        var resources: [Resource] = []
        var options = options
        while true {
            let page = try await listPage(type, in: namespace, options) { resources.append($0) }
            guard !page.continueToken.isEmpty else { return resources }
            options.continueToken = page.continueToken
            options.resourceVersion = nil
        }
    }

    /// One page, each object of which is handed over as it arrives: the page is never held as a whole.
    ///
    /// - Parameter resourceType: the kind by another version, where the server does not have that of `Resource`.
    public func listPage<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, of resourceType: ResourceType = Resource.resourceType,
        in namespace: String? = nil, _ options: ListOptions = ListOptions(), each: (Resource) -> Void
    ) async throws -> ListMetadata {
        let request = KubernetesRequest.list(resourceType, in: namespace, options, as: Resource.representation)
        return try await withSuccess(request) { response in
            if response.isProtobuf {
                return try await readProtobufList(&response, of: request, each: each)
            }
            var framer = ListFramer()
            while let chunk = try await response.next() {
                try request.framing {
                    try framer.append(chunk) { item in each(try Resource(parsing: item)) }
                }
            }
            return try request.reading { try Envelope(parsing: framer.envelope) }.metadata
        }
    }

    private func readProtobufList<Resource: KubernetesResource>(
        _ response: inout KubernetesResponse, of request: KubernetesRequest, each: (Resource) -> Void
    ) async throws -> ListMetadata {
        var framer = ProtobufListFramer()
        while let chunk = try await response.next() {
            try request.framing {
                try framer.append(chunk) { item in
                    if let resource = try Resource.item(protobuf: item) { each(resource) }
                }
            }
        }
        return try request.reading { try framer.finish() }
    }

    /// Follows changes until the server ends the watch, which it does after a while.
    ///
    /// - Parameters:
    ///   - resourceType: the kind by another version, where the server does not have that of `Resource`.
    ///   - onEvent: is called for each change, and waited for.
    /// - Throws: also what the server reports inside the watch, such as an error that ``KubernetesError/isGone``.
    public func watch<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, of resourceType: ResourceType = Resource.resourceType,
        in namespace: String? = nil, _ options: WatchOptions, onEvent: (WatchEvent<Resource>) async throws -> Void
    ) async throws {
        let request = KubernetesRequest.watch(resourceType, in: namespace, options, as: Resource.representation)
        try await withSuccess(request) { response in
            var framer = LineFramer()
            while let chunk = try await response.next() {
                for line in try request.framing({ try framer.append(chunk) }) {
                    try await onEvent(try request.event(line))
                }
            }
            if let line = framer.finish() {
                try await onEvent(try request.event(line))
            }
        }
    }
}

extension KubernetesRequest {
    fileprivate func event<Resource>(_ line: [UInt8]) throws -> WatchEvent<Resource> {
        let event = try reading { try WatchEvent<Resource>(parsing: line) }
        if case .error(let status) = event {
            throw KubernetesError(operation: operation, status: status)
        }
        return event
    }

    fileprivate func framing<Value>(_ body: () throws -> Value) throws -> Value {
        do {
            return try reading(body)
        } catch let error as LineFramer.LineTooLong {
            throw tooLarge(limit: error.limit, cause: error)
        } catch let error as PartTooLong {
            throw tooLarge(limit: error.limit, cause: error)
        }
    }

    private func tooLarge(limit: Int, cause: any Error) -> KubernetesError {
        KubernetesError(
            .responseTooLarge, operation: operation, message: "an object is longer than \(limit) bytes", cause: cause)
    }
}
