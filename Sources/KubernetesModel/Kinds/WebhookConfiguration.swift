public import JSON

/// The admission webhooks that one party has registered: those that change objects, or those that validate them.
///
/// Both kinds of configuration are read the same way.
public struct WebhookConfiguration<Kind: KubernetesKind>: KubernetesResource, Hashable {
    public static var resourceType: ResourceType { Kind.resourceType }

    public var metadata: ObjectMetadata
    public var webhooks: [RegisteredWebhook]

    public init(metadata: ObjectMetadata, webhooks: [RegisteredWebhook] = []) {
        self.metadata = metadata
        self.webhooks = webhooks
    }

    public init(from json: inout JSONReader) throws {
        self.init(metadata: ObjectMetadata(name: ""))
        try json.object { key, json in
            switch key {
            case "metadata": metadata = try json.read()
            case "webhooks": webhooks = try json.list()
            default: try json.skip()
            }
        }
    }
}

public typealias MutatingWebhookConfiguration = WebhookConfiguration<MutatingWebhooks>
public typealias ValidatingWebhookConfiguration = WebhookConfiguration<ValidatingWebhooks>

public enum MutatingWebhooks: KubernetesKind {
    public static let resourceType = ResourceType(
        group: "admissionregistration.k8s.io", version: "v1", kind: "MutatingWebhookConfiguration",
        plural: "mutatingwebhookconfigurations", isNamespaced: false)
}

public enum ValidatingWebhooks: KubernetesKind {
    public static let resourceType = ResourceType(
        group: "admissionregistration.k8s.io", version: "v1", kind: "ValidatingWebhookConfiguration",
        plural: "validatingwebhookconfigurations", isNamespaced: false)
}

/// One entry of a ``WebhookConfiguration``.
public struct RegisteredWebhook: Hashable, Sendable {
    public var name = ""

    /// The certificates, in PEM, by which the API server knows the webhook.
    public var caBundle: [UInt8] = []

    /// Where the webhook is, if it is not a Service of the cluster.
    public var url: String?

    /// The namespace of its Service, if it is one.
    public var serviceNamespace: String?

    public init(name: String) {
        self.name = name
    }
}

extension RegisteredWebhook: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "clientConfig": try readClientConfiguration(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readClientConfiguration(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "caBundle":
                let start = json.offset
                guard let bytes = Base64.decode(try json.optionalString() ?? "") else {
                    throw JSONError("expected Base64", at: start)
                }
                caBundle = bytes
            case "url": url = try json.optionalString()
            case "service": serviceNamespace = try json.value()["namespace"]?.string
            default: try json.skip()
            }
        }
    }
}
