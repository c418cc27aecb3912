internal import KubernetesModel

/// The Lease by which one replica alone writes reports, and by which people see that one is alive.
enum ControllerLease {
    static func key(in namespace: String) -> ObjectKey { ObjectKey(namespace: namespace, name: "lanyard-controller") }

    /// Where the operator is, unless somebody says otherwise.
    static let defaultNamespace = "lanyard-system"
}
