public import KubernetesModel

/// What happened to one object of a ``Store``.
public struct StoreChange<Resource: KubernetesResource>: Sendable {
    public var key: ObjectKey

    /// `nil` if the object was not there before.
    public var old: Resource?

    /// `nil` if it is gone.
    public var new: Resource?
}

/// A way to find objects by something other than their key.
///
/// ```swift
/// extension StoreIndex<Deployment> {
///     static let serviceAccount = StoreIndex("serviceAccount") { [$0.workload.serviceAccountKey.description] }
/// }
/// store.resources(by: .serviceAccount, "shop/checkout")
/// ```
public struct StoreIndex<Resource: KubernetesResource>: Sendable {
    public let name: String

    /// What an object can be found by. Empty for objects that are not to be found.
    let values: @Sendable (Resource) -> [String]

    /// - Parameters:
    ///   - name: tells the indexes of one store apart.
    ///   - values: is called whenever an object comes, changes or goes, and must give the same for the same object.
    public init(_ name: String, _ values: @escaping @Sendable (Resource) -> [String]) {
        self.name = name
        self.values = values
    }
}
