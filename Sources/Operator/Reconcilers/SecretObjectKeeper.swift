internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

/// Keeps the objects by which stored keys get to the pods of one ServiceAccount. They are owned by its WorkloadIdentity, and
/// so go with it.
struct SecretObjectKeeper {
    let client: KubernetesClient

    /// How soon to look again: at what has not fetched its key, and at what somebody may have deleted.
    private static let soon = Duration.seconds(10)
    private static let later = Duration.seconds(600)

    /// What came of it.
    struct Outcome {
        /// What keeps a provider's key from its pods.
        var failures: [ProviderName: String] = [:]
        /// `nil` if there is nothing to look at.
        var nextLook: Duration?
    }

    /// An object, and the provider whose key it brings.
    struct Need: Hashable {
        var provider: ProviderName
        var object: SecretObject
    }

    /// Makes what is needed so, as far as it is not. A failure of one keeps no other from being made.
    func keep(_ needs: [Need], owner: WorkloadIdentityObject) async throws -> Outcome {
        var outcome = Outcome()
        for need in needs {
            outcome.nextLook = outcome.nextLook ?? Self.later
            if let failure = try await keep(need.object, owner: owner) {
                outcome.failures[need.provider] = failure
                outcome.nextLook = Self.soon
            }
        }
        return outcome
    }

    /// Removes what no plan and no pod needs any more, if it was made for this owner.
    func remove(_ references: Set<SecretObjectReference>, owner: WorkloadIdentityObject) async throws {
        for reference in references {
            let type = reference.kind.resourceType
            let key = ObjectKey(namespace: owner.metadata.namespace, name: reference.name)
            do {
                let present = try await client.read(.get(type, key), as: OwnedObject.self).metadata
                guard present.ownerReferences.contains(where: { $0.uid == owner.metadata.uid }) else { continue }
                try await client.delete(type, key, uid: present.uid)
            } catch let error as KubernetesError where error.isNotFound || error.isConflict {
                // Somebody was faster, or the definition is gone and all its objects with it.
            }
        }
    }

    // MARK: One object

    /// - Returns: why the key does not get to its pods; `nil` if it does, as far as can be seen.
    private func keep(_ object: SecretObject, owner: WorkloadIdentityObject) async throws -> String? {
        let type = object.kind.resourceType
        let key = ObjectKey(namespace: owner.metadata.namespace, name: object.name)
        do {
            let wanted = fields(of: object, owner: owner)
            let present = try await present(type, key)
            if present?.contains(wanted) == true { return present?.syncFailure(of: object) }
            let made = try await client.json(.apply(type, key, wanted, fieldManager: client.fieldManager))
            return made.syncFailure(of: object)
        } catch let error as KubernetesError where !error.isRetryable {
            return "\(error)"
        }
    }

    private func present(_ type: ResourceType, _ key: ObjectKey) async throws -> JSONValue? {
        do {
            return try await client.json(.get(type, key))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    private func fields(of object: SecretObject, owner: WorkloadIdentityObject) -> JSONValue {
        let reference = OwnerReference(
            apiVersion: WorkloadIdentityObject.resourceType.apiVersion, kind: WorkloadIdentityObject.resourceType.kind,
            name: owner.metadata.name, uid: owner.metadata.uid)
        return [
            "metadata": [
                "labels": ["app.kubernetes.io/managed-by": "lanyard"], "ownerReferences": [reference.json],
            ],
            "spec": object.spec,
        ]
    }
}

/// What of an object says whose it is.
private struct OwnedObject: JSONReadable, Sendable {
    var metadata = ObjectMetadata(name: "")

    init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            default: try json.skip()
            }
        }
    }
}

/// An object that was made, as the status remembers it.
struct SecretObjectReference: Hashable {
    var kind: SecretObject.Kind
    var name: String

    init(_ object: SecretObject) {
        kind = object.kind
        name = object.name
    }

    /// `nil` if another release wrote it, and meant what this one does not know.
    init?(_ json: JSONValue) {
        guard let kind = json["kind"]?.string.flatMap(SecretObject.Kind.init(rawValue:)),
            let name = json["name"]?.string
        else { return nil }
        self.kind = kind
        self.name = name
    }

    var json: JSONValue { ["kind": .string(kind.rawValue), "name": .string(name)] }
}

extension JSONValue {
    /// Whether all that another value says is so here too. Objects may have more members.
    fileprivate func contains(_ part: JSONValue) -> Bool {
        switch (self, part) {
        case (.object(let members), .object(let others)):
            others.allSatisfy { name, other in members[name]?.contains(other) ?? false }
        case (.array(let elements), .array(let others)):
            elements.count == others.count && zip(elements, others).allSatisfy { $0.contains($1) }
        default: self == part
        }
    }

    /// What the External Secrets Operator says against an object; `nil` if nothing, or if the kind says nothing.
    fileprivate func syncFailure(of object: SecretObject) -> String? {
        guard object.kind == .externalSecret else { return nil }
        let conditions = self["status"]?["conditions"]?.array ?? []
        guard let ready = conditions.first(where: { $0["type"] == "Ready" }) else {
            return "\(object.kind) \(object.name) has not fetched the key yet"
        }
        guard ready["status"] != "True" else { return nil }
        return "\(object.kind) \(object.name): \(ready["message"]?.string ?? "the key could not be fetched")"
    }
}
