public import JSON

/// One entry of an object's `status.conditions`.
///
/// `metav1.Condition`, and its older relatives on Deployments and DaemonSets, which have `lastUpdateTime` and no
/// `observedGeneration`.
public struct Condition: Hashable, Sendable {
    public enum Status: String, Hashable, Sendable {
        case `true` = "True"
        case `false` = "False"
        case unknown = "Unknown"
    }

    public var type: String
    public var status: Status

    /// One CamelCase word for programs.
    public var reason: String

    /// A sentence for people.
    public var message: String

    /// The `metadata.generation` that was observed.
    public var observedGeneration: Int?

    /// When `status` last changed; not touched when only the reason or message does.
    public var lastTransitionTime: Timestamp?

    /// When anything of the condition last changed.
    public var lastUpdateTime: Timestamp?

    public init(type: String, status: Status, reason: String, message: String = "", observedGeneration: Int? = nil) {
        self.type = type
        self.status = status
        self.reason = reason
        self.message = message
        self.observedGeneration = observedGeneration
    }

    public var json: JSONValue {
        var json: JSONValue = [
            "type": .string(type), "status": .string(status.rawValue), "reason": .string(reason),
            "message": .string(message),
        ]
        if let observedGeneration { json["observedGeneration"] = .number(JSONNumber(observedGeneration)) }
        if let lastUpdateTime { json["lastUpdateTime"] = .string(lastUpdateTime.description) }
        if let lastTransitionTime { json["lastTransitionTime"] = .string(lastTransitionTime.description) }
        return json
    }
}

extension Condition: JSONReadable {
    public init(from json: inout JSONReader) throws {
        self.init(type: "", status: .unknown, reason: "")
        try json.object { key, json in
            switch key {
            case "type": type = try json.string()
            case "status": status = Status(rawValue: try json.string()) ?? .unknown
            case "reason": reason = try json.optionalString() ?? ""
            case "message": message = try json.optionalString() ?? ""
            case "observedGeneration": observedGeneration = try json.skipNull() ? nil : json.integer()
            case "lastTransitionTime": lastTransitionTime = try json.optionalTimestamp()
            case "lastUpdateTime": lastUpdateTime = try json.optionalTimestamp()
            default: try json.skip()
            }
        }
    }
}

extension [Condition] {
    public subscript(type: String) -> Condition? {
        first { $0.type == type }
    }

    /// Puts a condition in its place, by the rules of `meta.SetStatusCondition`: one of each type, order kept, and
    /// `lastTransitionTime` moves only when the status does.
    ///
    /// - Parameters:
    ///   - now: becomes `lastTransitionTime` if the status is new, and `lastUpdateTime` if anything is.
    ///   - recordsUpdates: whether this kind of object has `lastUpdateTime`, as Deployments and DaemonSets do.
    /// - Returns: whether anything changed. If not, there is nothing to write.
    @discardableResult
    public mutating func set(_ condition: Condition, at now: Timestamp, recordsUpdates: Bool = false) -> Bool {
        let index = firstIndex { $0.type == condition.type }
        let old = index.map { self[$0] }
        var new = condition
        new.lastTransitionTime = old?.status == new.status ? old?.lastTransitionTime ?? now : now
        new.lastUpdateTime = recordsUpdates ? old?.lastUpdateTime ?? now : nil
        guard new != old else { return false }
        if recordsUpdates { new.lastUpdateTime = now }
        if let index {
            self[index] = new
        } else {
            append(new)
        }
        return true
    }

    /// - Returns: whether there was one.
    @discardableResult
    public mutating func remove(_ type: String) -> Bool {
        let count = count
        removeAll { $0.type == type }
        return self.count < count
    }
}
