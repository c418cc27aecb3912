public import JSON
public import KubernetesModel
internal import WorkloadIdentity

/// The object in which Lanyard reports on a ServiceAccount. Only its status means something.
public struct WorkloadIdentityObject: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "lanyard.dev", version: "v1alpha1", kind: "WorkloadIdentity", plural: "workloadidentities")

    public var metadata = ObjectMetadata(name: "")
    /// As it stands in the cluster, to be compared with what it should be.
    public var status: JSONValue = [:]

    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "status": status = try json.value()
            default: try json.skip()
            }
        }
    }

    /// The objects that were made for it.
    var secretObjects: Set<SecretObjectReference> {
        Set((status["objects"]?.array ?? []).compactMap { SecretObjectReference($0) })
    }

    public var conditions: [Condition] {
        (status["conditions"]?.array ?? []).compactMap { try? Condition(parsing: $0.serialized()) }
    }
}

// MARK: - What was reported

extension WorkloadIdentityObject {
    private var providers: [(name: ProviderName, status: JSONValue)] {
        (status["providers"]?.array ?? []).compactMap { provider in
            provider["name"]?.string.map { (ProviderName(rawValue: $0), provider) }
        }
    }

    /// Whom each provider takes the pods for.
    var identities: [ProviderName: String] {
        var identities: [ProviderName: String] = [:]
        for (name, status) in providers { identities[name] = status["identity"]?.string }
        return identities
    }

    /// What keeps stored keys from the pods.
    var secretFailures: [ProviderName: SecretObjectController.Failure] {
        guard status["objects"] != nil else { return [:] }
        var failures: [ProviderName: SecretObjectController.Failure] = [:]
        for (name, status) in providers {
            guard let reason = status["reason"]?.string,
                [StatusReason.secretNotSynced, StatusReason.objectNotOurs].contains(reason)
            else { continue }
            failures[name] = .init(reason: reason, message: status["message"]?.string ?? "")
        }
        return failures
    }

    /// Whether what is wrong with workloads stands in it once it has been written.
    var keepsProblems: Bool { status["pods"].map { $0["lacking"] != nil } ?? true }

    /// What is wrong with the containers of a workload's pods.
    func problems(ofKind kind: String, name: String) -> [StatusProblem] {
        let workload = status["workloads"]?.array?.first { $0["kind"]?.string == kind && $0["name"]?.string == name }
        return (workload?["problems"]?.array ?? []).compactMap { StatusProblem($0) }
    }
}
