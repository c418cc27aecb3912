// Azure OpenAI. Variables: https://learn.microsoft.com/azure/developer/python/sdk/authentication/credential-chains
// The keys are those of Azure Workload Identity:
// https://azure.github.io/azure-workload-identity/docs/topics/service-account-labels-and-annotations.html

extension Provider {
    static let azureOpenAI = Provider(
        "azure-openai", title: "Azure OpenAI",
        keys: AnnotationKey.azure,
        mechanisms: [AzureWorkloadIdentity()],
        apiKey: APIKey(variable: "AZURE_OPENAI_API_KEY"),
        skipKey: .azureSkipContainers,
        // DefaultAzureCredential tries EnvironmentCredential first.
        staticCredentials: ["AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD"])
}

extension AnnotationKey {
    static let azureClientID = AnnotationKey(
        "azure.workload.identity/client-id", on: [.serviceAccount], .uuid, asksFor: "azure-openai")
    static let azureTenantID = AnnotationKey("azure.workload.identity/tenant-id", on: [.serviceAccount], .uuid)
    static let azureTokenExpiration = AnnotationKey(
        "azure.workload.identity/service-account-token-expiration", on: [.serviceAccount, .pod], .seconds)
    static let azureSkipContainers = AnnotationKey("azure.workload.identity/skip-containers", on: [.pod], .list)

    fileprivate static let azure: [AnnotationKey] = [
        .azureClientID, .azureTenantID, .azureTokenExpiration, .azureSkipContainers,
    ]
}

/// A federated identity credential of Microsoft Entra: the cluster's token is the application's assertion.
///
/// The volume is Lanyard's on AKS too: the names of Azure's own depend on the pod, and its webhook adds only variables
/// that are absent.
struct AzureWorkloadIdentity: CredentialMechanism {
    /// The only audience that Entra accepts.
    /// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-considerations
    static let audience = "api://AzureADTokenExchange"

    let mechanism = Mechanism.azureWorkloadIdentity
    let issuerReader: String? = "Microsoft Entra"

    func tier(on platform: Platform) -> Tier { platform == .aks ? .native : .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.azure
        var missing: [String] = []
        let clientID = inputs[.azureClientID]
        if clientID == nil { missing.append(inputs.missing(.azureClientID)) }
        let tenantID = inputs[.azureTenantID] ?? settings.tenantID
        if tenantID == nil { missing.append(inputs.missing(.azureTenantID, or: "azure.tenantId")) }
        guard let clientID, let tenantID else { return .missing(missing) }

        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            .azureTokenExpiration, default: settings.tokenExpirationSeconds, bounds: 3600...86400, problems: &problems)
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(
                        name: request.volumeName, mountPath: request.mountPath,
                        token: .init(audience: Self.audience, expirationSeconds: expiration)),
                    groups: [
                        .init(
                            .each,
                            [
                                .init("AZURE_CLIENT_ID", clientID),
                                .init("AZURE_TENANT_ID", tenantID),
                                .init(
                                    "AZURE_FEDERATED_TOKEN_FILE", request.pod.path("\(request.mountPath)/token"),
                                    isInVolume: true),
                                .init("AZURE_AUTHORITY_HOST", settings.authorityHost),
                            ])
                    ]),
                identity: [
                    ("client", clientID), ("tenant", tenantID), ("authority", settings.authorityHost),
                    ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}
