internal import JSON
public import KubernetesClient
public import KubernetesModel

/// Removes what an operator that is gone has left behind: webhook configurations that go on denying pods, and conditions and
/// reports that nobody keeps true any more.
///
/// What pods have been given stays: their volumes, and the objects by which stored keys get to them, which go with their
/// ServiceAccounts. So do the definition, since with it all reports would go, and the stamps of pods.
public struct CleanUp {
    private let client: KubernetesClient
    private let namespace: String
    private let lease: ObjectKey
    private let isTrial: Bool

    /// - Parameters:
    ///   - namespace: where the operator was.
    ///   - lease: that of its controllers.
    ///   - isTrial: whether nothing is to be removed, only told.
    public init(client: KubernetesClient, namespace: String, lease: ObjectKey, isTrial: Bool) {
        self.client = client
        self.namespace = namespace
        self.lease = lease
        self.isTrial = isTrial
    }

    /// The webhook configurations belong to an operator in another namespace.
    public struct OtherInstallation: Error, CustomStringConvertible {
        let registration: String
        let namespace: String

        public var description: String {
            """
            \(registration) sends reviews to a Service in namespace \(namespace), where the operator is: name it by \
            --namespace
            """
        }
    }

    /// - Parameter report: is told each thing that was removed.
    /// - Throws: an ``OtherInstallation``, before anything is removed; a `KubernetesError`.
    public func run(report: (String) throws -> Void) async throws {
        let registrations = try await registrations()
        // First what stands in the way of pods.
        for (type, key) in registrations { try await remove(type, key, report) }
        try await removeObjects(PartialObjectMetadata<CredentialPlanSet>.self, report)
        try await removeConditions(report)
        try await removeObjects(WorkloadIdentityObject.self, report)
        try await remove(Lease.resourceType, lease, report)
        let secret = ObjectKey(namespace: namespace, name: CertificateController.secretName)
        try await remove(Secret.resourceType, secret, report)
    }

    private func registrations() async throws -> [(ResourceType, ObjectKey)] {
        var found: [(ResourceType, ObjectKey)] = []
        for registration in WebhookRegistration.all {
            let key = ObjectKey(name: registration.name)
            let webhooks =
                switch registration.kind {
                case .mutating: try await client.getIfPresent(MutatingWebhookConfiguration.self, key)?.webhooks
                case .validating: try await client.getIfPresent(ValidatingWebhookConfiguration.self, key)?.webhooks
                }
            guard let webhooks else { continue }
            let others = webhooks.compactMap(\.serviceNamespace).filter { $0 != namespace }
            if let other = others.first {
                throw OtherInstallation(registration: registration.name, namespace: other)
            }
            found.append((registration.kind.resourceType, key))
        }
        return found
    }

    private func remove(_ type: ResourceType, _ key: ObjectKey, _ report: (String) throws -> Void) async throws {
        do {
            if isTrial {
                _ = try await client.send(.get(type, key))
            } else {
                try await client.delete(type, key)
            }
        } catch let error as KubernetesError where error.isNotFound {
            return
        }
        try report("\(type.kind) \(key)")
    }

    private func removeConditions(_ report: (String) throws -> Void) async throws {
        let deployments = try await client.list(Deployment.self).map(\.workload)
        let daemonSets = try await client.list(DaemonSet.self).map(\.workload)
        for workload in deployments + daemonSets where workload.conditions[ConditionType.credentialsReady] != nil {
            try await removeCondition(of: workload)
            try report("condition \(ConditionType.credentialsReady) of \(workload.kind.rawValue) \(workload.key)")
        }
    }

    private func removeCondition(of workload: Workload) async throws {
        guard !isTrial else { return }
        let patch: JSONValue = [
            "status": ["conditions": [["$patch": "delete", "type": .string(ConditionType.credentialsReady)]]]
        ]
        do {
            _ = try await client.send(
                .patch(
                    workload.kind.resourceType, workload.key, .strategicMerge(patch), subresource: "status",
                    fieldManager: client.fieldManager))
        } catch let error as KubernetesError where error.isNotFound {
            // It was deleted meanwhile.
        }
    }

    private func removeObjects<Object: KubernetesResource>(
        _ type: Object.Type, _ report: (String) throws -> Void
    ) async throws {
        let objects: [Object]
        do {
            objects = try await client.list(type)
        } catch let error as KubernetesError where error.isNotFound {
            // The definition went before, and all of its objects with it; or it was never installed.
            return
        }
        for object in objects { try await remove(type.resourceType, object.key, report) }
    }
}
