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
        guard let account = planner.stores.serviceAccounts[key] else {
            census.forget(key)
            try await remove(present)
            return .done
        }
        guard let judgement = try await judge(account) else {
            try await remove(present)
            return .done
        }
        // First the object, which owns those by which keys get to pods, then those, and then the report on all.
        let identity = try await identity(of: account, present)
        var status = judgement.status
        let objects = SecretObjectKeeper(client: client)
        let kept = try await objects.keep(judgement.needs, owner: identity)
        status.secretFailures = kept.failures

        let needed = Set(judgement.needs.map { SecretObjectReference($0.object) })
        let unneeded = identity.secretObjects.subtracting(needed)
        // A pod of an earlier plan reads its Secret again when a container restarts.
        let isSettled = status.pods.stale == 0 && !judgement.awaitsAllowedPaths
        let left = isSettled ? try await objects.remove(unneeded, owner: identity) : unneeded
        status.secretObjects = needed.union(left)
        if judgement.awaitsAllowedPaths { status.objectsInSuspense = unneeded }

        try await report(status, of: account, replacing: identity)
        return kept.nextLook.map { .requeue(after: $0) } ?? .done
    }

    private struct Judgement {
        var status: WorkloadIdentityStatus
        var needs: [SecretObjectKeeper.Need]
        /// Whether nobody has said yet which keys are whose. What is in use is then neither changed nor removed: the setting
        /// came with a release, and no pod must lose its key by that.
        var awaitsAllowedPaths: Bool
    }

    /// What is so now; `nil` if neither the ServiceAccount nor a workload of it asks for a provider, and no pod of it needs an
    /// object of ours.
    private func judge(_ account: ServiceAccount) async throws -> Judgement? {
        let subject = Subject(account.key)
        // What a controller of Kubernetes' made, such as the Jobs of a CronJob, is reported as its owner.
        let workloads = stores.workloads(using: account.key).filter { $0.metadata.controller?.workloadKind == nil }
        let plans =
            [planner.plan(for: subject, account)]
            + workloads.map { planner.plan(for: subject, account, pod: PodContext($0.template, of: account)) }
        let asking = zip([nil] + workloads.map(Optional.some), plans).filter { !$0.1.bindings.isEmpty }
        // Pods may ask by themselves: nobody's, and those of a controller that is not followed.
        let mayPodsAsk = !stores.pods.keys(by: .secretObjects, subject.namespace).isEmpty
        guard !asking.isEmpty || mayPodsAsk else {
            census.forget(account.key)
            return nil
        }
        let pods = try await census.pods(of: account.key).map { pod in
            (pod: pod, plan: planner.plan(for: subject, account, pod: PodContext(pod)))
        }
        guard !asking.isEmpty || pods.contains(where: \.pod.refersToSecretObject) else {
            census.forget(account.key)
            return nil
        }
        var needs: [SecretObjectKeeper.Need] = []
        for (provider, outcome) in (plans + pods.map(\.plan)).flatMap(\.outcomes) {
            guard let object = outcome.object else { continue }
            let need = SecretObjectKeeper.Need(provider: provider, object: object)
            if !needs.contains(need) { needs.append(need) }
        }
        // A pod may be of a template that has been mended meanwhile, so it is heard only on what nothing else asks for.
        let providers = Set(plans.flatMap(\.bindings).map(\.provider))
        let alone = pods.map(\.plan).filter { $0.bindings.contains { !providers.contains($0.provider) } }
        let facts = planner.facts
        var status = WorkloadIdentityStatus(
            facts: facts, plans: plans + alone, workloads: asking.compactMap(\.0), pods: PodCount(pods))
        status.components = InstalledComponents(planner.stores, stores, facts.components).names
        let bindings = (plans + pods.map(\.plan)).flatMap(\.bindings)
        return Judgement(
            status: status, needs: needs,
            awaitsAllowedPaths: bindings.contains { binding in
                binding.problems.contains { $0.reason == .allowedPathsNotSet }
            })
    }

    /// The WorkloadIdentity, made if it is not there.
    private func identity(
        of account: ServiceAccount, _ present: WorkloadIdentityObject?
    ) async throws -> WorkloadIdentityObject {
        let owner = OwnerReference(
            apiVersion: ServiceAccount.resourceType.apiVersion, kind: ServiceAccount.resourceType.kind,
            name: account.metadata.name, uid: account.metadata.uid)
        if let present, present.metadata.ownerReferences == [owner] { return present }
        return try await client.apply(
            WorkloadIdentityObject.self, account.key, ["metadata": ["ownerReferences": [owner.json]]])
    }

    /// Writes only what differs.
    private func report(
        _ status: WorkloadIdentityStatus, of account: ServiceAccount, replacing present: WorkloadIdentityObject
    ) async throws {
        let conditions = present.conditions
        let json = status.json(replacing: conditions, at: .now)
        guard json != present.status else { return }
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
