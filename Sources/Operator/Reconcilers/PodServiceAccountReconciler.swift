internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime

/// Finds out, for one namespace at a time, as whom its pods run, where that is not known.
///
/// A few pods are read one by one; for more, all pods of the namespace are listed once, whatever the number of those who ask.
struct PodServiceAccountReconciler: Reconciler {
    let client: KubernetesClient
    let pods: PodsByServiceAccount
    /// Of rounds, each of which is one list, or a few pods read.
    let rate: RateLimit

    /// Reading this many pods costs the API server less than a list.
    private static let mostReads = 20

    /// A pod that is gone by now is dropped as soon as the watch tells, and what a list does not know yet it soon does.
    private static let soon = Duration.seconds(1)

    /// - Parameter key: the name of the namespace.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        let namespace = key.name
        guard !pods.unresolved(in: namespace).isEmpty else { return discovered([:], in: namespace) }
        try await rate.wait()
        // More may have come while this waited.
        let unresolved = pods.unresolved(in: namespace)
        let found =
            unresolved.count <= Self.mostReads
            ? try await read(unresolved, in: namespace)
            : try await list(Set(unresolved.map(\.family)), in: namespace)
        return discovered(found, in: namespace)
    }

    private func discovered(_ found: [String: String], in namespace: String) -> ReconcileResult {
        pods.resolve(found, in: namespace)
        return pods.unresolved(in: namespace).isEmpty ? .done : .requeue(after: Self.soon)
    }

    private func read(_ unresolved: [(family: String, pod: String)], in namespace: String) async throws
        -> [String: String]
    {
        var found: [String: String] = [:]
        for (family, name) in unresolved {
            let key = ObjectKey(namespace: namespace, name: name)
            guard let pod = try await client.getIfPresent(PodServiceAccount.self, key) else { continue }
            // Another pod may have taken the name.
            if pod.metadata.family == family { found[family] = pod.serviceAccountName }
        }
        return found
    }

    private func list(_ families: Set<String>, in namespace: String) async throws -> [String: String] {
        var found: [String: String] = [:]
        // From what the server has in memory, which costs it least.
        var options = ListOptions(resourceVersion: "0")
        while true {
            let page = try await client.listPage(PodServiceAccount.self, in: namespace, options) { pod in
                let family = pod.metadata.family
                if families.contains(family) { found[family] = pod.serviceAccountName }
            }
            guard !page.continueToken.isEmpty else { return found }
            options.continueToken = page.continueToken
            options.resourceVersion = nil
        }
    }
}
