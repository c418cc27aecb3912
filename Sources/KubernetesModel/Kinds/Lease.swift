public import JSON

/// Who leads, and since when it last said so (`coordination.k8s.io/v1`).
public struct Lease: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "coordination.k8s.io", version: "v1", kind: "Lease", plural: "leases")

    public var metadata: ObjectMetadata

    /// Empty if nobody leads.
    public var holderIdentity = ""

    /// How long others wait after the last renewal that they saw.
    public var leaseDurationSeconds: Int?
    public var acquireTime: Timestamp?
    public var renewTime: Timestamp?

    /// How often the holder has changed.
    public var leaseTransitions = 0

    public init(metadata: ObjectMetadata) {
        self.metadata = metadata
    }

    public init(from json: inout JSONReader) throws {
        self.init(metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "spec": try readSpecification(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readSpecification(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "holderIdentity": holderIdentity = try json.optionalString() ?? ""
            case "leaseDurationSeconds": leaseDurationSeconds = try json.skipNull() ? nil : json.integer()
            case "acquireTime": acquireTime = try json.optionalTimestamp()
            case "renewTime": renewTime = try json.optionalTimestamp()
            case "leaseTransitions": leaseTransitions = try json.skipNull() ? 0 : json.integer()
            default: try json.skip()
            }
        }
    }
}
