public import KubernetesModel

/// Something to tell people about an object: what `kubectl describe` shows below it.
public struct ObjectEvent: Hashable, Sendable {
    public enum Severity: String, Hashable, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    /// What it is about.
    public var regarding: ObjectReference

    /// What else has to do with it.
    public var related: ObjectReference?
    public var severity: Severity

    /// Why: one CamelCase word, at most 128 characters.
    public var reason: String

    /// What was done or tried: one CamelCase word, at most 128 characters.
    public var action: String

    /// A sentence. Is cut off after 1,024 bytes.
    public var note: String

    public init(
        regarding: ObjectReference, related: ObjectReference? = nil, _ severity: Severity, reason: String,
        action: String, note: String
    ) {
        self.regarding = regarding
        self.related = related
        self.severity = severity
        self.reason = reason
        self.action = action
        self.note = note
    }
}
