/// What is true of this cluster.
public struct PlatformFacts: Hashable, Sendable {
    public var platform: Platform
    public var issuer: Issuer
    public var components: Components
    /// Which signals decided the platform, for people.
    public var evidence: String

    public init(
        platform: Platform, issuer: Issuer = Issuer(), components: Components = Components(), evidence: String = ""
    ) {
        self.platform = platform
        self.issuer = issuer
        self.components = components
        self.evidence = evidence
    }

    /// Facts for judging manifests without a cluster: what the platform promises, with every component present.
    public static func offline(_ platform: Platform, issuerURL: String? = nil, isPublic: Bool? = nil) -> PlatformFacts {
        let reach: Issuer.Reach = isPublic.map { $0 ? .public : .private } ?? .promised(by: platform)
        return PlatformFacts(
            platform: platform, issuer: Issuer(url: issuerURL, reach: reach), evidence: "configuration")
    }
}

/// What else runs in the cluster and matters to a credential.
public struct Components: Hashable, Sendable {
    public var vaultInjector: VaultInjector
    /// Whether the Secrets Store CSI driver's SecretProviderClass can be made.
    public var hasSecretProviderClasses: Bool
    /// Whether the External Secrets Operator's ExternalSecret can be made.
    public var hasExternalSecrets: Bool
    /// Whether GKE's metadata server runs on nodes; `nil` if that is not known.
    public var hasGKEMetadataServer: Bool?

    /// The webhook of Vault (or OpenBao) that turns a pod's annotations into an agent.
    public enum VaultInjector: Hashable, Sendable {
        case present
        case absent
        /// It sorts before Lanyard's own configuration, and so sees pods before Lanyard has annotated them.
        case runsFirst(configuration: String)
    }

    public init(
        vaultInjector: VaultInjector = .present, hasSecretProviderClasses: Bool = true, hasExternalSecrets: Bool = true,
        hasGKEMetadataServer: Bool? = nil
    ) {
        self.vaultInjector = vaultInjector
        self.hasSecretProviderClasses = hasSecretProviderClasses
        self.hasExternalSecrets = hasExternalSecrets
        self.hasGKEMetadataServer = hasGKEMetadataServer
    }
}
