internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

extension KubernetesClient {
    /// As whom an object runs, or the ServiceAccount itself.
    ///
    /// - Throws: a `KubernetesError` if a workload is not there or cannot be read.
    func subject(of object: ObjectArgument, in defaultNamespace: String) async throws -> Subject {
        let key = object.key(in: defaultNamespace)
        let place = key.namespace ?? defaultNamespace
        guard case .workload(let kind) = object.kind else {
            return Subject(namespace: place, serviceAccount: object.name)
        }
        return Subject(of: try await pod(of: kind, key), in: place)
    }

    /// The pod that a workload makes, or the pod itself.
    func pod(of kind: WorkloadKind, _ key: ObjectKey) async throws -> PodManifest {
        let object = try await json(.get(kind.resourceType, key))
        return PodManifest(kind.podPointer.tokens.reduce(object) { $0[$1] ?? .null })
    }
}
