internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

/// Keeps the objects by which stored keys get to the pods of one ServiceAccount. They are owned by its WorkloadIdentity, and
/// so go with it.
struct SecretObjectController {
    let client: KubernetesClient

    /// How soon to look again: at what has not fetched its key, and at what somebody may have deleted.
    private static let soon = Duration.seconds(10)
    private static let later = Duration.seconds(600)

    /// What came of it.
    struct Outcome {
        /// What keeps a provider's key from its pods.
        var failures: [ProviderName: Failure] = [:]
        /// When the External Secrets Operator fetched keys last.
        var refreshes: [CredentialRefreshes.Way: Timestamp] = [:]
        /// `nil` if there is nothing to look at.
        var nextLook: Duration?
    }

    struct Failure: Hashable {
        /// One of ``StatusReason``.
        var reason = StatusReason.secretNotSynced
        var message: String
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
            let found = try await keep(need.object, owner: owner)
            if let failure = found.failure {
                outcome.failures[need.provider] = failure
                outcome.nextLook = Self.soon
            }
            if let time = found.refreshTime {
                outcome.refreshes[.init(provider: need.provider, mechanism: .externalSecret)] = time
            }
        }
        return outcome
    }

    /// Removes what no plan and no pod needs any more, if it was made for this owner.
    ///
    /// - Returns: what is left, since there is no right to remove it.
    func remove(
        _ references: Set<SecretObjectReference>, owner: WorkloadIdentityObject
    ) async throws -> Set<SecretObjectReference> {
        var left: Set<SecretObjectReference> = []
        for reference in references {
            let type = reference.kind.resourceType
            let key = ObjectKey(namespace: owner.metadata.namespace, name: reference.name)
            do {
                let present = try await client.read(.get(type, key), as: OwnedObject.self).metadata
                guard present.ownerReferences.contains(where: { $0.uid == owner.metadata.uid }) else { continue }
                try await client.delete(type, key, uid: present.uid, resourceVersion: present.resourceVersion)
            } catch let error as KubernetesError where error.isNotFound {
                // Somebody was faster, or the definition is gone and all its objects with it.
            } catch let error as KubernetesError where error.isForbidden {
                left.insert(reference)
            }
        }
        return left
    }

    // MARK: One object

    fileprivate struct Found {
        /// Why the key does not get to its pods; `nil` if it does, as far as can be seen.
        var failure: Failure?
        /// When it was fetched last, also where it cannot be now.
        var refreshTime: Timestamp?
    }

    private func keep(_ object: SecretObject, owner: WorkloadIdentityObject) async throws -> Found {
        let type = object.kind.resourceType
        let key = ObjectKey(namespace: owner.metadata.namespace, name: object.name)
        do {
            guard let present = try await present(type, key) else {
                let made = try await client.json(
                    .create(type, new(object, owner), in: key.namespace, fieldManager: client.fieldManager))
                return made.found(object)
            }
            // Its name can be known before it is made, and whoever may write such objects may have made one.
            guard present.isOwned(by: owner) else { return Found(failure: .notOurs(object.kind, key)) }
            guard !present.has(object) else { return present.found(object) }
            // With the version that was read: who writes in between makes this a conflict, and it is looked at again.
            let updated = try await client.json(
                .update(type, key, present.with(object), fieldManager: client.fieldManager))
            return updated.found(object)
        } catch let error as KubernetesError where error.isForbidden {
            return Found(failure: .noRight(to: object.kind, error))
        } catch let error as KubernetesError where !error.isRetryable {
            return Found(failure: Failure(message: "\(error)"))
        }
    }

    private func present(_ type: ResourceType, _ key: ObjectKey) async throws -> JSONValue? {
        do {
            return try await client.json(.get(type, key))
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    private func new(_ object: SecretObject, _ owner: WorkloadIdentityObject) -> JSONValue {
        let reference = OwnerReference(
            apiVersion: WorkloadIdentityObject.resourceType.apiVersion, kind: WorkloadIdentityObject.resourceType.kind,
            name: owner.metadata.name, uid: owner.metadata.uid)
        return [
            "metadata": [
                "name": .string(object.name), "labels": ["app.kubernetes.io/managed-by": "lanyard"],
                "ownerReferences": [reference.json],
            ],
            "spec": object.spec,
        ]
    }
}

extension SecretObjectController.Failure {
    fileprivate static func notOurs(_ kind: SecretObject.Kind, _ key: ObjectKey) -> Self {
        Self(
            reason: StatusReason.objectNotOurs,
            message: """
                \(kind) \(key.name) was made by somebody else, so Lanyard leaves it alone, and what it brings is not known; \
                remove it, and Lanyard makes its own: kubectl delete \(kind.rawValue.lowercased()) \(key.name) -n \
                \(key.namespace ?? "")
                """)
    }

    fileprivate static func noRight(to kind: SecretObject.Kind, _ error: KubernetesError) -> Self {
        let setting =
            switch kind {
            case .externalSecret: "secretDelivery.externalSecret.enabled"
            case .secretProviderClass: "secretDelivery.vaultCSI.enabled"
            }
        return Self(
            message: """
                \(error); Lanyard has this right where its chart is installed with \(setting)=true, or \
                manifests/secret-delivery.yaml is applied
                """)
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
    fileprivate func isOwned(by owner: WorkloadIdentityObject) -> Bool {
        let owners = self["metadata"]?["ownerReferences"]?.array ?? []
        return owners.contains { $0["uid"]?.string == owner.metadata.uid }
    }

    /// Whether an object's specification is ours, and nothing but ours.
    fileprivate func has(_ object: SecretObject) -> Bool { self["spec"]?.isAsWritten(object.spec) ?? false }

    /// The object with our specification, and everything else as it is.
    fileprivate func with(_ object: SecretObject) -> JSONValue {
        var updated = self
        updated["spec"] = object.spec
        return updated
    }

    /// What the External Secrets Operator's definition adds to a specification that does not say it.
    /// https://external-secrets.io/latest/api/spec/
    ///
    /// One that a later release adds costs an update at each look, which changes nothing.
    private static let defaults: [String: JSONValue] = [
        "conversionStrategy": "Default", "decodingStrategy": "None", "metadataPolicy": "None",
        "nullBytePolicy": "Ignore",
        "deletionPolicy": "Retain", "refreshPolicy": "Periodic",
    ]

    /// Whether this is another value as the API server gives it back. A member that is neither written nor a default, such as
    /// `dataFrom`, is somebody else's.
    private func isAsWritten(_ written: JSONValue) -> Bool {
        switch (self, written) {
        case (.object(let members), .object(let others)):
            others.allSatisfy { name, other in members[name]?.isAsWritten(other) ?? false }
                && members.allSatisfy { name, value in others[name] != nil || Self.defaults[name] == value }
        case (.array(let elements), .array(let others)):
            elements.count == others.count && zip(elements, others).allSatisfy { $0.isAsWritten($1) }
        default: self == written
        }
    }

    /// - Parameter object: what it was made as. The other kind has no such status.
    fileprivate func found(_ object: SecretObject) -> SecretObjectController.Found {
        let time = object.kind == .externalSecret ? self["status"]?["refreshTime"]?.string : nil
        return .init(failure: syncFailure(of: object), refreshTime: time.flatMap { Timestamp($0) })
    }

    /// What the External Secrets Operator says against an object; `nil` if nothing, or if the kind says nothing.
    private func syncFailure(of object: SecretObject) -> SecretObjectController.Failure? {
        guard object.kind == .externalSecret else { return nil }
        let conditions = self["status"]?["conditions"]?.array ?? []
        guard let ready = conditions.first(where: { $0["type"] == "Ready" }) else {
            return .init(message: "\(object.kind) \(object.name) has not fetched the key yet")
        }
        guard ready["status"] != "True" else { return nil }
        let reason = ready["message"]?.string ?? "the key could not be fetched"
        return .init(message: "\(object.kind) \(object.name): \(reason)")
    }
}
