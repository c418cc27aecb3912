/// What has to be told to Vault (or OpenBao) so that somebody in the cluster reads one secret.
///
/// https://developer.hashicorp.com/vault/docs/auth/kubernetes
struct VaultTrust {
    var variables: [SetUp.Variable]
    var steps: [SetUp.Step]
    var trial: [SetUp.Step]
    var removal: [SetUp.Step]

    /// Who presents a token to Vault.
    enum Reader {
        /// The ServiceAccount itself, or something on its behalf.
        case serviceAccount
        /// The External Secrets Operator.
        case externalSecrets
    }

    init(_ request: SetUpRequest, _ apiKey: APIKey, for reader: Reader, audience: SetUp.Variable) {
        let vault = request.configuration.vault
        let provider = request.provider
        let stored = Provider.all(request.configuration).map(\.name).filter {
            $0 == provider || request.inputs[.vaultPath(of: $0)] != nil
        }.map(\.rawValue).joined(separator: ",")
        let path = request.inputs[.vaultPath(of: provider)]
        let isVersion1 = path?.contains("/data/") == false
        let ownRole = request.inputs[.vaultRole] ?? vault.role
        let role: SetUp.Variable =
            switch reader {
            case .serviceAccount: .init("VAULT_ROLE", ownRole, or: .expression("\"$NAME\""))
            case .externalSecrets: .init("VAULT_ROLE", .known("external-secrets"))
            }
        variables =
            [
                .init("PROVIDER", .known(provider.rawValue)),
                .init("STORED_KEYS", .known(stored), remark: "of this ServiceAccount, all by one role"),
                .init("VAULT", .known(vault.injector == .vault ? "vault" : "bao"), remark: "the command"),
                .init("VAULT_ADDR", vault.address, or: .placeholder("address of Vault, https://...")),
            ]
            + (vault.namespace.map { [.init("VAULT_NAMESPACE", .known($0))] } ?? [])
            + [
                .init("AUTH_MOUNT", .known(vault.authMount), remark: "where Vault trusts this cluster"), role, audience,
                .init(
                    "VAULT_PATH", path, or: .expression(#""secret/data/${NAMESPACE}/${PROVIDER}""#),
                    remark: "the API path: /data/ in it means version 2 of the KV engine"),
                .init("VAULT_FIELD", .known(request.inputs[.vaultKey(of: provider)] ?? apiKey.vaultKey)),
            ]
        steps = [
            .init(
                "Where Vault is. Log in to it before you go on.",
                vault.namespace == nil ? "export VAULT_ADDR" : "export VAULT_ADDR VAULT_NAMESPACE"),
            Self.method, Self.policy, reader == .serviceAccount ? Self.role : Self.operatorRole,
            Self.reading(provider), isVersion1 ? Self.version1 : Self.version2,
        ]
        trial = [reader == .serviceAccount ? Self.login : Self.operatorLogin]
        removal =
            (reader == .serviceAccount ? [Self.roleRemoval] : [])
            + [Self.policyRemoval, isVersion1 ? Self.version1Removal : Self.version2Removal]
    }

    /// What a ServiceAccount says of its secret.
    static let annotations: [ShellText] = [
        "lanyard.dev/vault-path.${PROVIDER}=${VAULT_PATH}", "lanyard.dev/vault-key.${PROVIDER}=${VAULT_FIELD}",
    ]

    private static let method = SetUp.Step(
        """
        Kubernetes authentication, once for this cluster; skip this if it exists. Vault asks the API server about each \
        token, as a ServiceAccount that may do that and nothing else. A Vault that runs in this cluster needs only \
        kubernetes_host=https://kubernetes.default.svc in the last command.
        """,
        #"""
        "$VAULT" auth enable -path="$AUTH_MOUNT" kubernetes
        kubectl create serviceaccount vault-reviewer --namespace kube-system
        kubectl create clusterrolebinding vault-reviewer --clusterrole=system:auth-delegator \
          --serviceaccount=kube-system:vault-reviewer
        kubectl apply --filename - <<'YAML'
        apiVersion: v1
        kind: Secret
        metadata:
          name: vault-reviewer
          namespace: kube-system
          annotations:
            kubernetes.io/service-account.name: vault-reviewer
        type: kubernetes.io/service-account-token
        YAML
        KUBERNETES_HOST=$(kubectl config view --minify --output 'jsonpath={.clusters[0].cluster.server}')
        kubectl get secret vault-reviewer --namespace kube-system --output 'jsonpath={.data.ca\.crt}' |
          base64 --decode > ca.crt
        kubectl get secret vault-reviewer --namespace kube-system --output 'jsonpath={.data.token}' | base64 --decode |
          "$VAULT" write "auth/${AUTH_MOUNT}/config" kubernetes_host="$KUBERNETES_HOST" \
            kubernetes_ca_cert=@ca.crt token_reviewer_jwt=-
        """#)

    private static let policy = SetUp.Step(
        "The policy: read this secret.",
        #"""
        "$VAULT" policy write "${NAME}-${PROVIDER}" - <<HCL
        path "${VAULT_PATH}" {
          capabilities = ["read"]
        }
        HCL
        """#)

    private static let role = SetUp.Step(
        """
        The role: this ServiceAccount, with tokens that are meant for Vault. A role without an audience takes every token of \
        the ServiceAccount, also one that was meant for somebody else. A role that exists is replaced: name all its policies.
        """,
        #"""
        "$VAULT" write "auth/${AUTH_MOUNT}/role/${VAULT_ROLE}" \
          bound_service_account_names="$SERVICE_ACCOUNT" bound_service_account_namespaces="$NAMESPACE" \
          audience="$AUDIENCE" token_policies="${NAME}-${STORED_KEYS//,/,${NAME}-}" token_ttl=1h
        """#)

    private static let operatorRole = SetUp.Step(
        """
        The role: the External Secrets Operator, which reads the secrets of all. A role that exists is replaced: name the \
        policies of the other secrets, too.
        """,
        #"""
        "$VAULT" write "auth/${AUTH_MOUNT}/role/${VAULT_ROLE}" \
          bound_service_account_names=external-secrets bound_service_account_namespaces=external-secrets \
          audience="$AUDIENCE" token_policies="${NAME}-${STORED_KEYS//,/,${NAME}-}" token_ttl=1h
        """#)

    private static func reading(_ provider: ProviderName) -> SetUp.Step {
        .init(
            """
            The API key of \(provider). This line waits for you to paste it, and shows nothing: the key gets into no history and \
            no list of processes.
            """,
            "read -rs API_KEY")
    }

    private static let version2 = SetUp.Step(
        "This replaces the secret, all of its fields.",
        #"""
        printf %s "$API_KEY" |
          "$VAULT" kv put -mount="${VAULT_PATH%%/data/*}" "${VAULT_PATH#*/data/}" "${VAULT_FIELD}=-"
        unset API_KEY
        """#)

    private static let version1 = SetUp.Step(
        version2.purpose,
        #"""
        printf %s "$API_KEY" | "$VAULT" write "$VAULT_PATH" "${VAULT_FIELD}=-"
        unset API_KEY
        """#)

    private static let login = SetUp.Step(
        "Try the trust: this logs in as the ServiceAccount, and prints the fields of the secret without their values.",
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
          "$VAULT" write -field=token "auth/${AUTH_MOUNT}/login" role="$VAULT_ROLE" jwt=- |
          (VAULT_TOKEN=$(cat) "$VAULT" read -format=json "$VAULT_PATH") |
          jq '.data.data // .data | keys'
        """#)

    private static let operatorLogin = SetUp.Step(
        """
        Try the trust: this logs in as the External Secrets Operator, and prints the fields of the secret without their values.
        """,
        #"""
        kubectl create token external-secrets --namespace external-secrets --audience "$AUDIENCE" | tr -d '\n' |
          "$VAULT" write -field=token "auth/${AUTH_MOUNT}/login" role="$VAULT_ROLE" jwt=- |
          (VAULT_TOKEN=$(cat) "$VAULT" read -format=json "$VAULT_PATH") |
          jq '.data.data // .data | keys'
        """#)

    private static let roleRemoval = SetUp.Step(
        "The role, unless it reads other secrets too.",
        #""$VAULT" delete "auth/${AUTH_MOUNT}/role/${VAULT_ROLE}""#)

    private static let policyRemoval = SetUp.Step(
        "The policy. What Vault has for the whole cluster stays: its authentication method, the reviewer, the chart.",
        #""$VAULT" policy delete "${NAME}-${PROVIDER}""#)

    private static let version2Removal = SetUp.Step(
        "The secret, with all its versions. Revoke the key at the provider as well.",
        #""$VAULT" kv metadata delete -mount="${VAULT_PATH%%/data/*}" "${VAULT_PATH#*/data/}""#)

    private static let version1Removal = SetUp.Step(
        "The secret. Revoke the key at the provider as well.", #""$VAULT" delete "$VAULT_PATH""#)
}

extension Configuration.VaultSettings {
    /// The path of the authentication method, as Vault's command names it.
    var authMount: String {
        let login = "auth/"
        return authPath.hasPrefix(login) ? String(authPath.dropFirst(login.count)) : authPath
    }
}

extension APIKey {
    /// Who makes use of the variable, as part of a sentence.
    var isRead: String {
        isReadBySDK
            ? "SDKs read \(variable)" : "the application passes \(variable) to its SDK, which does not read it"
    }
}
