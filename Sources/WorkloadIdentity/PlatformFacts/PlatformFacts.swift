/// What is true of this cluster.
public struct PlatformFacts: Hashable, Sendable {
    public var platform: Platform
    public var issuer: Issuer
    public var components: Components
    /// What the API server takes tokens for, as far as it has been seen, beside what ``isAudienceOfAPIServer(_:)`` knows.
    public var apiServerAudiences: Set<String>
    /// Which signals decided the platform, for people.
    public var evidence: String

    public init(
        platform: Platform, issuer: Issuer = Issuer(), components: Components = Components(),
        apiServerAudiences: Set<String> = [], evidence: String = ""
    ) {
        self.platform = platform
        self.issuer = issuer
        self.components = components
        self.apiServerAudiences = apiServerAudiences
        self.evidence = evidence
    }

    /// Whether a token of this audience is good for the cluster's own API server: whoever receives it can act there as the
    /// pod.
    ///
    /// By default the API server takes tokens for its issuer, and most clusters' issuer is, or was, the name of the API
    /// server's Service: https://kubernetes.io/docs/reference/command-line-tools-reference/kube-apiserver/ (`--api-audiences`)
    public func isAudienceOfAPIServer(_ audience: String) -> Bool {
        func withoutSlash(_ text: String) -> Substring { text.hasSuffix("/") ? text.dropLast() : text[...] }
        if apiServerAudiences.contains(audience) { return true }
        if let url = issuer.url, withoutSlash(url) == withoutSlash(audience) { return true }
        let name = audience.hasPrefix("https://") ? audience.dropFirst("https://".count) : audience[...]
        let host = name.prefix { $0 != ":" && $0 != "/" }
        return host == "kubernetes.default" || host == "kubernetes.default.svc"
            || host.hasPrefix("kubernetes.default.svc.")
    }

    /// Facts for validating manifests without a cluster: what the platform promises, with every component present.
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
    /// The versions in which a kind is served that is installed, but not in the version that Lanyard makes.
    public var otherVersions: [SecretObject.Kind: [String]] = [:]
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

    /// Why objects of a kind cannot be made, as the end of a sentence.
    func absence(of kind: SecretObject.Kind) -> String {
        guard let versions = otherVersions[kind], !versions.isEmpty else { return "its \(kind) is not installed" }
        return
            "its \(kind) is served as \(versions.joined(separator: ", ")), and Lanyard makes \(kind.version): upgrade it"
    }
}
