internal import AdmissionWebhook
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime

/// Finds an object that an admission review depends on.
struct ObjectLookup<Resource: KubernetesResource>: Sendable {
    private let store: Store<Resource>
    private let client: KubernetesClient

    init(_ store: Store<Resource>, _ client: KubernetesClient) {
        self.store = store
        self.client = client
    }

    /// As the store has it.
    func known(_ key: ObjectKey) -> Resource? { store[key] }

    /// From the store, or by one bounded read: what a review names has often come in the same apply, and the watch has not
    /// told of it yet.
    ///
    /// - Returns: `nil` if there is no such object.
    /// - Throws: if the API server does not answer in time.
    func find(_ key: ObjectKey) async throws -> Resource? {
        if let known = known(key) { return known }
        return try await read(key)
    }

    /// As it is now, whatever the store says: by one bounded read.
    ///
    /// - Returns: `nil` if there is no such object.
    /// - Throws: if the API server does not answer in time.
    func read(_ key: ObjectKey) async throws -> Resource? {
        var request = KubernetesRequest.get(Resource.resourceType, key, as: Resource.representation)
        request.timeout = timeout
        do {
            return try await client.read(request)
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// Half of what is left, so that there is always some to answer in.
    private var timeout: Duration {
        guard let deadline = ReviewDeadline.current else { return .seconds(2) }
        return max(.milliseconds(100), (deadline - .now) / 2)
    }
}
