internal import KubernetesModel
internal import WorkloadIdentity

/// How many pods carry the plan that they should.
struct PodCount: Hashable, Sendable {
    var total = 0
    var current = 0
    /// They carry another plan than the current one.
    var stale = 0
    /// They were created while nobody injected anything.
    var notInjected = 0

    /// - Parameters:
    ///   - pods: each one with the plan for it, by its own annotations.
    ///   - isForged: whether a pod lacks what its stamp says.
    init(_ pods: [(pod: ObjectMetadata, plan: Plan)], isForged: (ObjectMetadata) -> Bool = { _ in false }) {
        for (pod, plan) in pods {
            guard plan.exemption == nil else { continue }
            total += 1
            switch (pod.planStamp, plan.hash) {
            case (nil, nil): break  // Nothing can be injected: that is another condition's to say.
            case (let stamp, let hash) where stamp == hash:
                if isForged(pod) { notInjected += 1 } else { current += 1 }
            case (nil, _): notInjected += 1
            default: stale += 1
            }
        }
    }

    /// What is wrong and what to do about it; `nil` if every pod is as it should be.
    ///
    /// - Parameter awaitsAllowedPaths: whether a pod made now would get none of the keys that older ones have.
    func shortcoming(awaitsAllowedPaths: Bool = false) -> (reason: String, message: String)? {
        let advice =
            awaitsAllowedPaths
            ? "let them run until vault.allowedPaths is set, since pods that are made before that get no key"
            : "restart the workload to have them made anew"
        if notInjected > 0 {
            return (
                StatusReason.podsNotInjected,
                "\(notInjected) of \(pods(total)) created without injection; \(advice)"
            )
        }
        if stale > 0 {
            return (
                StatusReason.podsStale,
                "\(stale) of \(pods(total)) created before the last change; \(advice)"
            )
        }
        return nil
    }

    private func pods(_ count: Int) -> String { count == 1 ? "1 pod was" : "\(count) pods were" }
}
