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

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let vault = request.configuration.vault
        var missing: [String] = []
        let stored = storedKey(inputs, &missing)
        let role = inputs[.vaultRole] ?? vault.role
        if role == nil { missing.append(inputs.missing(.vaultRole, or: "vault.role")) }
        guard missing.isEmpty, let (path, field) = stored, let role else { return .missing(missing) }

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
                    .warning(
                        .applicationMustSource,
                        """
                        \(provider): Vault's CSI provider writes the key to \(file); start the application with \
                        `export \(apiKey.variable)="$(cat \(file))" && exec …`
                        """,
                        provider: provider)
                ]))
    }

    /// What has a default with the provider is left to it.
    private func parameters(
        role: String, path: String, field: String, _ vault: Configuration.VaultSettings
    ) -> JSONValue {
        let prefix = vault.injector.rawValue
        let login = "auth/"
        let mount = vault.authPath.hasPrefix(login) ? String(vault.authPath.dropFirst(login.count)) : vault.authPath
        // JSON is YAML, and quotes everything.
        let objects: JSONValue = [
            [
                "objectName": .string(apiKey.variable), "secretPath": .string(path), "secretKey": .string(field),
            ]
        ]
        var parameters: JSONValue = ["roleName": .string(role), "objects": .string(objects.serializedString())]
        parameters["\(prefix)AuthMountPath"] = .string(mount)
        parameters["\(prefix)Address"] = vault.address.map { .string($0) }
        parameters["\(prefix)Namespace"] = vault.namespace.map { .string($0) }
        parameters["audience"] = vault.audience.map { .string($0) }
        return parameters
    }
}
