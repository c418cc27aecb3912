// OpenAI. https://developers.openai.com/api/docs/guides/workload-identity-federation.md

extension Provider {
    static let openAI = Provider(
        "openai", title: "OpenAI",
        keys: [.openAIIdentityProvider, .openAIServiceAccount],
        mechanisms: [OpenAIFederation()],
        apiKey: APIKey(variable: "OPENAI_API_KEY"))
}

extension AnnotationKey {
    static let openAIIdentityProvider = lanyard("openai-identity-provider-id", .opaqueID, asksFor: "openai")
    static let openAIServiceAccount = lanyard("openai-service-account-id", .opaqueID, asksFor: "openai")
}

/// A workload identity provider that trusts the cluster's uploaded keys.
///
/// The SDKs read no variable for it: the names are those of OpenAI's own samples, for the application to read.
struct OpenAIFederation: CredentialMechanism {
    let mechanism = Mechanism.openAIFederation
    let reach = Reach.needsCode

    func tier(on platform: Platform) -> Tier { .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.openai
        guard let provider = inputs[.openAIIdentityProvider], let account = inputs[.openAIServiceAccount] else {
            return .missing(
                [AnnotationKey.openAIIdentityProvider, .openAIServiceAccount].filter { inputs[$0] == nil }.map {
                    inputs.missing($0)
                })
        }
        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            nil, default: settings.tokenExpirationSeconds, bounds: 600...86400, problems: &problems)
        problems.append(
            request.applicationMustPass("workload_identity to its OpenAI client, made of the three OPENAI_… variables"))
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(
                        name: request.volumeName, mountPath: request.mountPath,
                        token: .init(audience: settings.audience, expirationSeconds: expiration)),
                    groups: [
                        .init(
                            .allOrNone,
                            [
                                .init("OPENAI_IDENTITY_PROVIDER_ID", provider),
                                .init("OPENAI_SERVICE_ACCOUNT_ID", account),
                                .init(
                                    "OPENAI_IDENTITY_TOKEN_FILE", request.pod.path("\(request.mountPath)/token"),
                                    isInVolume: true),
                            ])
                    ]),
                identity: [
                    ("provider", provider), ("account", account), ("audience", settings.audience),
                    ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}
