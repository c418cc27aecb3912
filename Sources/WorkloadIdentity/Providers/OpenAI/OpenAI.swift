// OpenAI. https://developers.openai.com/api/docs/guides/workload-identity-federation.md

extension Provider {
    static let openAI = Provider(
        "openai", title: "OpenAI",
        keys: [.openAIIdentityProvider, .openAIServiceAccount],
        mechanisms: [OpenAIFederation()],
        apiKey: APIKey(variable: "OPENAI_API_KEY"),
        hazards: [.storedUnlessPassed("OPENAI_API_KEY", "OPENAI_ADMIN_KEY")],
        nicknames: ["open-ai", "gpt", "chatgpt"])
}

extension AnnotationKey {
    static let openAIIdentityProvider = lanyard("openai-identity-provider-id", .openAIID("idp"), asksFor: "openai")
    static let openAIServiceAccount = lanyard("openai-service-account-id", .openAIID("sa"), asksFor: "openai")
}

extension ValueSyntax {
    /// OpenAI publishes no form of its ids. Those of its samples have a prefix, and then what tells one from another.
    fileprivate static func openAIID(_ prefix: String) -> ValueSyntax {
        ValueSyntax(
            "the id as OpenAI shows it, such as \"\(prefix)-123\"",
            diagnosis: { value in
                value == prefix || value == "\(prefix)-" || value == "\(prefix)_"
                    ? Fault(part: "nothing follows the prefix") : Fault()
            }
        ) { value in
            opaqueID.accepts(value) && value.utf8.count > 3
                && value.utf8.last.map { $0.isWordByte && $0 != UInt8(ascii: "_") } == true
        }
    }
}

/// A workload identity provider that trusts the cluster's uploaded keys.
///
/// The SDKs read no variable for it: the names are those of OpenAI's own samples, for the application to read.
struct OpenAIFederation: CredentialMechanism {
    let mechanism = Mechanism.openAIFederation
    let reach = Reach.needsCode
    let decisiveKeys: [AnnotationKey] = [.openAIIdentityProvider, .openAIServiceAccount]

    func tier(on platform: Platform) -> Tier { .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.openai
        guard let provider = inputs[.openAIIdentityProvider], let account = inputs[.openAIServiceAccount] else {
            return .missing(inputs.lacking(.openAIIdentityProvider, .openAIServiceAccount))
        }
        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            nil, default: settings.tokenExpirationSeconds, bounds: 600...86400, problems: &problems)
        problems.append(
            request.applicationMustPass("workload_identity to its OpenAI client, made of the three OPENAI_… variables"))
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(for: settings.audience, expirationSeconds: expiration),
                    groups: [
                        .init(
                            .allOrNone,
                            [
                                .init("OPENAI_IDENTITY_PROVIDER_ID", provider),
                                .init("OPENAI_SERVICE_ACCOUNT_ID", account),
                                request.pathVariable("OPENAI_IDENTITY_TOKEN_FILE"),
                            ])
                    ]),
                identity: [
                    ("provider", provider), ("account", account), ("audience", settings.audience),
                    ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}

extension OpenAIFederation {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let issuer = request.issuerUse(of: .openAIFederation, by: "OpenAI")
        return SetUp(
            issuer: issuer,
            variables: [
                .init("AUDIENCE", .known(request.configuration.openai.audience)),
                .init(
                    "IDENTITY_PROVIDER_ID", request.inputs[.openAIIdentityProvider],
                    or: .placeholder("id of the workload identity provider, from step 1")),
                .init(
                    "OPENAI_ACCOUNT_ID", request.inputs[.openAIServiceAccount],
                    or: .placeholder("id of the service account, from step 2")),
            ],
            steps: [
                issuer == .named ? Self.uploadedKeys : Self.fetchedKeys,
                .init(
                    """
                    There, add a service account mapping: the assertion sub, with the value that this prints, to a service \
                    account of the project that is billed. A mapping can narrow what it may do: calling models is enough.
                    """,
                    #"printf 'sub = %s\n' "$SUBJECT""#),
                .init(
                    """
                    OpenAI's SDKs read no variables for this: the application passes what Lanyard injects. An application \
                    that cannot be changed needs external-secret. OpenAI's tokens live for an hour at most, and no longer \
                    than the cluster's.
                    """,
                    code: """
                        client = OpenAI(workload_identity={
                            "identity_provider_id": os.environ["OPENAI_IDENTITY_PROVIDER_ID"],
                            "service_account_id": os.environ["OPENAI_SERVICE_ACCOUNT_ID"],
                            "provider": openai.auth.k8s_service_account_token_provider(os.environ["OPENAI_IDENTITY_TOKEN_FILE"])})
                        """),
            ],
            annotations: [
                "lanyard.dev/openai-identity-provider-id=${IDENTITY_PROVIDER_ID}",
                "lanyard.dev/openai-service-account-id=${OPENAI_ACCOUNT_ID}",
            ],
            trial: [Self.exchange],
            removal: [
                .init(
                    """
                    There is no command for it: under Organization settings > Security > Workload identity provider, delete \
                    the mapping, and the provider with the last mapping of this cluster.
                    """)
            ])
    }

    private static let exchange = SetUp.Step(
        "Try the trust: this prints how long a token of OpenAI's would live, or why there is none.",
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" |
          jq --raw-input --arg provider "$IDENTITY_PROVIDER_ID" --arg account "$OPENAI_ACCOUNT_ID" \
            '{grant_type: "urn:ietf:params:oauth:grant-type:token-exchange", subject_token: .,
              subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
              identity_provider_id: $provider, service_account_id: $account}' |
          curl --silent --show-error --header 'Content-Type: application/json' --data @- https://auth.openai.com/oauth/token |
          jq '{token_type, expires_in, error, error_description}'
        """#)

    private static let fetchedKeys = SetUp.Step(
        """
        As an owner of the organization, under Organization settings > Security > Workload identity provider, create a provider \
        of the platform's kind with this issuer and audience. There is no command for it.
        """,
        #"printf 'issuer: %s\naudience: %s\n' "$ISSUER" "$AUDIENCE""#)

    private static let uploadedKeys = SetUp.Step(
        """
        As an owner of the organization, under Organization settings > Security > Workload identity provider, create a provider \
        of the kind Kubernetes with this issuer and audience, and upload jwks.json as a whole. There is no command for it. \
        OpenAI does not fetch these keys: when the cluster's signing keys change, upload them again.
        """,
        #"""
        kubectl get --raw /openid/v1/jwks > jwks.json
        printf 'issuer: %s\naudience: %s\n' "$ISSUER" "$AUDIENCE"
        """#)
}
