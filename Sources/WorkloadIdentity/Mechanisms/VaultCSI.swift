internal import JSON

/// A stored key that Vault's (or OpenBao's) provider for the Secrets Store CSI driver mounts as a file.
/// https://developer.hashicorp.com/vault/docs/deploy/kubernetes/csi/configurations
/// https://openbao.org/docs/platform/k8s/csi/configurations
struct VaultCSI: SecretDelivery {
    let mechanism = Mechanism.vaultCSI
    /// The driver writes files and SDKs read variables: the application reads the file.
    let reach = Reach.needsCode

    var provider: ProviderName
    var apiKey: APIKey

    func unmetNeeds(_ facts: PlatformFacts) -> [String] {
        facts.components.hasSecretProviderClasses
            ? [] : ["the Secrets Store CSI driver (\(facts.components.absence(of: .secretProviderClass)))"]
    }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let vault = request.configuration.vault
        var missing: [String] = []
        let stored = storedKey(inputs, &missing)
        let role = inputs[.vaultRole] ?? vault.role
        if role == nil { missing += inputs.lacking(.vaultRole, or: "vault.role") }
        guard missing.isEmpty, let (path, field) = stored, let role else { return .missing(missing) }
        if let denial = denial(of: path, request) { return .denied(denial) }

        let identity = [
            ("path", path), ("key", field), ("role", role), ("injector", vault.injector.rawValue),
            ("address", vault.address ?? ""), ("authPath", vault.authPath), ("namespace", vault.namespace ?? ""),
            ("audience", vault.audience ?? ""), ("variable", apiKey.variable),
        ]
        let object = SecretObject(
            kind: .secretProviderClass, name: SecretObject.name(for: request, identity),
            spec: [
                "provider": .string(vault.injector.rawValue),
                "parameters": parameters(role: role, path: path, field: field, vault),
            ])
        let file = request.pod.path("\(request.mountPath)/\(apiKey.variable)")
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(
                        name: request.volumeName, mountPath: request.mountPath,
                        source: .secretsStore(providerClass: object.name))),
                object: object,
                identity: identity,
                problems: [
                    .note(
                        .applicationMustSource,
                        """
                        \(provider): Vault's CSI provider writes the key to \(file); start the application with \
                        `export \(apiKey.variable)="$(cat \(file))" && exec …`
                        """,
                        provider: provider)
                ] + reservations(on: vault.audience, request)))
    }

    /// What has a default with the provider is left to it.
    private func parameters(
        role: String, path: String, field: String, _ vault: Configuration.VaultSettings
    ) -> JSONValue {
        let prefix = vault.injector.rawValue
        // JSON is YAML, and quotes everything.
        let objects: JSONValue = [
            [
                "objectName": .string(apiKey.variable), "secretPath": .string(path), "secretKey": .string(field),
            ]
        ]
        var parameters: JSONValue = ["roleName": .string(role), "objects": .string(objects.serializedString())]
        parameters["\(prefix)AuthMountPath"] = .string(vault.authMount)
        parameters["\(prefix)Address"] = vault.address.map { .string($0) }
        parameters["\(prefix)Namespace"] = vault.namespace.map { .string($0) }
        parameters["audience"] = vault.audience.map { .string($0) }
        return parameters
    }
}

// https://secrets-store-csi-driver.sigs.k8s.io/getting-started/installation
extension VaultCSI {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let vault = request.configuration.vault
        // The CSI provider asks for tokens of this audience unless it is told otherwise.
        let audience = vault.audience ?? "vault"
        let file = "\(request.mountPath)/\(apiKey.variable)"
        let trust = VaultTrust(
            request, apiKey, for: .serviceAccount, audience: .init("AUDIENCE", .known(audience)))
        return SetUp(
            variables: trust.variables,
            steps: [
                .init(
                    "The Secrets Store CSI driver, once in a cluster.",
                    #"""
                    helm repo add secrets-store-csi-driver https://kubernetes-sigs.github.io/secrets-store-csi-driver/charts
                    helm upgrade --install csi-secrets-store secrets-store-csi-driver/secrets-store-csi-driver \
                      --namespace kube-system --set enableSecretRotation=true
                    """#),
                vault.injector == .vault ? Self.vaultChart : Self.openBaoChart,
            ] + trust.steps + [
                .init(
                    """
                    The driver mounts a file, and \(apiKey.isRead): the command of the container sets it from the \
                    file. Where the command cannot be changed, use external-secret. Lanyard keeps the SecretProviderClass.
                    """,
                    code: """
                        command: [sh, -c, 'export \(apiKey.variable)="$(cat \(file))" && exec APPLICATION']
                        """)
            ],
            annotations: VaultTrust.annotations,
            sharedAnnotations: ["lanyard.dev/vault-role=${VAULT_ROLE}", "lanyard.dev/secret-delivery=vault-csi"],
            trial: trust.trial, removal: trust.removal,
            use: "the command of the container sets \(apiKey.variable) from a file, and \(apiKey.isRead)")
    }

    private static let vaultChart = SetUp.Step(
        "Vault's provider for it, once in a cluster.",
        #"""
        helm repo add hashicorp https://helm.releases.hashicorp.com
        helm upgrade --install vault hashicorp/vault --namespace vault --create-namespace --reuse-values \
          --set server.enabled=false --set csi.enabled=true --set "global.externalVaultAddr=${VAULT_ADDR}"
        """#)

    private static let openBaoChart = SetUp.Step(
        "OpenBao's provider for it, once in a cluster.",
        #"""
        helm repo add openbao https://openbao.github.io/openbao-helm
        helm upgrade --install secrets-openbao openbao/openbao --namespace openbao --create-namespace --reuse-values \
          --set server.enabled=false --set csi.enabled=true --set "global.externalBaoAddr=${VAULT_ADDR}"
        """#)
}
