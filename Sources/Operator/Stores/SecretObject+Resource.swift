internal import KubernetesModel
internal import WorkloadIdentity

extension SecretObject.Kind {
    var resourceType: ResourceType {
        switch self {
        case .secretProviderClass:
            ResourceType(
                group: "secrets-store.csi.x-k8s.io", version: version, kind: rawValue, plural: "secretproviderclasses")
        case .externalSecret:
            ResourceType(group: "external-secrets.io", version: version, kind: rawValue, plural: "externalsecrets")
        }
    }
}
