/// What the API server calls a kind of object, and under which path it serves it.
public struct ResourceType: Hashable, Sendable {
    /// The API group; empty for the core group.
    public var group: String
    public var version: String
    public var kind: String

    /// The name in paths and in RBAC rules: lower case, plural.
    public var plural: String
    public var isNamespaced: Bool

    public init(group: String, version: String, kind: String, plural: String, isNamespaced: Bool = true) {
        self.group = group
        self.version = version
        self.kind = kind
        self.plural = plural
        self.isNamespaced = isNamespaced
    }

    /// `apps/v1`, or `v1` in the core group: what stands in an object's `apiVersion`.
    public var apiVersion: String {
        group.isEmpty ? version : "\(group)/\(version)"
    }
}
