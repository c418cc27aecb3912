internal import KubernetesModel
internal import KubernetesRuntime
internal import WorkloadIdentity

extension WorkloadIdentityStatus {
    /// What has changed since the last report, told once on the objects that people look at.
    ///
    /// - Parameter account: the ServiceAccount.
    func events(since present: WorkloadIdentityObject, about account: ObjectReference) -> [ObjectEvent] {
        var events: [ObjectEvent] = []
        let (before, ready) = (present.conditions[ConditionType.ready], ready)
        if before?.status != ready.status || before?.reason != ready.reason {
            events.append(ObjectEvent(about: ready, regarding: account))
        }
        // What is not known is no news, and that all is well is news only where it was not.
        for condition in [keysTrusted, trust?.condition].compactMap({ $0 }) {
            let before = present.conditions[condition.type]?.status
            if condition.status != before,
                condition.status == .false || (condition.status == .true && before == .false)
            {
                events.append(ObjectEvent(about: condition, regarding: account))
            }
        }
        let identities = present.identities
        for provider in readiness.providers {
            guard let old = identities[provider.name], let new = provider.identity, old != new else { continue }
            events.append(
                ObjectEvent(
                    regarding: account, .normal, reason: StatusReason.identityChanged, action: ObjectEvent.report,
                    note: "\(provider.name): \(old) before, now \(new), for pods that are created from now on"))
        }
        // Where an earlier release's definition is installed, which Helm does not upgrade, nobody could say what has been told.
        guard present.keepsProblems else { return events }
        for workload in workloads where !workload.problems.isEmpty {
            let known = present.problems(ofKind: workload.reference.kind, name: workload.reference.name)
            for problem in workload.problems where !known.contains(problem) {
                events.append(
                    ObjectEvent(
                        regarding: workload.reference, .warning, reason: problem.reason, action: "InjectPods",
                        note: problem.message))
            }
        }
        return events
    }
}

extension ObjectEvent {
    fileprivate static let report = "ReportWorkloadIdentity"

    init(about condition: Condition, regarding reference: ObjectReference) {
        self.init(
            regarding: reference, condition.status == .true ? .normal : .warning, reason: condition.reason,
            action: Self.report, note: condition.message)
    }
}
