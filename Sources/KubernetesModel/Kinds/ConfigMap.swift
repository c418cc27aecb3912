public import JSON

public struct ConfigMap: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "ConfigMap", plural: "configmaps")

    public var metadata: ObjectMetadata
    /// Texts; bytes, which `binaryData` has, are passed over.
    public var data: [String: String]

    public init(metadata: ObjectMetadata, data: [String: String] = [:]) {
        self.metadata = metadata
        self.data = data
    }

    public init(from json: inout JSONReader) throws {
        self.init(metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "data": data = try json.strings()
            default: try json.skip()
            }
        }
    }
}
