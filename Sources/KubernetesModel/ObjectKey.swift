/// Which object of a kind: its namespace and name. The only thing that a queue carries.
public struct ObjectKey: Hashable, Sendable {
    /// `nil` for objects that are not namespaced.
    public var namespace: String?
    public var name: String

    public init(namespace: String? = nil, name: String) {
        self.namespace = namespace
        self.name = name
    }
}

extension ObjectKey: CustomStringConvertible {
    public var description: String {
        namespace.map { "\($0)/\(name)" } ?? name
    }
}

extension ObjectKey: Comparable {
    public static func < (left: ObjectKey, right: ObjectKey) -> Bool {
        (left.namespace ?? "", left.name) < (right.namespace ?? "", right.name)
    }
}
