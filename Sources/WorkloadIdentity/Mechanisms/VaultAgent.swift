/// A stored key that Vault's (or OpenBao's) agent writes into a file of the pod.
///
/// The agent is another webhook's: Lanyard writes the annotations that it reads.
/// https://developer.hashicorp.com/vault/docs/deploy/kubernetes/injector/annotations
struct VaultAgent: SecretDelivery {
    /// The volume of the token that the agent presents, where the pod's own will not do.
    static let tokenVolume = "lanyard-vault-token"

    let mechanism = Mechanism.vaultAgent
    /// The agent writes files and SDKs read variables: the application sources the file.
    let reach = Reach.needsCode

    var provider: ProviderName
    var apiKey: APIKey

    func unmetNeeds(_ facts: PlatformFacts) -> [String] {
        guard case .runsFirst(let configuration) = facts.components.vaultInjector else { return [] }
        return [
            """
            an injector that runs after Lanyard: rename its MutatingWebhookConfiguration \(configuration), to sort after \
            pod-injector.lanyard.dev
            """
        ]
    }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let vault = request.configuration.vault
        let prefix = vault.injector.annotationPrefix

        var missing: [String] = []
        let stored = storedKey(inputs, &missing)
        // A pod that already names a role for the injector has chosen it for all its secrets.
        let podRole = request.pod.annotations[prefix + "role"].flatMap { $0.isEmpty ? nil : $0 }
        let configuredRole = inputs[.vaultRole] ?? vault.role
        let role = podRole ?? configuredRole
        if role == nil { missing += inputs.lacking(.vaultRole, or: "vault.role") }
        if vault.audience == nil, !request.pod.mountsServiceAccountToken {
            missing.append("a token for the agent (automountServiceAccountToken is false; set vault.audience)")
        }
        guard missing.isEmpty, let (path, key) = stored, let role else { return .missing(missing) }
        if let denial = denial(of: path, request) { return .denied(denial) }

        let file = "\(provider).env"
        var annotations: [PodAddition.Annotation] = [
            .init(prefix + "agent-inject", "true", owner: .userForBinding),
            .init(prefix + "role", role, owner: .user),
            .init(prefix + "agent-inject-secret-\(provider)", path, owner: .userForBinding),
            .init(prefix + "agent-inject-file-\(provider)", file, owner: .userForBinding),
            .init(prefix + "agent-inject-template-\(provider)", template(path: path, key: key), owner: .userForBinding),
        ]
        // The injector's own default needs no annotation.
        if let address = vault.address { annotations.append(.init(prefix + "service", address, owner: .user)) }
        if vault.authPath != "auth/kubernetes" {
            annotations.append(.init(prefix + "auth-path", vault.authPath, owner: .user))
        }
        if let namespace = vault.namespace { annotations.append(.init(prefix + "namespace", namespace, owner: .user)) }
        if let secret = vault.caSecret {
            annotations.append(.init(prefix + "tls-secret", secret, owner: .user))
            annotations.append(.init(prefix + "ca-cert", "/vault/tls/ca.crt", owner: .user))
        }
        let volume = vault.audience.map { audience in
            PodAddition.Volume(
                name: Self.tokenVolume, mountPath: nil, token: .init(audience: audience, expirationSeconds: 3600))
        }
        if volume != nil {
            annotations.append(
                .init(prefix + "agent-service-account-token-volume-name", Self.tokenVolume, owner: .userForBinding))
        }

        let source: Problem = .note(
            .applicationMustSource,
            """
            \(provider): Vault's agent writes \(apiKey.variable) to /vault/secrets/\(file); start the application \
            with `. /vault/secrets/\(file) && exec …`
            """,
            provider: provider)
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: volume, annotations: annotations, containerList: prefix + "agent-inject-containers",
                    readBy: .init(
                        annotation: prefix + "agent-inject-status", value: "injected", reader: "the Vault injector")),
                identity: [
                    // On a pod that runs, the role that it names may be the one that was written there as it was made.
                    ("path", path), ("key", key), ("role", configuredRole ?? role),
                    ("injector", vault.injector.rawValue),
                    ("address", vault.address ?? ""), ("authPath", vault.authPath),
                    ("namespace", vault.namespace ?? ""), ("audience", vault.audience ?? ""),
                    ("caSecret", vault.caSecret ?? ""), ("variable", apiKey.variable),
                ],
                problems: [source] + reservations(on: vault.audience, request)
                    + rivalRole(podRole, prefix, request) + absence(request)))
    }

    /// The pod's own role wins. Who wrote the other one should know.
    private func rivalRole(_ podRole: String?, _ prefix: String, _ request: BindingRequest) -> [Problem] {
        let inputs = request.inputs
        // On a pod that has been injected the role may be the one that was asked for then.
        guard let podRole, let role = inputs[.vaultRole], role != podRole,
            request.pod.annotations[AnnotationKey.plan.name] == nil
        else { return [] }
        return [
            request.problem(
                .warning, .noEffect, with: .vaultRole,
                """
                is "\(role)" and is not used: the pod's own \(prefix)role is "\(podRole.shortened)"; remove one of the two
                """)
        ]
    }

    /// The annotations are injected all the same, since the injector may come.
    private func absence(_ request: BindingRequest) -> [Problem] {
        guard request.facts.components.vaultInjector == .absent else { return [] }
        return [
            request.problem(
                .error, .vaultInjectorNotFound,
                """
                no Vault injector is installed in this cluster, so nothing reads the annotations that pods get; install it, \
                or set lanyard.dev/secret-delivery to another delivery
                """,
                field: AnnotationKey.vaultPath(of: provider).name)
        ]
    }

    /// One line, `export NAME='…'`, with the quotes of the value escaped for a shell: exact for every value.
    ///
    /// Path and key have been checked to hold nothing that could end a string of the template.
    private func template(path: String, key: String) -> String {
        // The secret of KV version 2 is one level deeper; its API path has /data/ in it.
        let data = path.contains("/data/") ? ".Data.data" : ".Data"
        return """
            {{- with secret "\(path)" -}}
            export \(apiKey.variable)='{{ index \(data) "\(key)" | replaceAll "'" "'\\\\''" }}'
            {{ end -}}
            """
    }
}

extension VaultAgent {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let vault = request.configuration.vault
        // The pod's own token has the API server's audience.
        let own: ShellText =
            """
            $(kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" |
              jq -rR 'split(".")[1] | gsub("-"; "+") | gsub("_"; "/") | @base64d | fromjson | .aud[0]')
            """
        let trust = VaultTrust(
            request, apiKey, for: .serviceAccount,
            audience: .init(
                "AUDIENCE", vault.audience, or: .expression(own), remark: "of the token that the agent presents"))
        let other = request.inputs[.secretDelivery].map { $0 != mechanism.rawValue } ?? false
        return SetUp(
            variables: trust.variables,
            steps: [vault.injector == .vault ? Self.vaultChart : Self.openBaoChart] + trust.steps + [
                .init(
                    """
                    \(vault.audience == nil ? Self.ownToken : Self.tokenForVault) It writes a file, and \(apiKey.isRead): \
                    the command of the container sources the file. Where the command cannot be changed, use external-secret.
                    """,
                    code: "command: [sh, -c, '. /vault/secrets/\(provider).env && exec APPLICATION']")
            ],
            annotations: VaultTrust.annotations,
            sharedAnnotations: ["lanyard.dev/vault-role=${VAULT_ROLE}"]
                + (other ? ["lanyard.dev/secret-delivery=vault-agent"] : []),
            trial: trust.trial, removal: trust.removal,
            use: "the command of the container sets \(apiKey.variable) from a file, and \(apiKey.isRead)")
    }

    private static let ownToken =
        """
        The agent presents the pod's own token, so automountServiceAccountToken must not be false. A token for Vault alone is \
        safer: set vault.audience in Lanyard's configuration, and AUDIENCE to the same.
        """

    private static let tokenForVault =
        "The agent presents a token for Vault alone, as vault.audience in Lanyard's configuration has it."

    private static let vaultChart = SetUp.Step(
        "Vault's injector, once in a cluster.",
        #"""
        helm repo add hashicorp https://helm.releases.hashicorp.com
        helm upgrade --install vault hashicorp/vault --namespace vault --create-namespace --reuse-values \
          --set server.enabled=false --set injector.enabled=true --set "global.externalVaultAddr=${VAULT_ADDR}"
        """#)

    private static let openBaoChart = SetUp.Step(
        """
        OpenBao's injector, once in a cluster. Webhooks run in the order of their names, and Lanyard's must run first: \
        therefore the name of this release sorts after pod-injector.
        """,
        #"""
        helm repo add openbao https://openbao.github.io/openbao-helm
        helm upgrade --install secrets-openbao openbao/openbao --namespace openbao --create-namespace --reuse-values \
          --set server.enabled=false --set injector.enabled=true --set "global.externalBaoAddr=${VAULT_ADDR}"
        """#)
}
