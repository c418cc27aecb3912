public import JSON

/// Which versions of a kind that was added to the API can be used.
public struct CustomResourceDefinition: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "apiextensions.k8s.io", version: "v1", kind: "CustomResourceDefinition",
        plural: "customresourcedefinitions", isNamespaced: false)

    public var metadata = ObjectMetadata(name: "")
    /// The names of the versions that are served.
    public var servedVersions: [String] = []

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
        var isServed = false
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "served": isServed = try json.bool()
            default: try json.skip()
            }
        }
        if isServed { servedVersions.append(name) }
    }
}

extension ResourceType {
    /// The name of the CustomResourceDefinition, if the kind has one.
    public var definitionName: String { "\(plural).\(group)" }
}
