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

// https://learn.microsoft.com/entra/workload-id/workload-identity-federation-create-trust
// https://learn.microsoft.com/azure/ai-services/openai/how-to/role-based-access-control
extension AzureWorkloadIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let clientID = request.inputs[.azureClientID]
        let identity = SetUp.Step(
            """
            The identity: a managed identity here. An application registration does as well: `az ad app create` and \
            `az ad sp create`, and CLIENT_ID is its appId.
            """,
            """
            az identity create --name "$NAME" --resource-group "$RESOURCE_GROUP"
            CLIENT_ID=$(az identity show --name "$NAME" --resource-group "$RESOURCE_GROUP" --query clientId --output tsv)
            """)
        return SetUp(
            issuer: .fetched(by: "Microsoft Entra"),
            variables: [
                .init("AUDIENCE", .known(Self.audience)),
                .init(
                    "TENANT_ID", request.inputs[.azureTenantID] ?? request.configuration.azure.tenantID,
                    or: .expression("$(az account show --query tenantId --output tsv)")),
                clientID.map { .init("CLIENT_ID", .known($0)) }
                    ?? .init("RESOURCE_GROUP", .placeholder("resource group of the identity")),
                .init("OPENAI_RESOURCE", .placeholder("Azure OpenAI resource")),
                .init("OPENAI_GROUP", .placeholder("resource group of the Azure OpenAI resource")),
            ],
            steps: (clientID == nil ? [identity] : []) + [
                .init(
                    """
                    The federated credential. Entra compares the issuer to the letter, with its trailing slash if it has one; \
                    it takes exactly one audience, and this one; no wildcards. An identity has room for 20 credentials. Make \
                    them one after the other. A new one takes some minutes to work everywhere: until then tokens are refused \
                    with AADSTS70021.
                    """,
                    #"""
                    CREDENTIAL=$(cat <<JSON
                    {
                      "name": "${NAME}",
                      "issuer": "${ISSUER}",
                      "subject": "${SUBJECT}",
                      "audiences": ["${AUDIENCE}"]
                    }
                    JSON
                    )
                    IDENTITY_NAME=$(az identity list --query "[?clientId=='${CLIENT_ID}'].name" --output tsv)
                    IDENTITY_GROUP=$(az identity list --query "[?clientId=='${CLIENT_ID}'].resourceGroup" --output tsv)
                    if [ -n "$IDENTITY_NAME" ]; then
                      az identity federated-credential create --name "$NAME" \
                        --identity-name "$IDENTITY_NAME" --resource-group "$IDENTITY_GROUP" \
                        --issuer "$ISSUER" --subject "$SUBJECT" --audiences "$AUDIENCE"
                    else
                      az ad app federated-credential create --id "$CLIENT_ID" --parameters "$CREDENTIAL"
                    fi
                    """#),
                .init(
                    "What it may do: the least role that calls models.",
                    #"""
                    PRINCIPAL_ID=$(az ad sp show --id "$CLIENT_ID" --query id --output tsv)
                    SCOPE=$(az cognitiveservices account show \
                      --name "$OPENAI_RESOURCE" --resource-group "$OPENAI_GROUP" --query id --output tsv)
                    az role assignment create --role "Cognitive Services OpenAI User" --scope "$SCOPE" \
                      --assignee-object-id "$PRINCIPAL_ID" --assignee-principal-type ServicePrincipal
                    """#),
                .init(
                    "DefaultAzureCredential finds it by itself; the client of openai takes it as a token provider.",
                    code: """
                        credential = DefaultAzureCredential()
                        tokens = get_bearer_token_provider(credential, "https://cognitiveservices.azure.com/.default")
                        client = AzureOpenAI(azure_ad_token_provider=tokens)
                        """),
            ],
            annotations: [
                "azure.workload.identity/client-id=${CLIENT_ID}", "azure.workload.identity/tenant-id=${TENANT_ID}",
            ])
    }
}
