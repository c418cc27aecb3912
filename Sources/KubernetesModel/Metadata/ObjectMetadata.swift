public import JSON

/// An object's `metadata`, without what only weighs: `managedFields` and the annotation in which `kubectl apply` keeps a
/// copy of the whole object are dropped while reading.
public struct ObjectMetadata: Hashable, Sendable {
    public var name = ""
    public var namespace: String?
    public var uid = ""

    /// Changes whenever the object does. Opaque: compared for equality only.
    public var resourceVersion = ""

    /// Counts changes of the specification; 0 for kinds that do not count.
    public var generation = 0
    public var creationTimestamp: Timestamp?

    /// When deletion was asked for. The object stays until its finalizers and grace period are over.
    public var deletionTimestamp: Timestamp?
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    public var ownerReferences: [OwnerReference] = []

    public init(name: String, namespace: String? = nil) {
        self.name = name
        self.namespace = namespace
    }

    public var key: ObjectKey { ObjectKey(namespace: namespace, name: name) }

    /// The owner that keeps this object as it should be, of which there is one at most.
    public var controller: OwnerReference? {
        ownerReferences.first(where: \.isController)
    }
}

extension ObjectMetadata: JSONReadable {
    static let copyOfWholeObject = "kubectl.kubernetes.io/last-applied-configuration"

    public init(from json: inout JSONReader) throws {
        self.init(name: "")
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "namespace": namespace = try json.optionalString()
            case "uid": uid = try json.string()
            case "resourceVersion": resourceVersion = try json.string()
            case "generation": generation = try json.integer()
            case "creationTimestamp": creationTimestamp = try json.optionalTimestamp()
            case "deletionTimestamp": deletionTimestamp = try json.optionalTimestamp()
            case "labels": labels = try json.strings()
            case "annotations": annotations = try Self.annotations(from: &json)
            case "ownerReferences": ownerReferences = try json.list()
            default: try json.skip()
            }
        }
    }

    private static func annotations(from json: inout JSONReader) throws -> [String: String] {
        var annotations: [String: String] = [:]
        try json.object { key, json in
            if key == copyOfWholeObject {
                try json.skip()
            } else {
                annotations[key] = try json.optionalString() ?? ""
            }
        }
        return annotations
    }
}
