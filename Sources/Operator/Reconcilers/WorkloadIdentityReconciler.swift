internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import WorkloadIdentity

/// Keeps the WorkloadIdentity of a ServiceAccount, whose key is that of both.
struct WorkloadIdentityReconciler: Reconciler {
    let client: KubernetesClient
    let planner: Planner
    let stores: WorkloadStores
    let census: PodCensus
    let events: EventRecorder

    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        let present = stores.identities[key]
        guard let account = planner.stores.serviceAccounts[key], let status = try await status(of: account) else {
            census.forget(key)
            try await remove(present)
            return .done
        }
        try await report(status, of: account, replacing: present)
        return .done
    }

    /// What is so now; `nil` if neither the ServiceAccount nor a workload of it asks for a provider.
    private func status(of account: ServiceAccount) async throws -> WorkloadIdentityStatus? {
        let subject = Subject(account.key)
        // What a controller of Kubernetes' made, such as the Jobs of a CronJob, is reported as its owner.
        let workloads = stores.workloads(using: account.key).filter { $0.metadata.controller == nil }
        let plans =
            [planner.plan(for: subject, account)]
            + workloads.map { planner.plan(for: subject, account, pod: PodContext($0.template, of: account)) }
        let asking = zip([nil] + workloads.map(Optional.some), plans).filter { !$0.1.bindings.isEmpty }
        guard !asking.isEmpty else { return nil }
        let pods = try await census.pods(of: account.key)
        return WorkloadIdentityStatus(
            platform: planner.facts.platform,
            plans: plans,
            workloads: asking.compactMap(\.0),
            pods: PodCount(pods) { planner.plan(for: subject, account, pod: PodContext($0)) })
    }

    /// The only writes, and only of what differs.
    private func report(
        _ status: WorkloadIdentityStatus, of account: ServiceAccount, replacing present: WorkloadIdentityObject?
    ) async throws {
        let owner = OwnerReference(
            apiVersion: ServiceAccount.resourceType.apiVersion, kind: ServiceAccount.resourceType.kind,
            name: account.metadata.name, uid: account.metadata.uid)
        if present?.metadata.ownerReferences != [owner] {
            try await client.apply(
                WorkloadIdentityObject.self, account.key, ["metadata": ["ownerReferences": [owner.json]]])
        }
        let conditions = present?.conditions ?? []
        let json = status.json(replacing: conditions, at: .now)
        guard json != present?.status else { return }
        try await client.apply(WorkloadIdentityObject.self, account.key, ["status": json], subresource: "status")

        let ready = status.ready
        let before = conditions[ConditionType.ready]
        if before?.status != ready.status || before?.reason != ready.reason {
            events.record(ObjectEvent(about: ready, regarding: account.reference))
        }
    }

    private func remove(_ present: WorkloadIdentityObject?) async throws {
        guard let present else { return }
        do {
            try await client.delete(WorkloadIdentityObject.resourceType, present.key, uid: present.metadata.uid)
        } catch let error as KubernetesError where error.isNotFound || error.isConflict {
            // It has gone with its ServiceAccount, or another has taken its name.
        }
    }
}

extension ObjectEvent {
    init(about condition: Condition, regarding reference: ObjectReference) {
        self.init(
            regarding: reference, condition.status == .true ? .normal : .warning, reason: condition.reason,
            action: "JudgeWorkloadIdentity", note: condition.message)
    }
}
