public import KubernetesModel
public import WorkloadIdentity

extension Subject {
    init(_ key: ObjectKey) {
        self.init(namespace: key.namespace ?? "", serviceAccount: key.name)
    }

    /// The ServiceAccount, and the object of each kind that Lanyard keeps for it under the same name.
    public var key: ObjectKey { ObjectKey(namespace: namespace, name: serviceAccount) }
}
