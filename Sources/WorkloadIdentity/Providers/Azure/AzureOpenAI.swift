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
        requestLabel: .init(name: "azure.workload.identity/use", value: "true"),
        // DefaultAzureCredential tries EnvironmentCredential first.
        hazards: [
            .stored("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_PASSWORD"),
            .storedUnlessPassed("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN"),
        ],
        fallback: "the node's managed identity, from the instance metadata service",
        nicknames: ["aoai", "azure-ai", "azure-open-ai"])
}

extension AnnotationKey {
    static let azureClientID = AnnotationKey(
        "azure.workload.identity/client-id", on: [.serviceAccount], .uuid, asksFor: "azure-openai")
    static let azureTenantID = AnnotationKey("azure.workload.identity/tenant-id", on: [.serviceAccount], .uuid)
    static let azureTokenExpiration = AnnotationKey(
        "azure.workload.identity/service-account-token-expiration", on: [.serviceAccount, .pod], .seconds)
    static let azureSkipContainers = AnnotationKey("azure.workload.identity/skip-containers", on: [.pod], .list)

    /// Lanyard injects no container: the keys are known so that people are told so.
    static let azureProxy: [AnnotationKey] = ["inject-proxy-sidecar", "proxy-sidecar-port"].map {
        AnnotationKey("azure.workload.identity/\($0)", on: [.pod], .anything)
    }

    fileprivate static let azure: [AnnotationKey] =
        [.azureClientID, .azureTenantID, .azureTokenExpiration, .azureSkipContainers] + azureProxy
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
    let decisiveKeys: [AnnotationKey] = [.azureClientID, .azureTenantID]

    func tier(on platform: Platform) -> Tier { platform == .aks ? .native : .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.azure
        var missing: [String] = []
        let clientID = inputs[.azureClientID]
        // A pod with Azure's label may pass the client's id in its code.
        let tenantID = inputs[.azureTenantID] ?? settings.tenantID
        if !request.isLabelled || tenantID == nil { missing += inputs.lacking(.azureClientID) }
        if tenantID == nil { missing += inputs.lacking(.azureTenantID, or: "azure.tenantId") }
        guard missing.isEmpty, let tenantID else { return .missing(missing) }

        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            .azureTokenExpiration, default: settings.tokenExpirationSeconds, bounds: 3600...86400, problems: &problems)
        for key in AnnotationKey.azureProxy where inputs[key] != nil {
            problems.append(
                request.problem(
                    .warning, .noEffect, with: key,
                    "has no effect: Lanyard injects no proxy; use an SDK that takes the token by itself"))
        }
        let client = clientID.map { [PodAddition.Variable("AZURE_CLIENT_ID", $0)] } ?? []
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(for: Self.audience, expirationSeconds: expiration),
                    groups: [
                        .init(
                            .each,
                            client + [
                                .init("AZURE_TENANT_ID", tenantID),
                                request.pathVariable("AZURE_FEDERATED_TOKEN_FILE"),
                                .init("AZURE_AUTHORITY_HOST", settings.authorityHost),
                            ])
                    ],
                    expected: clientID == nil ? [Self.expectedClientID] : []),
                identity: [
                    ("client", clientID ?? ""), ("tenant", tenantID), ("authority", settings.authorityHost),
                    ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}

extension AzureWorkloadIdentity {
    private static let expectedClientID = PodAddition.ExpectedVariable(
        anyOf: ["AZURE_CLIENT_ID"],
        advice:
            """
            the application must pass the client's id itself: or annotate the ServiceAccount with \
            \(AnnotationKey.azureClientID.name)
            """)
}
