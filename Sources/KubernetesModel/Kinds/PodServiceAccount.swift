public import JSON

/// A pod of which it is read only what it comes from, and as whom it runs.
public struct PodServiceAccount: KubernetesResource, Hashable {
    public static var resourceType: ResourceType { Pod.resourceType }
    public static var representation: ResourceRepresentation { .wholeInProtobuf }

    public var metadata = ObjectMetadata(name: "")

    /// The API server fills it in for every pod but static ones, which have none.
    public var serviceAccountName = ""

    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "spec":
                try json.object { key, json in
                    switch key {
                    case "serviceAccountName": serviceAccountName = try json.optionalString() ?? ""
                    default: try json.skip()
                    }
                }
            default: try json.skip()
            }
        }
    }

    public static func item(protobuf: [UInt8]) throws -> Self? { try Self(protobuf: protobuf) }

    /// Field numbers are those of `k8s.io/api/core/v1/generated.proto`.
    private init(protobuf: [UInt8]) throws {
        var message = ProtobufReader(protobuf)
        try message.fields { field, message in
            switch field {
            case 1: try message.message { try metadata.readField($0, from: &$1) }
            case 2:
                try message.message { field, message in
                    switch field {
                    case 8: serviceAccountName = try message.string()
                    default: try message.skip()
                    }
                }
            default: try message.skip()
            }
        }
    }
}
