import JSON
import KubernetesClient
import NIOCore
import Synchronization

/// An API server that keeps objects as a real one does: with versions, UIDs, conflicts, watches. It records what is written.
///
/// It validates nothing, and knows of patches what the operator sends.
final class FakeAPIServer: KubernetesTransport {
    /// A request that changes something, as it arrived.
    struct Write: Sendable {
        var method: KubernetesRequest.Method
        var path: String
        var contentType: String?
        var body: JSONValue
        /// The status of the answer.
        var code: Int
    }

    /// An answer in place of the server's own.
    typealias Refusal = @Sendable (KubernetesRequest) -> (code: Int, reason: String)?

    fileprivate struct Watcher {
        var collection: FakeCollection
        var stream: AsyncStream<ByteBuffer>.Continuation
    }

    fileprivate struct State {
        var version = 0
        var objects: [FakePath: JSONValue] = [:]
        /// What changed, for those who watch: a watch may begin in the past.
        var events: [(version: Int, path: FakePath, line: ByteBuffer)] = []
        var watchers: [Int: Watcher] = [:]
        var writes: [Write] = []
        var reads: [String] = []
        var refusal: Refusal?
    }

    private let state = Mutex(State())

    var client: KubernetesClient { KubernetesClient(transport: self, fieldManager: "lanyard") }

    // MARK: What tests see and do

    subscript(path: String) -> JSONValue? { state.withLock { $0.objects[FakePath(path)] } }

    /// What was written, but for events.
    var writes: [Write] { state.withLock { $0.writes.filter { !$0.path.contains("/events") } } }

    /// The reasons of the events, and what they regard.
    var events: [String] {
        state.withLock { state in
            state.writes.filter { $0.method == .post && $0.path.hasSuffix("/events") }.map { write in
                let regarding = write.body["regarding"]
                return [write.body["reason"], regarding?["kind"], regarding?["name"]]
                    .map { $0?.string ?? "" }.joined(separator: " ")
            }
        }
    }

    /// The paths that were read one by one or listed, each as often as it was.
    var reads: [String] { state.withLock { $0.reads } }

    func forgetRequests() { state.withLock { ($0.writes, $0.reads) = ([], []) } }

    /// Whatever is asked from now on, and is answered by `refusal`, has that answer.
    func refuse(_ refusal: Refusal?) { state.withLock { $0.refusal = refusal } }

    /// Puts an object there, as somebody else does.
    @discardableResult
    func put(_ path: String, _ object: JSONValue) -> JSONValue {
        state.withLock { $0.store(object, at: FakePath(path)) }
    }

    func edit(_ path: String, _ change: (inout JSONValue) -> Void) {
        state.withLock { state in
            guard var object = state.objects[FakePath(path)] else { return }
            change(&object)
            _ = state.store(object, at: FakePath(path))
        }
    }

    func delete(_ path: String) { state.withLock { $0.delete(FakePath(path)) } }

    // MARK: Requests

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        if request.isWatch { return try await watch(request, body) }
        let sent: JSONValue = request.body.isEmpty ? [:] : try JSONValue(parsing: request.body)
        let refusal = state.withLock { $0.refusal }?(request)
        let (code, answer) = state.withLock { state in
            if request.method == .get { state.reads.append(request.path) }
            let answer =
                refusal.map { ($0.code, FakeAPIServer.status($0.code, $0.reason)) }
                ?? state.answer(request, sent)
            if request.method != .get {
                state.writes.append(
                    Write(
                        method: request.method, path: request.path, contentType: request.contentType, body: sent,
                        code: answer.0))
            }
            return answer
        }
        var chunks = [ByteBuffer(bytes: answer.serialized())]
        var response = KubernetesResponse(statusCode: code) { chunks.popLast() }
        return try await body(&response)
    }

    private func watch<Result: Sendable>(
        _ request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        let collection = FakeCollection(request)
        let (stream, continuation) = AsyncStream<ByteBuffer>.makeStream()
        let start = request.query.first { $0.name == "resourceVersion" }.flatMap { Int($0.value) } ?? 0
        let id = state.withLock { state in
            for event in state.events where event.version > start && collection.contains(event.path) {
                continuation.yield(event.line)
            }
            let id = (state.watchers.keys.max() ?? 0) + 1
            state.watchers[id] = Watcher(collection: collection, stream: continuation)
            return id
        }
        defer { state.withLock { $0.watchers[id] = nil } }
        var lines = stream.makeAsyncIterator()
        var response = KubernetesResponse(statusCode: 200) {
            let line = await lines.next(isolation: #isolation)
            try Task.checkCancellation()
            return line
        }
        return try await body(&response)
    }

    fileprivate static func status(_ code: Int, _ reason: String) -> JSONValue {
        ["kind": "Status", "code": .number(JSONNumber(code)), "reason": .string(reason), "message": .string(reason)]
    }
}

// MARK: - Paths

/// Where an object is: `/apis/apps/v1`, `deployments`, `ai`, `app`.
private struct FakePath: Hashable {
    var root: String
    var resource: String
    var namespace: String?
    var name: String?
    var subresource: String?

    init(_ path: String) {
        var parts = path.split(separator: "/").map(String.init)
        let length = min(parts.count, parts.first == "api" ? 2 : 3)
        root = parts.prefix(length).joined(separator: "/")
        parts.removeFirst(length)
        if parts.first == "namespaces", parts.count > 2 {
            namespace = parts[1]
            parts.removeFirst(2)
        }
        resource = parts.first ?? ""
        name = parts.dropFirst().first
        subresource = parts.dropFirst(2).first
    }

    var object: FakePath {
        var path = self
        path.subresource = nil
        return path
    }
}

/// What a list or a watch is of.
private struct FakeCollection {
    var path: FakePath
    var name: String?

    init(_ request: KubernetesRequest) {
        path = FakePath(request.path)
        let selector = request.query.first { $0.name == "fieldSelector" }?.value ?? ""
        if selector.hasPrefix("metadata.name=") { name = String(selector.dropFirst("metadata.name=".count)) }
    }

    func contains(_ other: FakePath) -> Bool {
        path.root == other.root && path.resource == other.resource
            && (path.namespace == nil || path.namespace == other.namespace) && (name == nil || name == other.name)
    }
}

// MARK: - Answers

extension FakeAPIServer.State {
    fileprivate mutating func answer(_ request: KubernetesRequest, _ sent: JSONValue) -> (Int, JSONValue) {
        let path = FakePath(request.path)
        let present = objects[path.object]
        switch request.method {
        case .get where path.name == nil && !path.resource.isEmpty:
            let collection = FakeCollection(request)
            let items = objects.filter { collection.contains($0.key) }
            return (
                200, ["metadata": ["resourceVersion": .string("\(version)")], "items": .array(Array(items.values))]
            )
        case .post:
            guard path.subresource == nil else { return (201, sent) }
            var created = path
            created.name = sent["metadata"]?["name"]?.string ?? ""
            guard objects[created] == nil else { return (409, FakeAPIServer.status(409, "AlreadyExists")) }
            return (201, store(sent, at: created))
        default:
            guard let present else { return (404, FakeAPIServer.status(404, "NotFound")) }
            return answer(request, sent, path, present)
        }
    }

    private mutating func answer(
        _ request: KubernetesRequest, _ sent: JSONValue, _ path: FakePath, _ present: JSONValue
    ) -> (Int, JSONValue) {
        let precondition = sent["preconditions"] ?? sent["metadata"]
        for key in ["resourceVersion", "uid"] {
            guard let demanded = precondition?[key], demanded != present["metadata"]?[key] else { continue }
            return (409, FakeAPIServer.status(409, "Conflict"))
        }
        var object = present
        switch request.method {
        case .get: return (200, present)
        case .delete:
            delete(path)
            return (200, present)
        case .put where path.subresource == "status": object["status"] = sent["status"]
        case .put:
            object = sent
            object["status"] = present["status"]
            object["metadata"]?["uid"] = present["metadata"]?["uid"]
        default: object.merge(sent, listsByKey: request.contentType?.contains("strategic") == true)
        }
        // As a server does: what changes nothing is not written.
        object["metadata"]?["resourceVersion"] = present["metadata"]?["resourceVersion"]
        return (200, object == present ? present : store(object, at: path.object))
    }

    mutating fileprivate func store(_ object: JSONValue, at path: FakePath) -> JSONValue {
        version += 1
        var object = object
        var metadata = object["metadata"] ?? [:]
        metadata["name"] = path.name.map { .string($0) }
        metadata["namespace"] = path.namespace.map { .string($0) }
        metadata["resourceVersion"] = .string("\(version)")
        metadata["uid"] = objects[path]?["metadata"]?["uid"] ?? metadata["uid"] ?? .string("uid-\(version)")
        object["metadata"] = metadata
        tell(objects[path] == nil ? "ADDED" : "MODIFIED", object, at: path)
        objects[path] = object
        return object
    }

    mutating fileprivate func delete(_ path: FakePath) {
        guard var object = objects.removeValue(forKey: path) else { return }
        version += 1
        object["metadata"]?["resourceVersion"] = .string("\(version)")
        tell("DELETED", object, at: path)
    }

    private mutating func tell(_ type: String, _ object: JSONValue, at path: FakePath) {
        let event: JSONValue = ["type": .string(type), "object": object]
        let line = ByteBuffer(bytes: event.serialized() + [UInt8(ascii: "\n")])
        events.append((version, path, line))
        for watcher in watchers.values where watcher.collection.contains(path) { watcher.stream.yield(line) }
    }
}

extension JSONValue {
    /// - Parameter listsByKey: whether lists of objects are merged by `type` or `name`, as in a strategic merge patch.
    fileprivate mutating func merge(_ patch: JSONValue, listsByKey: Bool) {
        guard let members = patch.object, object != nil else {
            self = patch
            return
        }
        for (key, value) in members {
            if value.isNull {
                self[key] = nil
            } else if listsByKey, let elements = value.array, var present = self[key]?.array {
                present.merge(elements)
                self[key] = .array(present)
            } else {
                var member = self[key] ?? [:]
                member.merge(value, listsByKey: listsByKey)
                self[key] = member
            }
        }
    }
}

extension [JSONValue] {
    fileprivate mutating func merge(_ elements: [JSONValue]) {
        for element in elements {
            let index = firstIndex { present in
                ["type", "name"].contains { element[$0] != nil && element[$0] == present[$0] }
            }
            switch (index, element["$patch"]) {
            case (let index?, "delete"?): remove(at: index)
            case (nil, "delete"?): break
            case (let index?, _): self[index].merge(element, listsByKey: true)
            case (nil, _): append(element)
            }
        }
    }
}
