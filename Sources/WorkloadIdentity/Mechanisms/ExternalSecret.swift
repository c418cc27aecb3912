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

    func attempt(_ request: BindingRequest) -> Attempt {
        let settings = request.configuration.externalSecrets
        var missing: [String] = []
        let stored = storedKey(request.inputs, &missing)
        if settings.store == nil { missing.append("externalSecrets.store in the configuration") }
        guard let (path, field) = stored, let store = settings.store else { return .missing(missing) }

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
}
