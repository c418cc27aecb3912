internal import JSON
internal import KubernetesModel

/// How many pods a workload should have, and whether its controller is exchanging them, by its specification and status.
struct WorkloadRollout: Hashable {
    var desired: Int
    var isUnderWay: Bool

    /// The kinds whose controllers make a pod again that was evicted, at once and as it was. A Job's pod would lose its work
    /// and be counted as failed; of others it is not known.
    static let kinds: [Workload.Kind] = [.deployment, .statefulSet, .daemonSet]

    /// - Returns: `nil` for a kind whose pods are not replaced.
    init?(of kind: Workload.Kind, _ object: JSONValue) {
        let (specification, status) = (object["spec"], object["status"])
        func count(_ name: String) -> Int { status?[name]?.integer ?? 0 }
        let isObserved = (object["metadata"]?["generation"]?.integer ?? 0) <= count("observedGeneration")
        let replicas = specification?["replicas"]?.integer ?? 1
        switch kind {
        case .deployment:
            desired = replicas
            isUnderWay = count("updatedReplicas") < replicas || count("replicas") > count("updatedReplicas")
        case .statefulSet:
            desired = replicas
            // They differ for as long as an update waits: with a partition, or with OnDelete, by which evicting would go on.
            isUnderWay = status?["currentRevision"] != status?["updateRevision"]
        case .daemonSet:
            desired = count("desiredNumberScheduled")
            isUnderWay = count("updatedNumberScheduled") < desired
        default: return nil
        }
        if !isObserved { isUnderWay = true }
    }
}
