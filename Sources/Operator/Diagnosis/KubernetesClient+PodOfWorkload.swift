internal import JSON
public import KubernetesClient
public import KubernetesModel

/// A pod that stands for the others of its workload.
public struct PodOfWorkload: Hashable, Sendable {
    public let key: ObjectKey
    public let isReady: Bool
    /// How many pods the workload has.
    public let total: Int
}

extension KubernetesClient {
    /// The pod of a workload that is most worth looking at: one that is not ready before one that is, the latest first, and one
    /// that has ended only if there is no other.
    ///
    /// - Returns: `nil` if it has none.
    public func podMostInNeed(of kind: WorkloadKind, _ key: ObjectKey) async throws -> PodOfWorkload? {
        let workload = try await json(.get(kind.resourceType, key, as: .metadata))
        guard let uid = workload["metadata"]?["uid"]?.string else { return nil }
        var owners: Set<String> = [uid]
        switch kind {
        case .deployment:
            owners = try await controlled(PartialObjectMetadata<ReplicaSet>.self, by: uid, in: key.namespace)
        case .cronJob: owners = try await controlled(PartialObjectMetadata<Job>.self, by: uid, in: key.namespace)
        default: break
        }
        var pods: [PodReadiness] = []
        var options = ListOptions()
        repeat {
            let page = try await listPage(PodReadiness.self, in: key.namespace, options) { pod in
                if pod.metadata.controller.map({ owners.contains($0.uid) }) == true { pods.append(pod) }
            }
            options.continueToken = page.continueToken
        } while options.continueToken?.isEmpty == false
        let first = pods.min { left, right in
            if left.isFinished != right.isFinished { return right.isFinished }
            if left.isReady != right.isReady { return right.isReady }
            return (left.age, left.metadata.name) > (right.age, right.metadata.name)
        }
        return first.map { PodOfWorkload(key: $0.metadata.key, isReady: $0.isReady, total: pods.count) }
    }

    private func controlled<Resource: KubernetesResource>(
        _ type: Resource.Type, by uid: String, in namespace: String?
    ) async throws -> Set<String> {
        Set(try await list(type, in: namespace).filter { $0.metadata.controller?.uid == uid }.map(\.metadata.uid))
    }
}

extension PodReadiness {
    fileprivate var age: Timestamp { metadata.creationTimestamp ?? Timestamp(seconds: 0) }
}
