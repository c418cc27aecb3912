/// How a credential arrives in a pod.
public enum Mechanism: String, CaseIterable, Hashable, Sendable {
    case eksPodIdentity = "eks-pod-identity"
    case irsa
    case awsWebIdentity = "aws-web-identity"
    case azureWorkloadIdentity = "azure-workload-identity"
    case gkeWorkloadIdentity = "gke-workload-identity"
    case gcpWorkloadIdentityFederation = "gcp-workload-identity-federation"
    case ibmTrustedProfile = "ibm-trusted-profile"
    case okeWorkloadIdentity = "oke-workload-identity"
    case alibabaRRSA = "alibaba-rrsa"
    case openAIFederation = "openai-federation"
    case anthropicFederation = "anthropic-federation"
    case vaultAgent = "vault-agent"
    case vaultCSI = "vault-csi"
    case externalSecret = "external-secret"

    /// The ways in which a stored key gets to a pod, of which `lanyard.dev/secret-delivery` chooses one.
    public static let secretDeliveries: [Mechanism] = [.vaultAgent, .vaultCSI, .externalSecret]

    /// Those of them for which a pod refers to an object that has to be in the cluster.
    public static let bySecretObject: [Mechanism] = [.vaultCSI, .externalSecret]

    public var isSecretDelivery: Bool { Self.secretDeliveries.contains(self) }

    /// Whether it fails for pods on their node's own network: there GKE's metadata server is that of the node, which knows no
    /// ServiceAccount.
    /// https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity
    public var needsPodNetwork: Bool { self == .gkeWorkloadIdentity }
}

extension Mechanism: CustomStringConvertible {
    public var description: String { rawValue }
}

/// Who vouches for a credential.
public enum Tier: String, CaseIterable, Hashable, Sendable {
    /// The platform's own identity system.
    case native
    /// Another cloud trusts the cluster's OIDC issuer.
    case federated
    /// A stored secret, brokered.
    case vault
}

/// What a mechanism gives to an application.
public enum Reach: String, CaseIterable, Hashable, Sendable {
    /// The provider's SDK finds the credential by itself.
    case sdkDefault = "sdk-default"
    /// The application must pass the credential to the SDK.
    case needsCode = "needs-code"
    /// The credential calls the platform's APIs but no model.
    case platformAPIsOnly = "platform-apis-only"

    public var includesModelCall: Bool { self != .platformAPIsOnly }
}
