// Alibaba Cloud Model Studio. Models take an API key only: https://www.alibabacloud.com/help/en/model-studio/get-api-key
// Variables of RRSA: https://github.com/aliyun/credentials-python
// The key of the role's name is ack-pod-identity-webhook's.

extension Provider {
    static let alibabaModelStudio = Provider(
        "alibaba-modelstudio", title: "Alibaba Cloud Model Studio",
        keys: AnnotationKey.alibaba,
        mechanisms: [AlibabaRRSA()],
        apiKey: APIKey(variable: "DASHSCOPE_API_KEY"),
        staticCredentials: ["ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"])
}

extension AnnotationKey {
    static let alibabaRoleName = AnnotationKey(
        "pod-identity.alibabacloud.com/role-name", on: [.serviceAccount], .alibabaRoleName,
        asksFor: "alibaba-modelstudio")
    static let alibabaTokenExpiration = AnnotationKey(
        "pod-identity.alibabacloud.com/service-account-token-expiration", on: [.serviceAccount], .seconds)
    static let alibabaSkipContainers = AnnotationKey(
        "pod-identity.alibabacloud.com/skip-containers", on: [.pod], .list)
    static let alibabaRoleARN = lanyard("alibaba-role-arn", .alibabaRoleARN, asksFor: "alibaba-modelstudio")
    static let alibabaOIDCProviderARN = lanyard("alibaba-oidc-provider-arn", .alibabaOIDCProviderARN)
    static let alibabaRegion = lanyard("alibaba-region", .region)

    fileprivate static let alibaba: [AnnotationKey] = [
        .alibabaRoleName, .alibabaTokenExpiration, .alibabaSkipContainers, .alibabaRoleARN, .alibabaOIDCProviderARN,
        .alibabaRegion,
    ]
}

/// RAM Roles for Service Accounts, on ACK and wherever RAM has an OIDC provider for the cluster's issuer.
/// https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/use-rrsa-to-authorize-pods-to-access-different-cloud-services
struct AlibabaRRSA: CredentialMechanism {
    let mechanism = Mechanism.alibabaRRSA
    let reach = Reach.platformAPIsOnly
    let issuerReader: String? = "Alibaba Cloud"

    func tier(on platform: Platform) -> Tier { platform == .ack ? .native : .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.alibaba
        var missing: [String] = []
        let provider = inputs[.alibabaOIDCProviderARN] ?? settings.oidcProviderARN
        if provider == nil { missing.append(inputs.missing(.alibabaOIDCProviderARN, or: "alibaba.oidcProviderArn")) }
        // A role's name stands for a role of the account that has the OIDC provider.
        let account = provider.flatMap { ValueSyntax.alibabaResource($0, "oidc-provider/", lengths: 1...128) }
        let named = inputs[.alibabaRoleName].flatMap { name in account.map { "acs:ram::\($0):role/\(name)" } }
        let role = inputs[.alibabaRoleARN] ?? named
        if role == nil, inputs[.alibabaRoleName] == nil { missing.append(inputs.missing(.alibabaRoleARN)) }
        guard let provider, let role else { return .missing(missing) }

        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            .alibabaTokenExpiration, default: 3600, bounds: 600...43200, problems: &problems)
        let region = inputs[.alibabaRegion] ?? settings.region
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(
                        name: request.volumeName, mountPath: request.mountPath,
                        token: .init(audience: "sts.aliyuncs.com", expirationSeconds: expiration)),
                    groups: [
                        .init(
                            .allOrNone,
                            [
                                .init("ALIBABA_CLOUD_ROLE_ARN", role),
                                .init("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", provider),
                                .init(
                                    "ALIBABA_CLOUD_OIDC_TOKEN_FILE", request.pod.path("\(request.mountPath)/token"),
                                    isInVolume: true),
                            ]),
                        // Else the SDKs fall through to the node's role when the exchange fails.
                        .init(.each, [.init("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]),
                        .init(.each, region.map { [.init("ALIBABA_CLOUD_STS_REGION", $0)] } ?? []),
                    ]),
                identity: [
                    ("role", role), ("provider", provider), ("region", region ?? ""), ("expiration", "\(expiration)"),
                ],
                problems: problems))
    }
}
