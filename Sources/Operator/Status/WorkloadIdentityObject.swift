public import JSON
public import KubernetesModel

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

    var conditions: [Condition] {
        (status["conditions"]?.array ?? []).compactMap { try? Condition(parsing: $0.serialized()) }
    }
}
