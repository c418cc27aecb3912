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
    let pods: PodsByServiceAccount
    let stamps: StampVerification
    let keys: IssuerKeyWatch
    /// `nil` where the webhook alone injects.
    let planSets: PlanSetLedger?
    /// `nil` where no trust is tried.
    let trust: TrustLedger?
    let refreshes: CredentialRefreshes
    let events: EventRecorder

    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        let present = stores.identities[key]
        guard let account = planner.stores.serviceAccounts[key] else {
            pods.forget(key)
            try await remove(key, present)
            return .done
        }
        let answer: Answer
        switch question(of: account) {
        case .unasked:
            pods.forget(key)
            try await remove(key, present)
            return .done
        case .podsUnknown: return .done
        case .asked(let what): answer = what
        }
        // First the object, which owns those by which keys get to pods, then those, and then the report on all.
        let identity = try await identity(of: account, present)
        var status = answer.status
        let objects = SecretObjectController(client: client)
        let kept = try await objects.keep(answer.needs, owner: identity)
        status.readiness.fail(kept.failures)
        refreshes.note(kept.refreshes, of: key, by: .externalSecret)

        let needed = Set(answer.needs.map { SecretObjectReference($0.object) })
        let unneeded = identity.secretObjects.subtracting(needed)
        // A pod of an earlier plan reads its Secret again when a container restarts. One of which it is not known yet as whom
        // it runs may be such a pod.
        let areAllKnown = pods.isResolved(key.namespace ?? "")
        let isSettled = status.readiness.pods[.stale] == 0 && areAllKnown && !answer.awaitsAllowedPaths
        let left = isSettled ? try await objects.remove(unneeded, owner: identity) : unneeded
        status.secretObjects = needed.union(left)
        if answer.awaitsAllowedPaths { status.objectsInSuspense = unneeded }
        if planner.configuration.healing.isEnabled { status.healing = identity.status["healing"] }
        if let trust, let scope = TrialScope(planner.plan(for: Subject(key), account), planner.configuration),
            let history = trust.history(of: scope, reported: identity)
        {
            let settings = planner.configuration.verify
            // What pods have said goes with the last of them.
            let isOfPods =
                settings.image != nil && history.isSeenInPods && (!areAllKnown || !pods.podsThatTry(key).isEmpty)
            if settings.isScheduled(key) || isOfPods { status.trust = history }
        }

        try await report(status, of: account, replacing: identity)
        if !unneeded.isEmpty, !areAllKnown { return .requeue(after: .seconds(1)) }
        return kept.nextLook.map { .requeue(after: $0) } ?? .done
    }

    private struct Answer {
        var status: WorkloadIdentityStatus
        var needs: [SecretObjectController.Need]
        /// Whether nobody has said yet which keys are whose. What is in use is then neither changed nor removed: the setting
        /// came with a release, and no pod must lose its key by that.
        var awaitsAllowedPaths: Bool
    }

    private enum Question {
        /// Neither the ServiceAccount nor a workload of it asks for a provider, and no pod of it needs an object of ours.
        case unasked
        /// It is looked at again when they are.
        case podsUnknown
        case asked(Answer)
    }

    /// What is so now.
    private func question(of account: ServiceAccount) -> Question {
        let subject = Subject(account.key)
        // What a controller of Kubernetes' made, such as the Jobs of a CronJob, is reported as its owner.
        let workloads = stores.workloads(using: account.key).filter { $0.metadata.controller?.workloadKind == nil }
        let plans =
            [planner.plan(for: subject, account)]
            + workloads.map { planner.plan(for: subject, account, pod: PodContext($0.template, of: account)) }
        let asking = zip([nil] + workloads.map(Optional.some), plans).filter { !$0.1.bindings.isEmpty }
        // Pods may ask by themselves: nobody's, and those of a controller that is not followed.
        let present = asking.isEmpty ? pods.knownPods(of: account.key) : pods.pods(of: account.key)
        guard let present else { return .podsUnknown }
        guard !asking.isEmpty || present.contains(where: \.refersToSecretObject) else { return .unasked }
        let pods = present.map { pod in
            (pod: pod, plan: planner.plan(for: subject, account, pod: PodContext(pod)))
        }
        guard let report = stamps.report(on: pods, origin: stores.origin) else { return .podsUnknown }
        var needs: [SecretObjectController.Need] = []
        for (provider, outcome) in (plans + pods.map(\.plan)).flatMap(\.outcomes) {
            guard let object = outcome.object else { continue }
            let need = SecretObjectController.Need(provider: provider, object: object)
            if !needs.contains(need) { needs.append(need) }
        }
        // A pod may be of a template that has been fixed meanwhile, so it is heard only on what nothing else asks for.
        let providers = Set(plans.flatMap(\.bindings).map(\.provider))
        let alone = pods.map(\.plan).filter { $0.bindings.contains { !providers.contains($0.provider) } }
        let facts = planner.facts
        var status = WorkloadIdentityStatus(
            of: subject, facts: facts, plans: plans + alone,
            workloads: ReportedWorkload.all(asking: asking.compactMap(\.0), pods: present, origin: stores.origin),
            pods: report)
        status.keys = keys.review
        status.injection = planSets?.way(of: account.key)
        status.components = InstalledComponents(planner.stores, stores, facts.components).names
        let bindings = (plans + pods.map(\.plan)).flatMap(\.bindings)
        return .asked(
            Answer(
                status: status, needs: needs,
                awaitsAllowedPaths: bindings.contains { binding in
                    binding.problems.contains { $0.reason == .allowedPathsNotSet }
                }))
    }

    /// The WorkloadIdentity, made if it is not there.
    private func identity(
        of account: ServiceAccount, _ present: WorkloadIdentityObject?
    ) async throws -> WorkloadIdentityObject {
        let owner = OwnerReference(
            apiVersion: ServiceAccount.resourceType.apiVersion, kind: ServiceAccount.resourceType.kind,
            name: account.metadata.name, uid: account.metadata.uid)
        if let present, present.metadata.ownerReferences == [owner] { return present }
        if let present {
            return try await client.patch(
                WorkloadIdentityObject.self, account.key,
                .merge([
                    "metadata": [
                        "resourceVersion": .string(present.metadata.resourceVersion),
                        "ownerReferences": [owner.json],
                    ]
                ]))
        }
        do {
            return try await client.create(
                WorkloadIdentityObject.self,
                ["metadata": ["name": .string(account.key.name), "ownerReferences": [owner.json]]],
                in: account.key.namespace)
        } catch let error as KubernetesError where error.isAlreadyExists {
            // The watch has not told of it yet.
            return try await client.get(WorkloadIdentityObject.self, account.key)
        }
    }

    /// Writes only what differs, and only if nobody has written since that was read.
    private func report(
        _ status: WorkloadIdentityStatus, of account: ServiceAccount, replacing present: WorkloadIdentityObject
    ) async throws {
        let json = status.json(replacing: present.conditions, at: .now)
        guard json != present.status else { return }
        let type = WorkloadIdentityObject.resourceType
        var metadata: JSONValue = ["name": .string(account.key.name)]
        metadata["namespace"] = account.key.namespace.map { .string($0) }
        metadata["resourceVersion"] = .string(present.metadata.resourceVersion)
        _ = try await client.send(
            .update(
                type, account.key, ["metadata": metadata, "status": json], subresource: "status",
                fieldManager: client.fieldManager))

        for event in status.events(since: present, about: account.reference) { events.record(event) }
    }

    private func remove(_ key: ObjectKey, _ present: WorkloadIdentityObject?) async throws {
        refreshes.note([:], of: key, by: .externalSecret)
        guard let present else { return }
        do {
            try await client.delete(WorkloadIdentityObject.resourceType, present.key, uid: present.metadata.uid)
        } catch let error as KubernetesError where error.isNotFound || error.isConflict {
            // It has gone with its ServiceAccount, or another has taken its name.
        }
    }
}
