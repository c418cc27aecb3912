internal import KubernetesModel
internal import WorkloadIdentity

extension WorkloadIdentityStatus {
    /// Whether the providers have, and take, the keys with which the cluster signs, as far as it was noted what they have.
    /// It never makes anything unready: tokens of the old key are good until that goes.
    ///
    /// `nil` if there is nothing to say: all fetch the keys, or none verifies tokens by them.
    var keysTrusted: Condition? {
        guard let keys, !keys.keys.keys.isEmpty else { return nil }
        let verifiers = readiness.providers.flatMap { provider in
            Set(provider.outcomes.compactMap { KeyVerifier.of($0.mechanism) })
        }
        let problems = verifiers.flatMap(keys.problems(for:))
        let wrong = problems.filter { $0.severity != .note }
        if let first = wrong.first ?? problems.first {
            return Condition(
                type: ConditionType.keysTrusted, status: wrong.isEmpty ? .unknown : .false,
                reason: first.reason.rawValue,
                message: (wrong.isEmpty ? problems : wrong).map(\.message).joined(separator: "; "))
        }
        let names = verifiers.filter { keys.keysNotUploaded(to: $0) != nil }.map(\.provider.rawValue)
        guard !names.isEmpty else { return nil }
        return Condition(
            type: ConditionType.keysTrusted, status: .true, reason: StatusReason.keysCurrent,
            message: "All keys of the cluster were uploaded: \(names.joined(separator: ", "))")
    }
}
