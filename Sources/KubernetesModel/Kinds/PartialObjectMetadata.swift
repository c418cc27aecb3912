public import JSON

/// An object of some kind of which only the `metadata` is fetched: the cheap way to follow many objects.
public struct PartialObjectMetadata<Kind: KubernetesKind>: KubernetesResource, Hashable {
    public static var resourceType: ResourceType { Kind.resourceType }
    public static var representation: ResourceRepresentation { .metadata }

    public var metadata: ObjectMetadata

    public init(metadata: ObjectMetadata) {
        self.metadata = metadata
    }

    public static func item(protobuf: [UInt8]) throws -> Self? {
        Self(metadata: try ObjectMetadata(partialObject: protobuf))
    }

    public init(from json: inout JSONReader) throws {
        metadata = try ObjectMetadata(fromMemberOf: &json)
    }
}

extension ObjectMetadata {
    /// Reads an object and keeps its `metadata`.
    init(fromMemberOf json: inout JSONReader) throws {
        self.init(name: "")
        try json.object { key, json in
            switch key {
            case "metadata": self = try json.read()
            default: try json.skip()
            }
        }
    }
}
