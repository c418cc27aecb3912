/// A way in which a stored key gets to a pod.
protocol SecretDelivery: CredentialMechanism {
    var provider: ProviderName { get }
    var apiKey: APIKey { get }
}

extension SecretDelivery {
    func tier(on platform: Platform) -> Tier { .vault }

    var decisiveKeys: [AnnotationKey] {
        [.vaultPath(of: provider), .secretDelivery, .vaultRole, .vaultKey(of: provider)]
    }

    /// Where the key is stored: the secret's path, and the field in it.
    func storedKey(_ inputs: Inputs, _ missing: inout [String]) -> (path: String, field: String)? {
        guard let path = inputs[.vaultPath(of: provider)] else {
            missing += inputs.lacking(.vaultPath(of: provider))
            return nil
        }
        return (path, inputs[.vaultKey(of: provider)] ?? apiKey.vaultKey)
    }

    /// Why the configuration does not let a path be used; `nil` if it does.
    func denial(of path: String, _ request: BindingRequest) -> Problem? {
        let patterns = request.configuration.vault.allowedPaths.map(PathPattern.init)
        guard !patterns.isEmpty, !patterns.contains(where: { $0.allows(path, for: request.subject) }) else {
            return nil
        }
        let key = AnnotationKey.vaultPath(of: provider)
        let allowed = patterns.prefix(5).map { $0.written(for: request.subject) } + (patterns.count > 5 ? ["…"] : [])
        return request.problem(
            .error, .pathNotAllowed, with: key,
            """
            is "\(path.shortened)", which \(request.subject) may not have: write a path of \
            \(allowed.joined(separator: ", ")) (vault.allowedPaths in the configuration)
            """)
    }

    /// A token for Vault with which Vault could act on the API server. It may be wanted: Vault reviews it there.
    func reservations(on audience: String?, _ request: BindingRequest) -> [Problem] {
        guard let audience, request.facts.isAudienceOfAPIServer(audience) else { return [] }
        return [
            .warning(
                .audienceOfAPIServer,
                """
                \(provider): vault.audience in the configuration is "\(audience)", an audience of the API server itself, so \
                Vault can act there as \(request.subject); give Vault one of its own, such as "vault"
                """,
                provider: provider)
        ]
    }
}
