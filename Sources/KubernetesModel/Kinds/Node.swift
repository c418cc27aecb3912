public import JSON

public struct Node: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "", version: "v1", kind: "Node", plural: "nodes", isNamespaced: false)

    public var metadata: ObjectMetadata

    /// What the cloud calls the machine: `aws:///eu-west-1a/i-0123…`. Empty where there is no cloud provider.
    public var providerID: String

    public init(metadata: ObjectMetadata, providerID: String = "") {
        self.metadata = metadata
        self.providerID = providerID
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
            case "providerID": providerID = try json.optionalString() ?? ""
            default: try json.skip()
            }
        }
    }
}
