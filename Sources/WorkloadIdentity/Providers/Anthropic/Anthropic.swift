// Anthropic. Variables, ids and limits: https://platform.claude.com/docs/en/manage-claude/wif-reference

extension Provider {
    static let anthropic = Provider(
        "anthropic", title: "Anthropic",
        keys: AnnotationKey.anthropic,
        mechanisms: [AnthropicFederation()],
        apiKey: APIKey(variable: "ANTHROPIC_API_KEY"),
        hazards: [
            .stored("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
            .storedInSome("ANTHROPIC_PROFILE", "ANTHROPIC_CONFIG_DIR"),
        ],
        nicknames: ["claude"])
}

extension AnnotationKey {
    static let anthropicRule = lanyard("anthropic-federation-rule-id", .prefixed("fdrl_"), asksFor: "anthropic")
    static let anthropicOrganization = lanyard("anthropic-organization-id", .uuid, asksFor: "anthropic")
    static let anthropicServiceAccount = lanyard(
        "anthropic-service-account-id", .prefixed("svac_"), asksFor: "anthropic")
    static let anthropicWorkspace = lanyard(
        "anthropic-workspace-id", .prefixed("wrkspc_", orLiteral: "default"), asksFor: "anthropic")

    fileprivate static let anthropic: [AnnotationKey] = [
        .anthropicRule, .anthropicOrganization, .anthropicServiceAccount, .anthropicWorkspace,
    ]
}

/// A federation rule trusts the cluster's issuer, whose keys may be written into it.
struct AnthropicFederation: CredentialMechanism {
    let mechanism = Mechanism.anthropicFederation
    let decisiveKeys = AnnotationKey.anthropic

    func tier(on platform: Platform) -> Tier { .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.anthropic
        guard let rule = inputs[.anthropicRule], let organization = inputs[.anthropicOrganization] else {
            return .missing(inputs.lacking(.anthropicRule, .anthropicOrganization))
        }
        var problems: [Problem] = []
        // An issuer's tokens may live an hour at most, unless it is changed at Anthropic.
        let expiration = request.tokenExpiration(
            nil, default: settings.tokenExpirationSeconds, bounds: 600...3600, problems: &problems)
        problems.append(
            request.problem(
                .note, .singleUseToken,
                """
                Anthropic takes each token once, and a container that restarts presents the same one again; set check_jti: \
                false on the issuer at Anthropic
                """))
        let optional: [(name: String, key: AnnotationKey)] = [
            ("ANTHROPIC_SERVICE_ACCOUNT_ID", .anthropicServiceAccount),
            ("ANTHROPIC_WORKSPACE_ID", .anthropicWorkspace),
        ]
        let variables: [PodAddition.Variable] =
            [.init("ANTHROPIC_FEDERATION_RULE_ID", rule), .init("ANTHROPIC_ORGANIZATION_ID", organization)]
            + optional.compactMap { name, key in inputs[key].map { .init(name, $0) } }
            + [request.pathVariable("ANTHROPIC_IDENTITY_TOKEN_FILE")]
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(for: settings.audience, expirationSeconds: expiration),
                    groups: [.init(.allOrNone, variables)]),
                identity: [
                    ("rule", rule), ("organization", organization),
                    ("account", inputs[.anthropicServiceAccount] ?? ""),
                    ("workspace", inputs[.anthropicWorkspace] ?? ""), ("audience", settings.audience),
                    ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}
