internal import KubernetesModel
internal import WorkloadIdentity

extension SecretObject.Kind {
    var resourceType: ResourceType {
        switch self {
        case .secretProviderClass:
            ResourceType(
                group: "secrets-store.csi.x-k8s.io", version: "v1", kind: rawValue, plural: "secretproviderclasses")
        case .externalSecret:
            ResourceType(group: "external-secrets.io", version: "v1", kind: rawValue, plural: "externalsecrets")
        }
    }
}
