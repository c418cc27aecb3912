// https://platform.claude.com/docs/en/manage-claude/wif-admin-api
// https://platform.claude.com/docs/en/manage-claude/wif-providers/kubernetes

extension AnthropicFederation {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let inputs = request.inputs
        let issuer = request.issuerUse(of: .anthropicFederation, by: "Anthropic")
        let organization = inputs[.anthropicOrganization]
        let rule = inputs[.anthropicRule]
        let account = inputs[.anthropicServiceAccount]
        let workspace = inputs[.anthropicWorkspace].flatMap { $0 == "default" ? nil : $0 }
        let known: [(name: ShellText, value: String?)] = [
            ("ORGANIZATION_ID", organization), ("RULE_ID", rule), ("ACCOUNT_ID", account),
        ]

        let cluster: [SetUp.Variable] =
            rule == nil
            ? [.init("ISSUER_NAME", .placeholder("name for this cluster in lower-case letters, digits and -"))] : []

        var steps = [organization == nil ? Self.logInAndAsk : Self.logIn]
        if rule == nil {
            steps.append(issuer == .named ? Self.uploadedKeys : Self.fetchedKeys)
            if account == nil { steps.append(Self.serviceAccount) }
            steps.append(Self.rule)
        } else {
            steps.append(Self.comparison)
        }
        return SetUp(
            issuer: issuer,
            variables: [.init("AUDIENCE", .known(request.configuration.anthropic.audience))]
                + known.compactMap { name, value in value.map { .init(name, .known($0)) } }
                + [.init("WORKSPACE_ID", workspace, or: .placeholder("id of the workspace, wrkspc_..."))] + cluster,
            steps: steps,
            annotations: [
                "lanyard.dev/anthropic-organization-id=${ORGANIZATION_ID}",
                "lanyard.dev/anthropic-federation-rule-id=${RULE_ID}",
            ]
                // A rule may know its service account by itself.
                + (account == nil && rule != nil ? [] : ["lanyard.dev/anthropic-service-account-id=${ACCOUNT_ID}"])
                + ["lanyard.dev/anthropic-workspace-id=${WORKSPACE_ID}"],
            trial: [account == nil && rule != nil ? Self.exchange : Self.exchangeForAccount],
            removal: Self.removal(isRuleNamed: rule != nil, isAccountNamed: account != nil))
    }

    private static let exchange = SetUp.Step(
        """
        Try the trust: this prints how long a token of Anthropic's would live, or an error. Why a token is refused stands in \
        the console alone, under Settings > Workload identity, in the authentication history.
        """,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" --duration 1h |
          jq --raw-input --arg organization "$ORGANIZATION_ID" --arg rule "$RULE_ID" --arg workspace "$WORKSPACE_ID" \
            '{grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: ., organization_id: $organization,
              federation_rule_id: $rule, workspace_id: $workspace}' |
          curl --silent --show-error --header 'Content-Type: application/json' --data @- \
            https://api.anthropic.com/v1/oauth/token |
          jq '{token_type, expires_in, scope, error}'
        """#)

    private static let exchangeForAccount = SetUp.Step(
        exchange.purpose,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" --duration 1h |
          jq --raw-input --arg organization "$ORGANIZATION_ID" --arg rule "$RULE_ID" --arg workspace "$WORKSPACE_ID" \
            --arg account "$ACCOUNT_ID" \
            '{grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion: ., organization_id: $organization,
              federation_rule_id: $rule, workspace_id: $workspace, service_account_id: $account}' |
          curl --silent --show-error --header 'Content-Type: application/json' --data @- \
            https://api.anthropic.com/v1/oauth/token |
          jq '{token_type, expires_in, scope, error}'
        """#)

    private static func removal(isRuleNamed: Bool, isAccountNamed: Bool) -> [SetUp.Step] {
        let rule: ShellText =
            isRuleNamed
            ? #"ant beta:organization:federation:rules archive --federation-rule-id "$RULE_ID""#
            : #"ant beta:organization:federation:rules archive --federation-rule-id "${RULE_ID:?its id, fdrl_...}""#
        let account: ShellText =
            #"ant beta:organization:service-accounts archive "${ACCOUNT_ID:?its id, svac_...}""#
        return [.init("The rule.", rule)]
            + (isAccountNamed || isRuleNamed ? [] : [.init("The service account.", account)])
            + [.init("The issuer serves every rule of this cluster: archive it in the console with the last of them.")]
    }

    private static let logIn = SetUp.Step(
        """
        Log in as an administrator of the organization, in a shell of its own: ANTHROPIC_API_KEY must not be set there. \
        Without the ant command, the console has all of this under Settings > Workload identity.
        """,
        """
        ant auth login --profile admin --scope org:admin
        ANTHROPIC_AUTH_TOKEN=$(ant auth print-credentials --profile admin --access-token)
        export ANTHROPIC_AUTH_TOKEN
        """)

    private static let logInAndAsk = SetUp.Step(
        logIn.purpose,
        """
        ant auth login --profile admin --scope org:admin
        ANTHROPIC_AUTH_TOKEN=$(ant auth print-credentials --profile admin --access-token)
        export ANTHROPIC_AUTH_TOKEN
        ORGANIZATION_ID=$(ant beta:organization retrieve --format json | jq -r .id)
        """)

    private static let singleUse =
        """
        check_jti is off: tokens of Kubernetes 1.30 and later carry an id, Anthropic would take each of them once, and a \
        container that restarts, or a second process, presents the same one again. Tokens may live for an hour; Lanyard asks \
        for no longer ones.
        """

    private static let fetchedKeys = SetUp.Step(
        "The issuer, once for this cluster: Anthropic fetches its keys. \(singleUse)",
        #"""
        ISSUER_ID=$(ant beta:organization:federation:issuers create --name "$ISSUER_NAME" --issuer-url "$ISSUER" \
          --jwks '{"type": "discovery"}' --check-jti=false --max-jwt-lifetime-seconds 3600 --format json | jq -r .id)
        """#)

    private static let uploadedKeys = SetUp.Step(
        """
        The issuer, once for this cluster, with its keys: Anthropic need not reach it. When the cluster's signing keys change, \
        give it the new ones with `ant beta:organization:federation:issuers update` and --jwks. \(singleUse)
        """,
        #"""
        JWKS=$(kubectl get --raw /openid/v1/jwks | jq -c '{type: "inline", keys: .keys}')
        ISSUER_ID=$(ant beta:organization:federation:issuers create --name "$ISSUER_NAME" --issuer-url "$ISSUER" \
          --jwks "$JWKS" --check-jti=false --max-jwt-lifetime-seconds 3600 --format json | jq -r .id)
        """#)

    private static let serviceAccount = SetUp.Step(
        """
        The service account that the pods act as. It is a member of the default workspace; add it to another one in the console.
        """,
        #"""
        ACCOUNT_ID=$(ant beta:organization:service-accounts create --name "$NAME" --organization-role developer \
          --format json | jq -r .id)
        """#)

    private static let rule = SetUp.Step(
        """
        The rule: this ServiceAccount alone, since a subject without a star at its end must be equal, and the scope that calls \
        models and nothing else.
        """,
        #"""
        MATCH=$(cat <<JSON
        {"subject_prefix": "${SUBJECT}", "audience": "${AUDIENCE}"}
        JSON
        )
        TARGET=$(cat <<JSON
        {"type": "service_account", "service_account_id": "${ACCOUNT_ID}"}
        JSON
        )
        RULE_ID=$(ant beta:organization:federation:rules create --name "$NAME" --issuer-id "$ISSUER_ID" \
          --match "$MATCH" --target "$TARGET" --workspace-id "$WORKSPACE_ID" \
          --oauth-scope workspace:inference --token-lifetime-seconds 3600 --format json | jq -r .id)
        """#)

    private static let comparison = SetUp.Step(
        """
        The rule exists. Compare: its match must have this subject and this audience, its issuer this URL and check_jti \
        false. With check_jti on, Anthropic takes each token once, and a container that restarts, or a second process, \
        presents the same one again. Keys that were uploaded must be those that the cluster signs with now.
        """,
        #"""
        printf 'subject: %s\naudience: %s\nissuer: %s\n' "$SUBJECT" "$AUDIENCE" "$ISSUER"
        ant beta:organization:federation:rules retrieve --federation-rule-id "$RULE_ID" --format json
        ISSUER_ID=$(ant beta:organization:federation:rules retrieve --federation-rule-id "$RULE_ID" --format json | jq -r .issuer_id)
        ant beta:organization:federation:issuers retrieve --federation-issuer-id "$ISSUER_ID" --format json
        """#)
}
