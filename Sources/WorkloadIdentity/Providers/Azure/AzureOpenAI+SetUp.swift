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
            issuer: .fetched(by: ["Microsoft Entra"]),
            variables: [
                .init("AUDIENCE", .known(Self.audience)),
                .init("AUTHORITY", .known(request.configuration.azure.authorityHost)),
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
                    it takes exactly one audience, this one; no wildcards. An identity holds 20 credentials at most; create \
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
                    "The permission: the least role that calls models.",
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
            ],
            trial: [Self.exchange], removal: clientID == nil ? [Self.identityRemoval] : Self.credentialRemoval)
    }

    private static let exchange = SetUp.Step(
        """
        Try the trust: this prints how long a token of Entra's would live, or why there is none. It says nothing of the role \
        assignment.
        """,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
          curl --silent --show-error --data-urlencode client_assertion@- \
            --data-urlencode client_assertion_type=urn:ietf:params:oauth:client-assertion-type:jwt-bearer \
            --data-urlencode grant_type=client_credentials --data-urlencode "client_id=${CLIENT_ID}" \
            --data-urlencode scope=https://cognitiveservices.azure.com/.default \
            "${AUTHORITY%/}/${TENANT_ID}/oauth2/v2.0/token" |
          jq '{token_type, expires_in, error, error_description}'
        """#)

    private static let identityRemoval = SetUp.Step(
        "The role assignment, and the identity with its federated credential.",
        #"""
        az role assignment delete --role "Cognitive Services OpenAI User" \
          --assignee "$(az identity show --name "$NAME" --resource-group "$RESOURCE_GROUP" --query principalId --output tsv)" \
          --scope "$(az cognitiveservices account show \
            --name "$OPENAI_RESOURCE" --resource-group "$OPENAI_GROUP" --query id --output tsv)"
        az identity delete --name "$NAME" --resource-group "$RESOURCE_GROUP"
        """#)

    private static let credentialRemoval = [
        SetUp.Step(
            "The federated credential; the second command is for an application registration.",
            #"""
            az identity federated-credential delete --name "$NAME" --yes \
              --identity-name "$(az identity list --query "[?clientId=='${CLIENT_ID}'].name" --output tsv)" \
              --resource-group "$(az identity list --query "[?clientId=='${CLIENT_ID}'].resourceGroup" --output tsv)"
            az ad app federated-credential delete --id "$CLIENT_ID" --federated-credential-id "$NAME"
            """#),
        SetUp.Step(
            "The role assignment, unless others act as this identity too.",
            #"""
            az role assignment delete --assignee "$CLIENT_ID" --role "Cognitive Services OpenAI User" \
              --scope "$(az cognitiveservices account show \
                --name "$OPENAI_RESOURCE" --resource-group "$OPENAI_GROUP" --query id --output tsv)"
            """#),
    ]
}
