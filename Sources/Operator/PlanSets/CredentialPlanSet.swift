public import KubernetesModel

/// The object from which the API server's own policy injects: one in each namespace.
public enum CredentialPlanSet: KubernetesKind {
    public static let resourceType = ResourceType(
        group: "lanyard.dev", version: "v1alpha1", kind: "CredentialPlanSet", plural: "credentialplansets")

    /// What the policy's binding calls it.
    static let name = "lanyard"
}
