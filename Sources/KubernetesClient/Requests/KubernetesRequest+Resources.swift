public import JSON
public import KubernetesModel

// The requests for objects. Pure: paths and queries are tested by value.

extension KubernetesRequest {
    /// - Parameter namespace: `nil` for all of them, and for kinds that are not namespaced.
    public static func list(
        _ type: ResourceType, in namespace: String? = nil, _ options: ListOptions = ListOptions(),
        as representation: ResourceRepresentation = .whole
    ) -> KubernetesRequest {
        var request = KubernetesRequest(
            .get, path: type.path(namespace: namespace), operation: "list \(type.plural)\(type.place(namespace))")
        request.ask("labelSelector", options.labelSelector)
        request.ask("fieldSelector", options.fieldSelector)
        request.ask("resourceVersion", options.resourceVersion)
        request.ask("limit", options.limit.map { String($0) })
        request.ask("continue", options.continueToken)
        request.accept = representation.accept(ofList: true)
        request.timeout = .seconds(60)
        return request
    }

    public static func watch(
        _ type: ResourceType, in namespace: String? = nil, _ options: WatchOptions,
        as representation: ResourceRepresentation = .whole
    ) -> KubernetesRequest {
        var request = KubernetesRequest(
            .get, path: type.path(namespace: namespace), operation: "watch \(type.plural)\(type.place(namespace))")
        request.ask("watch", "true")
        request.ask("allowWatchBookmarks", "true")
        request.ask("resourceVersion", options.resourceVersion)
        request.ask("timeoutSeconds", String(options.timeout.components.seconds))
        request.ask("labelSelector", options.labelSelector)
        request.ask("fieldSelector", options.fieldSelector)
        request.accept = representation.accept(ofList: false)
        request.isWatch = true
        return request
    }

    public static func get(
        _ type: ResourceType, _ key: ObjectKey, as representation: ResourceRepresentation = .whole
    ) -> KubernetesRequest {
        var request = KubernetesRequest(.get, path: type.path(key), operation: "get \(type.plural) \(key)")
        request.accept = representation.accept(ofList: false)
        return request
    }

    /// - Parameter object: with its name, or with `generateName`. `apiVersion` and `kind` are filled in.
    public static func create(
        _ type: ResourceType, _ object: JSONValue, in namespace: String? = nil, fieldManager: String? = nil
    ) -> KubernetesRequest {
        let name = (object["metadata"]?["name"] ?? object["metadata"]?["generateName"])?.string ?? ""
        var request = KubernetesRequest(
            .post, path: type.path(namespace: namespace),
            operation: "create \(type.plural) \(ObjectKey(namespace: namespace, name: name))")
        request.ask("fieldManager", fieldManager)
        request.send(object.of(type), as: "application/json")
        return request
    }

    /// Creates what hangs on an object, such as a ServiceAccount's `token` or a Pod's `eviction`.
    public static func create(
        _ subresource: String, of type: ResourceType, _ key: ObjectKey, _ object: JSONValue
    ) -> KubernetesRequest {
        var request = KubernetesRequest(
            .post, path: type.path(key, subresource: subresource),
            operation: "create \(type.plural)/\(subresource) \(key)")
        request.send(object, as: "application/json")
        return request
    }

    /// - Parameters:
    ///   - subresource: `status`, to change that and nothing else.
    ///   - fieldManager: who owns what is changed. An apply needs one.
    public static func patch(
        _ type: ResourceType, _ key: ObjectKey, _ patch: KubernetesPatch, subresource: String? = nil,
        fieldManager: String
    ) -> KubernetesRequest {
        let resource = subresource.map { "\(type.plural)/\($0)" } ?? type.plural
        var request = KubernetesRequest(
            .patch, path: type.path(key, subresource: subresource), operation: "\(patch.verb) \(resource) \(key)")
        request.ask("fieldManager", fieldManager)
        if case .apply(_, let force) = patch {
            request.ask("force", String(force))
        }
        request.send(patch.body, as: patch.contentType)
        return request
    }

    /// Server-side apply of `fields`. `apiVersion`, `kind`, and the object's name are filled in.
    public static func apply(
        _ type: ResourceType, _ key: ObjectKey, _ fields: JSONValue, subresource: String? = nil, fieldManager: String,
        force: Bool = true
    ) -> KubernetesRequest {
        var object = fields.of(type)
        var metadata = object["metadata"] ?? [:]
        metadata["name"] = .string(key.name)
        if let namespace = key.namespace { metadata["namespace"] = .string(namespace) }
        object["metadata"] = metadata
        return patch(type, key, .apply(object, force: force), subresource: subresource, fieldManager: fieldManager)
    }

    /// Writes an object whole. With its `metadata.resourceVersion` it is a conflict if somebody has written in between.
    ///
    /// - Parameters:
    ///   - object: `apiVersion` and `kind` are filled in.
    ///   - subresource: `status`, to write that and nothing else.
    public static func update(
        _ type: ResourceType, _ key: ObjectKey, _ object: JSONValue, subresource: String? = nil,
        fieldManager: String? = nil
    ) -> KubernetesRequest {
        let resource = subresource.map { "\(type.plural)/\($0)" } ?? type.plural
        var request = KubernetesRequest(
            .put, path: type.path(key, subresource: subresource), operation: "update \(resource) \(key)")
        request.ask("fieldManager", fieldManager)
        request.send(object.of(type), as: "application/json")
        return request
    }

    /// - Parameters:
    ///   - uid: delete this very object, and not another one that has taken its name.
    ///   - resourceVersion: delete it as it was then; a conflict if somebody has written in between.
    public static func delete(
        _ type: ResourceType, _ key: ObjectKey, uid: String? = nil, resourceVersion: String? = nil
    ) -> KubernetesRequest {
        var request = KubernetesRequest(.delete, path: type.path(key), operation: "delete \(type.plural) \(key)")
        if uid != nil || resourceVersion != nil {
            var preconditions: JSONValue = [:]
            preconditions["uid"] = uid.map { .string($0) }
            preconditions["resourceVersion"] = resourceVersion.map { .string($0) }
            request.send(
                ["apiVersion": "v1", "kind": "DeleteOptions", "preconditions": preconditions], as: "application/json")
        }
        return request
    }

    private mutating func send(_ body: JSONValue, as contentType: String) {
        self.body = body.serialized()
        self.contentType = contentType
    }
}

// MARK: - Paths

extension ResourceType {
    /// The path of all objects, or of those in one namespace.
    func path(namespace: String?) -> String {
        let root = group.isEmpty ? "/api/\(version)" : "/apis/\(group)/\(version)"
        guard isNamespaced, let namespace else { return "\(root)/\(plural)" }
        return "\(root)/namespaces/\(namespace.percentEncoded)/\(plural)"
    }

    func path(_ key: ObjectKey, subresource: String? = nil) -> String {
        let path = "\(path(namespace: key.namespace))/\(key.name.percentEncoded)"
        return subresource.map { "\(path)/\($0)" } ?? path
    }

    fileprivate func place(_ namespace: String?) -> String {
        guard isNamespaced else { return "" }
        return namespace.map { " in namespace \($0)" } ?? " in all namespaces"
    }
}

extension ResourceRepresentation {
    /// With a fall-back to whole objects, since not every server can shorten every kind. Those are read the same way.
    ///
    /// Lists of metadata may come as Protocol Buffers, which the server makes, and we read, in less time.
    fileprivate func accept(ofList isList: Bool) -> String {
        if self == .wholeInProtobuf, isList { return "\(KubernetesRequest.protobuf),application/json" }
        guard self == .metadata else { return "application/json" }
        let metadata = "as=PartialObjectMetadata\(isList ? "List" : "");g=meta.k8s.io;v=v1"
        let json = "application/json;\(metadata),application/json"
        return isList ? "\(KubernetesRequest.protobuf);\(metadata),\(json)" : json
    }
}

extension JSONValue {
    fileprivate func of(_ type: ResourceType) -> JSONValue {
        var object = self
        object["apiVersion"] = .string(type.apiVersion)
        object["kind"] = .string(type.kind)
        return object
    }
}
