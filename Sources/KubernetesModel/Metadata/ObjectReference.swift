public import JSON

/// Points to one object, as events do (`core/v1 ObjectReference`).
public struct ObjectReference: Hashable, Sendable {
    public var apiVersion: String
    public var kind: String
    public var namespace: String?
    public var name: String

    /// Empty if it is not known.
    public var uid: String

    public init(apiVersion: String, kind: String, namespace: String? = nil, name: String, uid: String = "") {
        self.apiVersion = apiVersion
        self.kind = kind
        self.namespace = namespace
        self.name = name
        self.uid = uid
    }

    public init(type: ResourceType, key: ObjectKey, uid: String = "") {
        self.init(apiVersion: type.apiVersion, kind: type.kind, namespace: key.namespace, name: key.name, uid: uid)
    }

    public var json: JSONValue {
        var json: JSONValue = ["apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name)]
        if let namespace { json["namespace"] = .string(namespace) }
        if !uid.isEmpty { json["uid"] = .string(uid) }
        return json
    }
}
