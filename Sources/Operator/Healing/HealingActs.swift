internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

/// What is read and written to replace a pod.
struct HealingActs {
    let client: KubernetesClient

    /// Since Kubernetes 1.22 there is an Eviction of policy/v1, and since 1.25 no other of policy is served.
    private static let firstWithStableEviction = (major: 1, minor: 22)

    // MARK: Reading

    /// - Returns: `nil` if the workload is not there, or is another one by now.
    func rollout(of workload: Workload) async throws -> WorkloadRollout? {
        do {
            let object = try await client.json(.get(workload.kind.resourceType, workload.key))
            guard object["metadata"]?["uid"]?.string == workload.metadata.uid,
                object["metadata"]?["deletionTimestamp"] == nil
            else { return nil }
            return WorkloadRollout(of: workload.kind, object)
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    /// The pods of a namespace that are not finished and satisfy `isMeant`.
    func pods(
        in namespace: String?, where isMeant: (ObjectMetadata) -> Bool
    ) async throws -> [PodReadiness] {
        var pods: [PodReadiness] = []
        var options = ListOptions()
        while true {
            let page = try await client.listPage(PodReadiness.self, in: namespace, options) { pod in
                if !pod.isFinished, isMeant(pod.metadata) { pods.append(pod) }
            }
            guard !page.continueToken.isEmpty else { return pods }
            options.continueToken = page.continueToken
        }
    }

    // MARK: Writing

    /// Without a record nothing would keep pods from being evicted again and again.
    struct NotKept: Error, CustomStringConvertible {
        let description = """
            the installed definition drops status.healing, so that nothing is evicted: apply the definition of this release
            """
    }

    /// Writes what was done for a workload over the status as it is now, beside what stands there of others.
    ///
    /// - Parameter isThere: whether a workload is there still. What was done for others is forgotten.
    /// - Throws: ``NotKept``, too.
    func write(
        _ record: HealingRecord, to key: ObjectKey, keeping isThere: (HealingRecord) -> Bool
    ) async throws -> [HealingRecord] {
        let identity = try await client.get(WorkloadIdentityObject.self, key)
        let others = identity.healing.filter {
            ($0.kind, $0.workload) != (record.kind, record.workload) && isThere($0)
        }
        let records = (others + [record]).sorted { ($0.kind, $0.workload) < ($1.kind, $1.workload) }
        var status = identity.status
        status["healing"] = .array(records.map(\.json))
        let metadata: JSONValue = [
            "name": .string(key.name), "namespace": .string(key.namespace ?? ""),
            "resourceVersion": .string(identity.metadata.resourceVersion),
        ]
        let written = try await client.read(
            .update(
                WorkloadIdentityObject.resourceType, key, ["metadata": metadata, "status": status],
                subresource: "status", fieldManager: client.fieldManager), as: WorkloadIdentityObject.self)
        // A time is written in whole seconds.
        guard written.healing.map(\.json) == records.map(\.json) else { throw NotKept() }
        return written.healing
    }

    /// Asks for a pod's eviction, which the API server refuses where a disruption budget does not allow it.
    ///
    /// - Returns: why it was refused; `nil` if the pod goes, or is gone.
    func evict(_ pod: HealingSituation.Pod, in namespace: String?) async throws -> String? {
        let version = try await client.serverVersion()
        let isStable = (version.major, version.minor) >= Self.firstWithStableEviction
        let metadata: JSONValue = ["name": .string(pod.name), "namespace": .string(namespace ?? "")]
        let eviction: JSONValue = [
            "apiVersion": isStable ? "policy/v1" : "policy/v1beta1", "kind": "Eviction", "metadata": metadata,
            // This very pod, and not another one that has taken its name.
            "deleteOptions": ["preconditions": ["uid": .string(pod.uid)]],
        ]
        let key = ObjectKey(namespace: namespace, name: pod.name)
        do {
            _ = try await client.send(.create("eviction", of: Pod.resourceType, key, eviction))
            return nil
        } catch let error as KubernetesError where error.isNotFound || error.isConflict {
            return nil
        } catch let error as KubernetesError where error.isTooManyRequests || !error.isRetryable {
            return "\(error)"
        }
    }
}
