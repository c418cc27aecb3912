internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import Synchronization

/// Knows which pods run as which ServiceAccount.
///
/// Pods are followed as metadata, which does not say. A list by `spec.serviceAccountName` does, and since a pod's
/// ServiceAccount never changes, and all pods of a ReplicaSet or Job have the same, one list answers for all that follow.
final class PodCensus: Sendable {
    typealias PodMetadata = PartialObjectMetadata<Pod>

    private let pods: Store<PodMetadata>
    private let client: KubernetesClient
    private let known = Mutex<[ObjectKey: Families]>([:])

    /// What is known of the families of pods in a ServiceAccount's namespace: which are its own, and which are not.
    private struct Families {
        var own: Set<String> = []
        var others: Set<String> = []

        func isKnown(_ family: String) -> Bool { own.contains(family) || others.contains(family) }
    }

    init(pods: Store<PodMetadata>, client: KubernetesClient) {
        self.pods = pods
        self.client = client
    }

    /// The pods of a ServiceAccount that are not finished and not being deleted.
    func pods(of serviceAccount: ObjectKey) async throws -> [ObjectMetadata] {
        let present = pods.resources(by: .namespace, serviceAccount.namespace ?? "").map(\.metadata)
        let families = Set(present.map(\.family))
        var verdict = known.withLock { $0[serviceAccount] } ?? Families()
        let unknown = families.filter { !verdict.isKnown($0) }
        if !unknown.isEmpty {
            let listed = try await client.list(
                PodMetadata.self, in: serviceAccount.namespace,
                ListOptions(fieldSelector: "spec.serviceAccountName=\(serviceAccount.name)"))
            let own = Set(listed.map(\.metadata.family))
            // A pod that is not listed is another's, or has gone by now.
            verdict.own = verdict.own.intersection(families).union(own)
            verdict.others = verdict.others.intersection(families).union(unknown.subtracting(own))
            known.withLock { [verdict] in $0[serviceAccount] = verdict }
        }
        return present.filter { verdict.own.contains($0.family) && $0.deletionTimestamp == nil }
    }

    func forget(_ serviceAccount: ObjectKey) {
        known.withLock { _ = $0.removeValue(forKey: serviceAccount) }
    }
}

extension ObjectMetadata {
    /// The pods that are made from one template which cannot change, or the pod alone.
    fileprivate var family: String {
        guard let controller, [.replicaSet, .job].contains(controller.workloadKind) else { return uid }
        return controller.uid
    }
}
