/// What the operator's owner decides for the whole cluster. Every value has a default.
public struct Configuration: Hashable, Sendable {
    /// `nil`: found out from the cluster.
    public var platform: Platform?
    public var issuer = IssuerSettings()
    public var namespaces = NamespaceSettings()
    public var aws = AWSSettings()
    public var azure = AzureSettings()
    public var gcp = GCPSettings()
    public var openai = OpenAISettings()
    public var anthropic = AnthropicSettings()
    public var alibaba = AlibabaSettings()
    public var vault = VaultSettings()
    public var externalSecrets = ExternalSecretsSettings()
    public var healing = HealingSettings()
    public var injection = InjectionSettings()
    public var verify = VerifySettings()
    /// API-key providers beside those of the catalogue.
    public var providers: [ProviderName: APIKey] = [:]
    /// Cells of the matrix that differ from the built-in one.
    public var matrix: [Platform: [ProviderName: [Mechanism]]] = [:]

    public init() {}

    public struct IssuerSettings: Hashable, Sendable {
        /// `nil`: read from the cluster.
        public var url: String?
        /// Whether other clouds can fetch the issuer's discovery document. `nil`: found out.
        public var isPublic: Bool?
    }

    public struct NamespaceSettings: Hashable, Sendable {
        /// Namespaces whose pods are never changed.
        public var exclude = ["kube-system"]
    }

    public struct AWSSettings: Hashable, Sendable {
        /// The region for pods that name none.
        public var region: String?
        public var audience = "sts.amazonaws.com"
        public var tokenExpirationSeconds = 86400
        public var stsRegionalEndpoints = false
        /// Where the EKS webhook mounts IRSA's token; used on EKS only.
        public var tokenMountPath = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
        public var podIdentity = PodIdentitySettings()
    }

    /// EKS Pod Identity. Its associations live in the EKS API, where the cluster does not see them.
    public struct PodIdentitySettings: Hashable, Sendable {
        /// The ServiceAccounts that have an association.
        public var identities: Set<Subject> = []
        public var credentialsURI = "http://169.254.170.23/v1/credentials"
        public var audience = "pods.eks.amazonaws.com"
        public var tokenMountPath = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount"
        public var volumeName = "eks-pod-identity-token"
        public var tokenPath = "eks-pod-identity-token"
    }

    public struct AzureSettings: Hashable, Sendable {
        public var tenantID: String?
        public var authorityHost = "https://login.microsoftonline.com/"
        public var tokenExpirationSeconds = 3600
    }

    public struct GCPSettings: Hashable, Sendable {
        public var project: String?
        public var location: String?
        /// `nil`: `https://iam.googleapis.com/` and the provider's resource name.
        public var audience: String?
        public var tokenExpirationSeconds = 3600
    }

    public struct OpenAISettings: Hashable, Sendable {
        public var audience = "https://api.openai.com/v1"
        public var tokenExpirationSeconds = 3600
    }

    public struct AlibabaSettings: Hashable, Sendable {
        /// The OIDC provider that trusts the cluster. Its account turns a role's name into the role's ARN.
        public var oidcProviderARN: String?
        public var region: String?
    }

    public struct AnthropicSettings: Hashable, Sendable {
        public var audience = "https://api.anthropic.com"
        public var tokenExpirationSeconds = 3600
    }

    public struct VaultSettings: Hashable, Sendable {
        /// Whose injector reads the annotations.
        public enum Injector: String, CaseIterable, Hashable, Sendable {
            case vault
            case openbao

            public var annotationPrefix: String {
                switch self {
                case .vault: "vault.hashicorp.com/"
                case .openbao: "openbao.org/"
                }
            }
        }

        public var injector = Injector.vault
        /// `nil`: the injector's own default.
        public var address: String?
        public var authPath = "auth/kubernetes"
        public var namespace: String?
        /// The role for ServiceAccounts that name none.
        public var role: String?
        /// The audience of the token that the agent presents. `nil`: the pod's own token.
        public var audience: String?
        /// The Secret, in the pod's namespace, whose `ca.crt` verifies Vault's certificate.
        public var caSecret: String?
        /// Patterns of the paths whose keys may be asked for. Empty: any, but none by way of a store that serves the whole
        /// cluster.
        public var allowedPaths: [String] = []
    }
}

extension Configuration {
    /// Where the External Secrets Operator finds stored keys.
    public struct ExternalSecretsSettings: Hashable, Sendable {
        public enum StoreKind: String, CaseIterable, Hashable, Sendable {
            case clusterSecretStore = "ClusterSecretStore"
            case secretStore = "SecretStore"
        }

        /// The store's name. `nil`: there is none, and `external-secret` cannot be used.
        public var store: String?
        /// A SecretStore must be there in each namespace.
        public var storeKind = StoreKind.clusterSecretStore
        public var refreshInterval = "1h"
        /// The namespaces in which pods, too, may ask for deliveries that make objects.
        public var podAnnotations: [String] = []
    }
}

extension Configuration {
    /// Whether, and how fast, pods without their credentials are replaced where `lanyard.dev/heal` asks for it.
    public struct HealingSettings: Hashable, Sendable {
        public var isEnabled = false
        /// Whether the only pod of a workload that is ready may be evicted.
        public var allowsDowntime = false
        /// How many workloads of the cluster may wait for a replacement at the same time.
        public var concurrency = 3
        /// The least time between two evictions in the cluster.
        public var intervalSeconds = 10
        /// The share of the cluster's pods, in percent, that may be stale; with more, no stale pod is evicted.
        public var stopPercent = 10
    }
}

extension Configuration {
    /// How credentials get into pods.
    public struct InjectionSettings: Hashable, Sendable {
        /// Whether the operator keeps the objects from which the API server's own policy injects.
        public var keepsPlanSets = false
    }
}

extension Configuration {
    /// Where providers are asked whether they trust a ServiceAccount, and for which the operator asks by itself.
    public struct VerifySettings: Hashable, Sendable {
        /// Of some providers: the scheme and host that are asked in place of the vendor's, such as those of a private endpoint.
        /// Paths stay.
        public var endpoints: [ProviderName: String] = [:]
        /// The ServiceAccounts whose trust the operator tries.
        public var scheduled: Set<Subject> = []
        /// The time between two trials of one of them.
        public var intervalSeconds = 3600
        /// Lanyard's own, for the init container of pods that ask for a trial. `nil`: no pod gets one.
        public var image: String?
        /// A Secret in the pod's namespace with which that image is pulled.
        public var imagePullSecret: String?
    }
}

/// How a key of a provider's API reaches an application.
public struct APIKey: Hashable, Sendable {
    /// The variable that the provider's SDK reads.
    public var variable: String
    /// The field of the secret in which the key is stored.
    public var vaultKey: String
    /// Whether the SDK finds the variable by itself; otherwise the application must read it.
    public var isReadBySDK: Bool

    public init(variable: String, vaultKey: String = "api_key", isReadBySDK: Bool = true) {
        self.variable = variable
        self.vaultKey = vaultKey
        self.isReadBySDK = isReadBySDK
    }
}
