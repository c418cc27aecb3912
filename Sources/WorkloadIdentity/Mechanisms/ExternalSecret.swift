internal import JSON

/// A stored key that the External Secrets Operator copies into a Secret, which a variable is taken from.
///
/// The only delivery that gives applications that cannot be changed the variable which their SDK reads.
/// https://external-secrets.io/latest/api/externalsecret/
struct ExternalSecret: SecretDelivery {
    let mechanism = Mechanism.externalSecret
    var reach: Reach { apiKey.isReadBySDK ? .sdkDefault : .needsCode }

    var provider: ProviderName
    var apiKey: APIKey

    func unmetNeeds(_ facts: PlatformFacts) -> [String] {
        facts.components.hasExternalSecrets
            ? [] : ["the External Secrets Operator (\(facts.components.absence(of: .externalSecret)))"]
    }

    func attempt(_ request: BindingRequest) -> Attempt {
        let settings = request.configuration.externalSecrets
        var missing: [String] = []
        let stored = storedKey(request.inputs, &missing)
        if settings.store == nil { missing.append("the setting externalSecrets.store") }
        guard let (path, field) = stored, let store = settings.store else { return .missing(missing) }
        if let unbounded = storeIsUnbounded(request, store) { return .denied(unbounded) }
        if let denial = denial(of: path, request) { return .denied(denial) }

        let identity = [
            ("path", path), ("key", field), ("store", "\(settings.storeKind.rawValue)/\(store)"),
            ("refresh", settings.refreshInterval), ("variable", apiKey.variable),
        ]
        let name = SecretObject.name(for: request, identity)
        let object = SecretObject(
            kind: .externalSecret, name: name,
            spec: [
                "refreshInterval": .string(settings.refreshInterval),
                "secretStoreRef": ["kind": .string(settings.storeKind.rawValue), "name": .string(store)],
                "target": ["name": .string(name), "creationPolicy": "Owner"],
                "data": [
                    [
                        "secretKey": .string(apiKey.variable),
                        "remoteRef": ["key": .string(path), "property": .string(field)],
                    ]
                ],
            ])
        return .fits(
            Grant(
                addition: PodAddition(groups: [
                    .init(
                        .allOrNone,
                        [.init(apiKey.variable, .secretKey(secret: name, key: apiKey.variable))])
                ]),
                object: object,
                identity: identity,
                problems: apiKey.isReadBySDK
                    ? [] : [request.applicationMustPass("\(apiKey.variable) to its SDK, which does not read it")]))
    }

    /// A store of the whole cluster reads with rights of its own, whoever asks. Something has to say which keys are whose.
    private func storeIsUnbounded(_ request: BindingRequest, _ store: String) -> Problem? {
        let kind = request.configuration.externalSecrets.storeKind
        guard kind == .clusterSecretStore, request.configuration.vault.allowedPaths.isEmpty else { return nil }
        return request.problem(
            .error, .allowedPathsNotSet,
            """
            \(kind.rawValue) \(store) serves every namespace, and nothing says which keys \
            are whose; have vault.allowedPaths set in Lanyard's configuration, such as [secret/data/{namespace}/**]
            """,
            field: AnnotationKey.vaultPath(of: provider).name)
    }
}
