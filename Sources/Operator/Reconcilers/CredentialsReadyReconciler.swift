internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import WorkloadIdentity

/// Keeps the condition `lanyard.dev/CredentialsReady` of Deployments or DaemonSets.
struct CredentialsReadyReconciler: Reconciler {
    let client: KubernetesClient
    let planner: Planner
    let workloads: WorkloadStore
    let stores: WorkloadStores
    let pods: PodsByServiceAccount
    let stamps: StampVerification
    let events: EventRecorder

    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let workload = workloads[key], workload.metadata.deletionTimestamp == nil else { return .done }
        guard case .known(let condition) = condition(of: workload) else { return .done }
        var conditions = workload.conditions
        let before = conditions[ConditionType.credentialsReady]
        let isChanged =
            condition.map { conditions.set($0, at: .now, recordsUpdates: true) }
            ?? conditions.remove(ConditionType.credentialsReady)
        guard isChanged else { return .done }
        try await write(conditions[ConditionType.credentialsReady], of: workload)
        if let condition, before?.status != condition.status || before?.reason != condition.reason {
            events.record(ObjectEvent(about: condition, regarding: workload.reference))
        }
        return .done
    }

    private enum Verdict {
        /// `nil` if the workload is not ours to speak of.
        case known(Condition?)
        /// It is looked at again when its pods are known.
        case podsUnknown
    }

    private func condition(of workload: Workload) -> Verdict {
        let account = planner.stores.serviceAccounts[workload.serviceAccountKey]
        let subject = Subject(workload.serviceAccountKey)
        let plan = planner.plan(for: subject, account, pod: PodContext(workload.template, of: account))
        guard !plan.bindings.isEmpty else { return .known(nil) }
        guard let all = pods.pods(of: workload.serviceAccountKey) else { return .podsUnknown }
        let own = all.filter { stores.owner(of: $0)?.uid == workload.metadata.uid }
        let report = stamps.report(
            on: own.map { ($0, planner.plan(for: subject, account, pod: PodContext($0))) }, origin: stores.origin)
        let failures = stores.identities[workload.serviceAccountKey]?.secretFailures ?? [:]
        return report.map { .known(.credentialsReady(plan, pods: $0, on: planner.facts.platform, failures)) }
            ?? .podsUnknown
    }

    /// Changes this one condition, by its key, and nothing that the workload's own controller writes; and only if nobody has
    /// written since the workload was read.
    private func write(_ condition: Condition?, of workload: Workload) async throws {
        let element: JSONValue =
            condition?.json ?? ["$patch": "delete", "type": .string(ConditionType.credentialsReady)]
        let patch = KubernetesPatch.strategicMerge([
            "metadata": ["resourceVersion": .string(workload.metadata.resourceVersion)],
            "status": ["conditions": [element]],
        ])
        do {
            _ = try await client.send(
                .patch(
                    workload.kind.resourceType, workload.key, patch, subresource: "status",
                    fieldManager: client.fieldManager))
        } catch let error as KubernetesError where error.isNotFound {
            // It was deleted meanwhile.
        }
    }
}
