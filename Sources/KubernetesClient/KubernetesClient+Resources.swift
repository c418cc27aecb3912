public import JSON
public import KubernetesModel

// Objects, one at a time.

extension KubernetesClient {
    public func get<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ key: ObjectKey
    ) async throws -> Resource {
        try await read(.get(Resource.resourceType, key, as: Resource.representation))
    }

    /// - Returns: `nil` if there is no such object.
    public func getIfPresent<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ key: ObjectKey
    ) async throws -> Resource? {
        do {
            return try await get(type, key)
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// - Parameter object: what is to be there; `apiVersion` and `kind` are filled in.
    @discardableResult
    public func create<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ object: JSONValue, in namespace: String? = nil
    ) async throws -> Resource {
        try await read(.create(Resource.resourceType, object, in: namespace, fieldManager: fieldManager))
    }

    /// Server-side apply: makes these fields so and owns them, and gives up what was applied before and is left out now.
    ///
    /// - Parameters:
    ///   - fields: without `apiVersion`, `kind` and the object's name, which are filled in.
    ///   - subresource: `status`, to change that and nothing else.
    ///   - force: whether to take over fields that others own. Without it that is a conflict.
    @discardableResult
    public func apply<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ key: ObjectKey, _ fields: JSONValue, subresource: String? = nil,
        force: Bool = true
    ) async throws -> Resource {
        try await read(
            .apply(
                Resource.resourceType, key, fields, subresource: subresource, fieldManager: fieldManager, force: force))
    }

    @discardableResult
    public func patch<Resource: KubernetesResource>(
        _ type: Resource.Type = Resource.self, _ key: ObjectKey, _ patch: KubernetesPatch, subresource: String? = nil
    ) async throws -> Resource {
        try await read(
            .patch(Resource.resourceType, key, patch, subresource: subresource, fieldManager: fieldManager))
    }

    /// Asks for an object's deletion. It goes when its finalizers and grace period are over.
    ///
    /// - Parameters:
    ///   - uid: delete this very object, and not another one that has taken its name.
    ///   - resourceVersion: delete it as it was then; a conflict if somebody has written in between.
    public func delete(
        _ type: ResourceType, _ key: ObjectKey, uid: String? = nil, resourceVersion: String? = nil
    ) async throws {
        _ = try await send(.delete(type, key, uid: uid, resourceVersion: resourceVersion))
    }
}
