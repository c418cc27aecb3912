internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

extension KubernetesClient {
    /// As whom an object runs, or the ServiceAccount itself.
    ///
    /// - Throws: a `StartFailure` if a workload is not there or cannot be read, or names no ServiceAccount.
    func subject(of object: ObjectArgument, in defaultNamespace: String) async throws -> Subject {
        let key = object.key(in: defaultNamespace)
        let place = key.namespace ?? defaultNamespace
        guard case .workload(let kind) = object.kind else {
            return Subject(namespace: place, serviceAccount: object.name)
        }
        do {
            let workload = try await json(.get(kind.resourceType, key))
            var specification = workload["spec"]
            if kind == .cronJob { specification = specification?["jobTemplate"]?["spec"] }
            if kind != .pod { specification = specification?["template"]?["spec"] }
            let name = specification?["serviceAccountName"]?.string ?? specification?["serviceAccount"]?.string
            return Subject(namespace: place, serviceAccount: name.flatMap { $0.isEmpty ? nil : $0 } ?? "default")
        } catch let error as KubernetesError {
            throw StartFailure(description: "\(error)")
        }
    }
}
