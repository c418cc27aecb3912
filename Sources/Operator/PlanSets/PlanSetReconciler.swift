internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
internal import WorkloadIdentity

/// Keeps the CredentialPlanSet of one namespace at a time.
struct PlanSetReconciler: Reconciler {
    let client: KubernetesClient
    let planner: Planner
    let ledger: PlanSetLedger

    /// - Parameter key: the name of the namespace.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        let namespace = key.name
        ledger.began(namespace)
        do {
            let contents = contents(of: namespace)
            try await keep(contents.plans, in: namespace)
            ledger.succeeded(namespace, contents.ways)
            return .done
        } catch {
            ledger.failed(namespace)
            throw error
        }
    }

    private func contents(of namespace: String) -> PlanSetContents {
        let accounts = planner.stores.serviceAccounts
        let webhooks = ManagedWebhook.present(
            on: planner.facts.platform, configurations: planner.stores.webhookConfigurations.keys.map(\.name))
        return PlanSetContents(of: accounts.keys(by: .namespace, namespace).compactMap { accounts[$0] }) {
            account throws(CompiledPlan.LeftToWebhook) in
            try CompiledPlan(
                mountsServiceAccountToken: account.automountServiceAccountToken ?? true, requestLabels: Labels.asking,
                beside: webhooks
            ) { pod in planner.plan(for: Subject(account.key), account, pod: pod) }
        }
    }

    /// Makes the object so, as far as it is not. Where there is nothing to inject, there is none.
    private func keep(_ plans: JSONObject, in namespace: String) async throws {
        let type = CredentialPlanSet.resourceType
        let key = ObjectKey(namespace: namespace, name: CredentialPlanSet.name)
        guard var present = try await present(type, key) else {
            guard !plans.isEmpty else { return }
            let object: JSONValue = [
                "metadata": [
                    "name": .string(key.name), "labels": ["app.kubernetes.io/managed-by": "lanyard"],
                ],
                "spec": ["plans": .object(plans)],
            ]
            _ = try await client.send(.create(type, object, in: namespace, fieldManager: client.fieldManager))
            return
        }
        guard !plans.isEmpty else {
            do {
                try await client.delete(type, key)
            } catch let error as KubernetesError where error.isNotFound {
                // The namespace goes, and took it along.
            }
            return
        }
        let spec: JSONValue = ["plans": .object(plans)]
        guard present["spec"] != spec else { return }
        present["spec"] = spec
        // With the version that was read: who writes in between makes this a conflict, and it is looked at again.
        _ = try await client.send(.update(type, key, present, fieldManager: client.fieldManager))
    }

    private func present(_ type: ResourceType, _ key: ObjectKey) async throws -> JSONValue? {
        do {
            return try await client.json(.get(type, key))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }
}
