internal import KubernetesModel
internal import WorkloadIdentity

extension Condition {
    /// The condition of one workload; `nil` if it has no binding, and so is not ours to speak of.
    static func credentialsReady(_ plan: Plan, pods: PodCount) -> Condition? {
        guard !plan.bindings.isEmpty, plan.exemption == nil else { return nil }
        func condition(_ status: Status, _ reason: String, _ message: String) -> Condition {
            Condition(type: ConditionType.credentialsReady, status: status, reason: reason, message: message)
        }
        if let blocked = plan.bindings.first(where: \.isBlocked) {
            let errors = blocked.problems.filter { $0.severity == .error }
            return condition(
                .false, errors.first?.reason.rawValue ?? Problem.Reason.noMechanism.rawValue,
                errors.map(\.sentence).joined(separator: "; "))
        }
        if let shortcoming = pods.shortcoming() { return condition(.false, shortcoming.reason, shortcoming.message) }
        let ways = plan.outcomes.map { "\($0.provider) by \($0.outcome.mechanism)" }
        return condition(.true, StatusReason.ready, ways.joined(separator: ", "))
    }
}
