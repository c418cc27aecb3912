internal import JSON

/// As an init container gets it, in a variable. It holds no secret.
extension Exchange {
    var json: JSONValue {
        var json: JSONValue = [
            "service": .string(serviceName), "url": .string(url), "identity": .string(identity),
        ]
        if region != AWSPartition.globalRegion { json["region"] = .string(region) }
        json["audience"] = audience.map { .string($0) }
        json["caSecret"] = caSecret.map { .string($0) }
        for (name, value) in parameters { json[name] = value.map { .string($0) } }
        return json
    }

    private var serviceName: String {
        switch service {
        case .awsSTS: "aws-sts"
        case .awsSecondRole: "aws-second-role"
        case .entra: "entra"
        case .googleSTS: "google-sts"
        case .googleImpersonation: "google-impersonation"
        case .ibm: "ibm"
        case .alibaba: "alibaba"
        case .vault: "vault"
        case .openAI: "openai"
        case .anthropic: "anthropic"
        case .eksPodIdentityAgent: "eks-pod-identity-agent"
        case .gkeMetadataServer: "gke-metadata-server"
        case .gkeMetadataEmail: "gke-metadata-email"
        }
    }

    private var parameters: [(name: String, value: String?)] {
        switch service {
        case .awsSTS(let role, let second):
            [
                ("role", role), ("secondRole", second?.role), ("externalID", second?.externalID),
                ("sessionName", second?.sessionName), ("durationSeconds", second?.durationSeconds),
            ]
        case .entra(let client, let tenant): [("client", client), ("tenant", tenant)]
        case .googleSTS(let audience, let url): [("provider", audience), ("impersonationURL", url)]
        case .ibm(let parameter, let profile): [("parameter", parameter), ("profile", profile)]
        case .alibaba(let role, let provider): [("role", role), ("provider", provider)]
        case .vault(let role, let namespace): [("role", role), ("namespace", namespace)]
        case .openAI(let provider, let account): [("provider", provider), ("account", account)]
        case .anthropic(let rule, let organization, let account, let workspace):
            [("rule", rule), ("organization", organization), ("account", account), ("workspace", workspace)]
        // Second steps follow from the first.
        case .awsSecondRole, .googleImpersonation, .eksPodIdentityAgent, .gkeMetadataServer, .gkeMetadataEmail: []
        }
    }

    /// - Returns: `nil` if it is not what ``json`` makes of a first step.
    init?(_ json: JSONValue) {
        func text(_ name: String) -> String? { json[name]?.string }
        guard let name = text("service"), let url = text("url"), let identity = text("identity"),
            let service = Service(name, text)
        else { return nil }
        self.init(
            service: service, url: url, region: text("region") ?? AWSPartition.globalRegion,
            audience: text("audience"), identity: identity, caSecret: text("caSecret"))
    }
}

extension Exchange.Service {
    fileprivate init?(_ name: String, _ text: (String) -> String?) {
        switch name {
        case "aws-sts":
            guard let role = text("role") else { return nil }
            let second = text("secondRole").map {
                AWSSecondRole(
                    role: $0, externalID: text("externalID"), sessionName: text("sessionName"),
                    durationSeconds: text("durationSeconds"))
            }
            self = .awsSTS(role: role, second: second)
        case "entra":
            guard let client = text("client"), let tenant = text("tenant") else { return nil }
            self = .entra(client: client, tenant: tenant)
        case "google-sts":
            guard let audience = text("provider") else { return nil }
            self = .googleSTS(audience: audience, impersonation: text("impersonationURL"))
        case "ibm":
            guard let parameter = text("parameter"), let profile = text("profile") else { return nil }
            self = .ibm(parameter: parameter, profile: profile)
        case "alibaba":
            guard let role = text("role"), let provider = text("provider") else { return nil }
            self = .alibaba(role: role, provider: provider)
        case "vault":
            guard let role = text("role") else { return nil }
            self = .vault(role: role, namespace: text("namespace"))
        case "openai":
            guard let provider = text("provider"), let account = text("account") else { return nil }
            self = .openAI(provider: provider, account: account)
        case "anthropic":
            guard let rule = text("rule"), let organization = text("organization") else { return nil }
            self = .anthropic(
                rule: rule, organization: organization, account: text("account"), workspace: text("workspace"))
        case "eks-pod-identity-agent": self = .eksPodIdentityAgent
        case "gke-metadata-server": self = .gkeMetadataServer
        case "gke-metadata-email": self = .gkeMetadataEmail
        default: return nil
        }
    }
}
