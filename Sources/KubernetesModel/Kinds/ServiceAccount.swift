public import JSON

public struct ServiceAccount: KubernetesResource, Hashable {
    public static let resourceType = ResourceType(
        group: "", version: "v1", kind: "ServiceAccount", plural: "serviceaccounts")

    public var metadata: ObjectMetadata

    /// Whether its pods get a token for the API server, if they do not say so themselves. Unset means yes.
    public var automountServiceAccountToken: Bool?

    public init(metadata: ObjectMetadata, automountServiceAccountToken: Bool? = nil) {
        self.metadata = metadata
        self.automountServiceAccountToken = automountServiceAccountToken
    }

    public init(from json: inout JSONReader) throws {
        self.init(metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "automountServiceAccountToken": automountServiceAccountToken = try json.skipNull() ? nil : json.bool()
            default: try json.skip()
            }
        }
    }
}
