public import JSON

/// A change to an object that leaves alone what it does not name.
public enum KubernetesPatch: Hashable, Sendable {
    /// Server-side apply: these fields are to be so, and are this field manager's from now on. What it applied before and
    /// leaves out now is removed.
    ///
    /// - `force`: take over fields that others own, instead of failing with a conflict.
    case apply(JSONValue, force: Bool)

    /// RFC 7386: objects are merged, arrays replaced, `null` removes.
    case merge(JSONValue)

    /// Kubernetes' own: as `merge`, but lists of objects are merged by their key. Built-in kinds only.
    case strategicMerge(JSONValue)

    /// RFC 6902: operations, of which all succeed or none is done.
    case json(JSONPatch)

    public var contentType: String {
        switch self {
        case .apply: "application/apply-patch+yaml"
        case .merge: "application/merge-patch+json"
        case .strategicMerge: "application/strategic-merge-patch+json"
        case .json: "application/json-patch+json"
        }
    }

    public var body: JSONValue {
        switch self {
        case .apply(let fields, _), .merge(let fields), .strategicMerge(let fields): fields
        case .json(let patch): patch.json
        }
    }

    var verb: String {
        if case .apply = self { "apply" } else { "patch" }
    }
}
