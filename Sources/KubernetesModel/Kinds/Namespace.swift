public import JSON

public struct Namespace: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "", version: "v1", kind: "Namespace", plural: "namespaces", isNamespaced: false)

    public var metadata: ObjectMetadata

    public init(metadata: ObjectMetadata) {
        self.metadata = metadata
    }

    public init(from json: inout JSONReader) throws {
        metadata = try ObjectMetadata(fromMemberOf: &json)
    }
}
