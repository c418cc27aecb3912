internal import KubernetesModel
internal import WorkloadIdentity

/// What is tried of one ServiceAccount. What came of it is known of that alone.
struct TrialScope: Hashable {
    var subject: Subject
    /// Of the bindings, and of where each is tried.
    var fingerprint: String

    /// `nil` if there is nothing to try.
    init?(_ plan: Plan, _ configuration: Configuration) {
        guard let fingerprint = plan.trialFingerprint(configuration) else { return nil }
        subject = plan.subject
        self.fingerprint = fingerprint
    }

    var key: ObjectKey { subject.key }
}
