internal import JSON

/// How one outcome of a binding can be tried.
public enum Trial: Hashable, Sendable {
    case exchange(Exchange)
    /// It cannot.
    case verdict(Verdict)
}

/// From where it is tried.
public enum TrialPlace: Hashable, Sendable {
    case outside
    case pod(onNodeNetwork: Bool)
}

extension Binding.Outcome {
    /// The exchanges that a pod's SDK would make with what the pod gets. Several where containers have roles of their own.
    ///
    /// - Parameter provider: whose outcome it is.
    public func trials(
        for provider: ProviderName, _ configuration: Configuration, in place: TrialPlace = .outside
    ) -> [Trial] {
        if case .pod(let isOnNodeNetwork) = place {
            if isOnNodeNetwork, mechanism.needsPodNetwork {
                return [.untried("the pod is on the node's network, where \(mechanism) does not work")]
            }
            if let trial = trialByNode(configuration) { return [trial] }
        }
        guard let endpoint = configuration.verify.endpoints[provider] else { return trials(configuration) }
        return trials(configuration).map { trial in
            guard case .exchange(let exchange) = trial, mechanism != .vaultAgent else { return trial }
            return .exchange(exchange.moved(to: endpoint))
        }
    }

    private func trials(_ configuration: Configuration) -> [Trial] {
        switch mechanism {
        case .irsa, .awsWebIdentity: awsTrials
        case .azureWorkloadIdentity: [azureTrial]
        case .gcpWorkloadIdentityFederation: [googleTrial]
        case .vaultAgent: [vaultTrial(configuration.vault)]
        case .openAIFederation: [openAITrial]
        case .anthropicFederation: [anthropicTrial]
        case .eksPodIdentity:
            [.onlyInPod("the node's EKS Pod Identity Agent takes tokens that are bound to a running pod alone")]
        case .gkeWorkloadIdentity: [.onlyInPod("GKE's metadata server answers to pods of the node alone")]
        case .okeWorkloadIdentity: [.onlyInPod("OKE's proxymux answers within the cluster alone")]
        case .ibmTrustedProfile: [ibmTrial]
        case .alibabaRRSA: [alibabaTrial]
        case .vaultCSI: [.untried("the CSI provider logs in with a token that names its pod, as a service of the node")]
        case .externalSecret:
            [.untried("the External Secrets Operator logs in as itself; see the ExternalSecret's status")]
        }
    }

    /// Of what a pod asks its own node for, and nobody else can.
    private func trialByNode(_ configuration: Configuration) -> Trial? {
        switch mechanism {
        case .eksPodIdentity:
            let settings = configuration.aws.podIdentity
            return .exchange(
                Exchange(
                    service: .eksPodIdentityAgent, url: settings.credentialsURI, audience: settings.audience,
                    identity: "the role of the association"))
        case .gkeWorkloadIdentity:
            let accounts = "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts"
            // The default one may be the node's, or that of an annotation which the plan does not know.
            guard let account = trust.identity else {
                return .exchange(
                    Exchange(
                        service: .gkeMetadataEmail, url: "\(accounts)/default/email", audience: nil,
                        identity: "default"))
            }
            return .exchange(
                Exchange(
                    service: .gkeMetadataServer, url: "\(accounts)/\(account)/token", audience: nil,
                    identity: account))
        case .okeWorkloadIdentity:
            return .untried("a session at OKE's proxymux takes a key of the SDK's own; ask it by the application")
        default: return nil
        }
    }

    private var awsTrials: [Trial] {
        let region = text(of: "AWS_REGION")
        func exchange(_ role: String, _ second: AWSSecondRole? = nil) -> Trial {
            .exchange(
                Exchange(
                    service: .awsSTS(role: role, second: second), url: AWSPartition.stsURL(region: region, role: role),
                    region: region ?? AWSPartition.signingRegion(role: role), audience: trust.audience,
                    identity: second?.role ?? role))
        }
        if let file = addition.annotations.first(where: { $0.name == AnnotationKey.awsConfiguration.name })?.value {
            guard let roles = AWSSecondRole.read(file) else {
                return [.untried("the configuration file cannot be read")]
            }
            return [exchange(roles.firstRole, roles.second)]
        }
        var roles: [String] = []
        for case (let name, .text(let role)) in addition.groups.flatMap(\.variables).map({ ($0.name, $0.value) })
        where name == "AWS_ROLE_ARN" && !roles.contains(role) {
            roles.append(role)
        }
        return roles.map { exchange($0) }
    }

    private var ibmTrial: Trial {
        let parameters = [("profile_id", "WATSONX_IAM_PROFILE_ID"), ("profile_name", "WATSONX_IAM_PROFILE_NAME")]
        let named = parameters.lazy.compactMap { parameter, name in text(of: name).map { (parameter, $0) } }.first
        guard let (parameter, profile) = named else { return .untried("no profile is known") }
        return .exchange(
            Exchange(
                service: .ibm(parameter: parameter, profile: profile), url: "https://iam.cloud.ibm.com/identity/token",
                audience: trust.audience, identity: profile))
    }

    /// At the public endpoint, also where pods have a private one: that answers Alibaba Cloud's own machines alone.
    private var alibabaTrial: Trial {
        guard let role = text(of: "ALIBABA_CLOUD_ROLE_ARN"), let provider = text(of: "ALIBABA_CLOUD_OIDC_PROVIDER_ARN")
        else { return .untried("no role is known") }
        let region = text(of: "ALIBABA_CLOUD_STS_REGION").map { "\($0)." } ?? ""
        return .exchange(
            Exchange(
                service: .alibaba(role: role, provider: provider), url: "https://sts.\(region)aliyuncs.com/",
                audience: trust.audience, identity: role))
    }

    private var azureTrial: Trial {
        guard let tenant = text(of: "AZURE_TENANT_ID"), let host = text(of: "AZURE_AUTHORITY_HOST"),
            let client = text(of: "AZURE_CLIENT_ID")
        else { return .untried("the application passes the client's id itself") }
        return .exchange(
            Exchange(
                service: .entra(client: client, tenant: tenant),
                url: "\(host.hasSuffix("/") ? host : host + "/")\(tenant)/oauth2/v2.0/token",
                audience: trust.audience, identity: client))
    }

    /// By the file that the pod gets, which the SDK follows.
    private var googleTrial: Trial {
        let text = addition.annotations.first { $0.name == AnnotationKey.googleCredentials.name }?.value ?? ""
        guard let file = try? JSONValue(parsing: Array(text.utf8)), let url = file["token_url"]?.string,
            let audience = file["audience"]?.string
        else { return .untried("the credential configuration file cannot be read") }
        return .exchange(
            Exchange(
                service: .googleSTS(
                    audience: audience, impersonation: file["service_account_impersonation_url"]?.string),
                url: url, audience: trust.audience, identity: trust.identity ?? audience))
    }

    private func vaultTrial(_ settings: Configuration.VaultSettings) -> Trial {
        guard let address = settings.address else {
            return .verdict(
                .unknown(
                    "VaultAddressUnknown", "vault.address is not set in the configuration: the injector knows it alone")
            )
        }
        let prefix = settings.injector.annotationPrefix
        guard let role = addition.annotations.first(where: { $0.name == prefix + "role" })?.value else {
            return .untried("no role is known")
        }
        let base = address.hasSuffix("/") ? String(address.dropLast()) : address
        return .exchange(
            Exchange(
                service: .vault(role: role, namespace: settings.namespace),
                url: "\(base)/v1/auth/\(settings.authMount)/login", audience: settings.audience, identity: role,
                caSecret: settings.caSecret))
    }

    private var openAITrial: Trial {
        guard let provider = text(of: "OPENAI_IDENTITY_PROVIDER_ID"),
            let account = text(of: "OPENAI_SERVICE_ACCOUNT_ID")
        else { return .untried("no ids are known") }
        return .exchange(
            Exchange(
                service: .openAI(provider: provider, account: account), url: "https://auth.openai.com/oauth/token",
                audience: trust.audience, identity: "\(account) by \(provider)"))
    }

    private var anthropicTrial: Trial {
        guard let rule = text(of: "ANTHROPIC_FEDERATION_RULE_ID"),
            let organization = text(of: "ANTHROPIC_ORGANIZATION_ID")
        else { return .untried("no ids are known") }
        return .exchange(
            Exchange(
                service: .anthropic(
                    rule: rule, organization: organization, account: text(of: "ANTHROPIC_SERVICE_ACCOUNT_ID"),
                    workspace: text(of: "ANTHROPIC_WORKSPACE_ID")),
                url: "https://api.anthropic.com/v1/oauth/token", audience: trust.audience, identity: rule))
    }

    private func text(of name: String) -> String? {
        for variable in addition.groups.flatMap(\.variables) where variable.name == name {
            if case .text(let text) = variable.value { return text }
        }
        return nil
    }
}

extension Trial {
    fileprivate static func onlyInPod(_ why: String) -> Trial { .verdict(.unknown("OnlyInPod", why)) }
    fileprivate static func untried(_ why: String) -> Trial { .verdict(.unknown("NotTried", why)) }
}

extension Exchange {
    /// Asks another host, in this step and the next.
    ///
    /// - Parameter endpoint: a scheme and a host, without a path.
    fileprivate func moved(to endpoint: String) -> Exchange {
        var service = service
        if case .googleSTS(let audience, let next?) = service {
            service = .googleSTS(audience: audience, impersonation: endpoint + next.urlPath)
        }
        return Exchange(
            service: service, url: endpoint + url.urlPath, region: region, audience: audience, identity: identity,
            caSecret: caSecret)
    }
}

extension String {
    /// Of a URL: the path and what follows.
    fileprivate var urlPath: String {
        guard let scheme = firstRange(of: "://") else { return "" }
        return String(self[scheme.upperBound...].drop { $0 != "/" })
    }
}

extension AWSPartition {
    /// Of the region's partition; without a region, one of the role's.
    /// https://docs.aws.amazon.com/general/latest/gr/sts.html
    fileprivate static func stsURL(region: String?, role: String) -> String {
        let partition = region.map(name(ofRegion:)) ?? name(ofRole: role)
        guard let region = region ?? (partition == "aws" ? nil : exampleRegion(of: partition)) else {
            return "https://sts.amazonaws.com/"
        }
        return "https://sts.\(region).\(domain(of: partition))/"
    }

    /// The region that a request to ``stsURL(region:role:)`` without a region is signed for.
    fileprivate static func signingRegion(role: String) -> String {
        exampleRegion(of: name(ofRole: role)) ?? globalRegion
    }

    /// https://github.com/boto/botocore/blob/develop/botocore/data/partitions.json
    private static func domain(of partition: String) -> String {
        [
            "aws-cn": "amazonaws.com.cn", "aws-eusc": "amazonaws.eu", "aws-iso": "c2s.ic.gov",
            "aws-iso-b": "sc2s.sgov.gov", "aws-iso-e": "cloud.adc-e.uk", "aws-iso-f": "csp.hci.ic.gov",
        ][partition] ?? "amazonaws.com"
    }
}
