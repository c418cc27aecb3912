public import JSON

/// An object that another one goes away with.
public struct OwnerReference: Hashable, Sendable {
    public var apiVersion: String
    public var kind: String
    public var name: String
    public var uid: String

    /// Whether the owner is also the one that keeps the object as it should be.
    public var isController: Bool

    public init(apiVersion: String, kind: String, name: String, uid: String, isController: Bool = false) {
        self.apiVersion = apiVersion
        self.kind = kind
        self.name = name
        self.uid = uid
        self.isController = isController
    }

    /// As it is written into an owned object's `metadata.ownerReferences`.
    public var json: JSONValue {
        var json: JSONValue = [
            "apiVersion": .string(apiVersion), "kind": .string(kind), "name": .string(name), "uid": .string(uid),
        ]
        if isController { json["controller"] = true }
        return json
    }
}

extension OwnerReference: JSONReadable {
    public init(from json: inout JSONReader) throws {
        self.init(apiVersion: "", kind: "", name: "", uid: "")
        try json.object { key, json in
            switch key {
            case "apiVersion": apiVersion = try json.string()
            case "kind": kind = try json.string()
            case "name": name = try json.string()
            case "uid": uid = try json.string()
            case "controller": isController = try json.skipNull() ? false : json.bool()
            default: try json.skip()
            }
        }
    }
}
