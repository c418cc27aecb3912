internal import JSON

/// What a ServiceAccount presents and the credential that a provider gives for it, as the provider's SDK asks for it.
public struct Exchange: Hashable, Sendable {
    enum Service: Hashable, Sendable {
        /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
        case awsSTS(role: String, second: AWSSecondRole?)
        /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
        case awsSecondRole(AWSSecondRole, firstRole: String)
        /// https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
        case entra(client: String, tenant: String)
        /// https://google.aip.dev/auth/4117
        case googleSTS(audience: String, impersonation: String?)
        /// https://cloud.google.com/iam/docs/reference/credentials/rest/v1/projects.serviceAccounts/generateAccessToken
        case googleImpersonation
        /// https://cloud.ibm.com/docs/containers?topic=containers-pod-iam-identity
        case ibm(parameter: String, profile: String)
        /// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-assumerolewithoidc
        case alibaba(role: String, provider: String)
        /// https://developer.hashicorp.com/vault/api-docs/auth/kubernetes#login
        case vault(role: String, namespace: String?)
        /// https://developers.openai.com/api/docs/guides/workload-identity-federation.md
        case openAI(provider: String, account: String)
        /// https://platform.claude.com/docs/en/manage-claude/wif-reference
        case anthropic(rule: String, organization: String, account: String?, workspace: String?)
        /// Of the pod's own node: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
        case eksPodIdentityAgent
        /// Of the pod's own node: https://cloud.google.com/kubernetes-engine/docs/concepts/workload-identity#metadata_server
        case gkeMetadataServer
        /// Of the same: as whom it takes the pod, where the plan names nobody.
        case gkeMetadataEmail
    }

    /// What a step presents: a token, or for AWS's second role the first one's credentials.
    public enum Presentation: Hashable, Sendable {
        case token(SecretText)
        case awsKeys(AWSKeys)

        fileprivate var text: String {
            switch self {
            case .token(let token): token.revealed
            case .awsKeys: ""
            }
        }
    }

    let service: Service
    public let url: String
    /// The region that a signature is for.
    var region = AWSPartition.globalRegion
    /// The audience of the token that is presented. `nil`: the cluster's default.
    public let audience: String?
    /// Whom the provider takes the ServiceAccount for.
    public let identity: String
    /// The Secret in the ServiceAccount's namespace whose `ca.crt` verifies the endpoint. `nil`: what this machine trusts does.
    public var caSecret: String?

    /// Those whose tokens are exchanged at a host of the vendor's.
    static let providers: [ProviderName] = [
        "aws-bedrock", "azure-openai", "google-vertex", "ibm-watsonx", "alibaba-modelstudio", "openai", "anthropic",
    ]

    /// Whether the token must be bound to a pod.
    public var needsPod: Bool {
        if case .ibm = service { true } else { false }
    }

    /// Whether a token is presented. GKE's metadata server knows a pod by its address.
    var takesToken: Bool { ![.gkeMetadataServer, .gkeMetadataEmail].contains(service) }

    /// What is sent.
    ///
    /// - Parameters:
    ///   - presentation: the ServiceAccount's token; for a second step, what the first one gave.
    ///   - time: RFC 3339 in UTC with whole seconds.
    public func request(presenting presentation: Presentation, at time: String) -> ExchangeRequest {
        let token = presentation.text
        switch service {
        case .awsSTS(let role, _):
            return ExchangeRequest(
                url,
                form: [
                    ("Action", "AssumeRoleWithWebIdentity"), ("Version", "2011-06-15"), ("RoleArn", role),
                    ("RoleSessionName", "lanyard-verify"), ("DurationSeconds", "900"), ("WebIdentityToken", token),
                ])
        case .awsSecondRole(let second, _):
            var request = ExchangeRequest(url, form: second.form)
            guard case .awsKeys(let keys) = presentation else { return request }
            request.headers.append(.init("Host", request.host))
            request.headers += AWSSignature(by: keys, region: region, service: "sts", at: time).headers(
                for: "POST", [("Content-Type", ExchangeRequest.formType), ("Host", request.host)],
                body: request.body.revealed)
            return request
        case .entra(let client, _):
            return ExchangeRequest(
                url,
                form: [
                    ("grant_type", "client_credentials"), ("client_id", client),
                    ("scope", "https://cognitiveservices.azure.com/.default"),
                    ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
                    ("client_assertion", token),
                ])
        case .googleSTS(let audience, _):
            return ExchangeRequest(
                url,
                form: [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"), ("audience", audience),
                    ("scope", "https://www.googleapis.com/auth/cloud-platform"),
                    ("requested_token_type", "urn:ietf:params:oauth:token-type:access_token"),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"), ("subject_token", token),
                ])
        case .googleImpersonation:
            return ExchangeRequest(
                url, json: ["scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "3600s"],
                headers: [.init("Authorization", "Bearer \(token)")])
        case .ibm(let parameter, let profile):
            return ExchangeRequest(
                url,
                form: [
                    ("grant_type", "urn:ibm:params:oauth:grant-type:cr-token"), ("cr_token", token),
                    (parameter, profile),
                ])
        case .alibaba(let role, let provider):
            return ExchangeRequest(
                url,
                form: [
                    ("Action", "AssumeRoleWithOIDC"), ("Version", "2015-04-01"), ("Format", "JSON"),
                    ("Timestamp", time), ("RoleArn", role), ("OIDCProviderArn", provider),
                    ("RoleSessionName", "lanyard-verify"), ("DurationSeconds", "900"), ("OIDCToken", token),
                ])
        case .vault(let role, let namespace):
            return ExchangeRequest(
                url, json: ["role": .string(role), "jwt": .string(token)], headers: Self.vaultHeaders(namespace))
        case .openAI(let provider, let account):
            return ExchangeRequest(
                url,
                json: [
                    "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
                    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt", "subject_token": .string(token),
                    "identity_provider_id": .string(provider), "service_account_id": .string(account),
                ])
        case .anthropic(let rule, let organization, let account, let workspace):
            var json: JSONValue = [
                "grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": .string(token),
                "federation_rule_id": .string(rule), "organization_id": .string(organization),
            ]
            json["service_account_id"] = account.map { .string($0) }
            json["workspace_id"] = workspace.map { .string($0) }
            return ExchangeRequest(
                url, json: json,
                headers: [.init("anthropic-beta", "oauth-2025-04-20,oidc-federation-2026-04-01")])
        case .eksPodIdentityAgent: return ExchangeRequest(getting: url, headers: [.init("Authorization", token)])
        case .gkeMetadataServer, .gkeMetadataEmail:
            return ExchangeRequest(getting: url, headers: [.init("Metadata-Flavor", "Google")])
        }
    }

    /// What ends the credential that was given, where it would live on for nobody: Vault's tokens can be counted and revoked, the
    /// others just expire.
    ///
    /// https://developer.hashicorp.com/vault/api-docs/auth/token#revoke-a-token-self
    public func revocation(of answer: ExchangeAnswer) -> ExchangeRequest? {
        guard case .vault(_, let namespace) = service, answer.isSuccess,
            let token = answer.json["auth"]?["client_token"]?.string, let method = url.firstRange(of: "/v1/auth/")
        else { return nil }
        var request = ExchangeRequest(
            url[..<method.upperBound] + "token/revoke-self", json: [:], headers: Self.vaultHeaders(namespace))
        request.headers.append(.init("X-Vault-Token", token))
        return request
    }

    private static func vaultHeaders(_ namespace: String?) -> [ExchangeRequest.Header] {
        [.init("X-Vault-Request", "true")] + (namespace.map { [.init("X-Vault-Namespace", $0)] } ?? [])
    }

    /// What to do for the token that is presented to have another audience.
    public var audienceAdvice: String {
        switch service {
        case .awsSTS, .awsSecondRole, .eksPodIdentityAgent:
            "set aws.audience, or the annotation eks.amazonaws.com/audience, with the same audience in the IAM OIDC provider"
        case .googleSTS, .googleImpersonation, .gkeMetadataServer, .gkeMetadataEmail:
            "set gcp.audience, or the annotation cloud.google.com/audience, with the same audience at the provider of the pool"
        case .vault: "set vault.audience, with the same audience in Vault's role"
        case .openAI: "set openai.audience, with the same audience at OpenAI"
        case .anthropic: "set anthropic.audience, with the same audience in the federation rule"
        case .entra, .ibm, .alibaba: "remove it from --api-audiences of the API server: the provider takes no other"
        }
    }

    /// The step that follows a success, and what to present there.
    public func next(after answer: ExchangeAnswer) -> (exchange: Exchange, presentation: Presentation)? {
        guard answer.isSuccess else { return nil }
        switch service {
        case .googleSTS(_, let url?):
            guard let token = answer.json["access_token"]?.string else { return nil }
            let next = Exchange(service: .googleImpersonation, url: url, audience: audience, identity: identity)
            return (next, .token(SecretText(token)))
        case .awsSTS(let role, let second?):
            guard let keys = AWSKeys(answer) else { return nil }
            let next = Exchange(
                service: .awsSecondRole(second, firstRole: role), url: url, region: region, audience: audience,
                identity: second.role)
            return (next, .awsKeys(keys))
        case .gkeMetadataEmail:
            let url = url.replacing("/email", with: "/token")
            let next = Exchange(service: .gkeMetadataServer, url: url, audience: audience, identity: identity)
            return (next, .token(SecretText("")))
        default: return nil
        }
    }
}
