public import JSON

public struct Secret: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(group: "", version: "v1", kind: "Secret", plural: "secrets")

    public var metadata: ObjectMetadata
    public var type: String
    public var data: [String: [UInt8]]

    public init(metadata: ObjectMetadata, type: String = "Opaque", data: [String: [UInt8]] = [:]) {
        self.metadata = metadata
        self.type = type
        self.data = data
    }

    public init(from json: inout JSONReader) throws {
        self.init(metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "type": type = try json.string()
            case "data": try readData(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readData(from json: inout JSONReader) throws {
        try json.object { key, json in
            let start = json.offset
            guard let bytes = Base64.decode(try json.optionalString() ?? "") else {
                throw JSONError("expected Base64", at: start)
            }
            data[key] = bytes
        }
    }
}

extension Secret: CustomStringConvertible {
    /// Names the secret and its keys; never a value.
    public var description: String {
        "Secret \(key) with \(data.keys.sorted().joined(separator: ", "))"
    }
}
