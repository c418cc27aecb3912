public import JSON

/// A ``CustomResourceDefinition``, read for what its objects may hold: much more than is kept of those that are followed.
public struct CustomResourceSchema: KubernetesResource, Hashable {
    public static let resourceType = CustomResourceDefinition.resourceType

    public var metadata = ObjectMetadata(name: "")
    /// OpenAPI v3, as it stands in the cluster, by the name of the version.
    public var versions: [String: JSONValue] = [:]

    public init(from json: inout JSONReader) throws {
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
            case "versions": try json.array { try readVersion(from: &$0) }
            default: try json.skip()
            }
        }
    }

    private mutating func readVersion(from json: inout JSONReader) throws {
        var name = ""
        var schema: JSONValue?
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "schema": schema = try json.value()["openAPIV3Schema"]
            default: try json.skip()
            }
        }
        versions[name] = schema
    }
}
