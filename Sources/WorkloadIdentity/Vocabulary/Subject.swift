/// A ServiceAccount: the identity that a pod's tokens speak for.
public struct Subject: Hashable, Sendable {
    public var namespace: String
    public var serviceAccount: String

    public init(namespace: String, serviceAccount: String) {
        self.namespace = namespace
        self.serviceAccount = serviceAccount
    }

    /// The `sub` claim of the ServiceAccount's tokens.
    /// https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
    public var claim: String { "system:serviceaccount:\(namespace):\(serviceAccount)" }
}

extension Subject: CustomStringConvertible {
    public var description: String { "ServiceAccount \(qualifiedName)" }

    /// As commands take it: `NAMESPACE/NAME`.
    public var qualifiedName: String { "\(namespace)/\(serviceAccount)" }
}
