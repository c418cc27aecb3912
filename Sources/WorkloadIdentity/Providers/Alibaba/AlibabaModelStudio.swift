// Alibaba Cloud Model Studio. Models take an API key only: https://www.alibabacloud.com/help/en/model-studio/get-api-key
// Variables of RRSA: https://github.com/aliyun/credentials-python
// The key of the role's name is ack-pod-identity-webhook's.

extension Provider {
    static let alibabaModelStudio = Provider(
        "alibaba-modelstudio", title: "Alibaba Cloud Model Studio",
        keys: AnnotationKey.alibaba,
        mechanisms: [AlibabaRRSA()],
        apiKey: APIKey(variable: "DASHSCOPE_API_KEY"),
        includeKey: .alibabaOnlyContainers,
        skipKey: .alibabaSkipContainers,
        hazards: [
            .stored("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
            .storedInSome("ALIBABACLOUD_ACCESS_KEY_ID", "ALIBABACLOUD_ACCESS_KEY_SECRET"),
        ],
        fallback: "the node's RAM role, from the metadata service",
        nicknames: ["dashscope", "qwen", "model-studio"])
}

extension AnnotationKey {
    static let alibabaRoleName = AnnotationKey(
        "pod-identity.alibabacloud.com/role-name", on: [.serviceAccount], .alibabaRoleName,
        asksFor: "alibaba-modelstudio")
    static let alibabaTokenExpiration = AnnotationKey(
        "pod-identity.alibabacloud.com/service-account-token-expiration", on: [.serviceAccount], .seconds)
    static let alibabaOnlyContainers = AnnotationKey(
        "pod-identity.alibabacloud.com/only-containers", on: [.pod], .list)
    static let alibabaSkipContainers = AnnotationKey(
        "pod-identity.alibabacloud.com/skip-containers", on: [.pod], .list)
    static let alibabaSTSEndpoint = AnnotationKey(
        "pod-identity.alibabacloud.com/inject-sts-endpoint", on: [.serviceAccount], .boolean)
    static let alibabaRoleARN = lanyard("alibaba-role-arn", .alibabaRoleARN, asksFor: "alibaba-modelstudio")
    static let alibabaOIDCProviderARN = lanyard("alibaba-oidc-provider-arn", .alibabaOIDCProviderARN)
    static let alibabaRegion = lanyard("alibaba-region", .alibabaRegion)

    fileprivate static let alibaba: [AnnotationKey] = [
        .alibabaRoleName, .alibabaTokenExpiration, .alibabaOnlyContainers, .alibabaSkipContainers,
        .alibabaSTSEndpoint, .alibabaRoleARN, .alibabaOIDCProviderARN, .alibabaRegion,
    ]
}

/// RAM Roles for Service Accounts, on ACK and wherever RAM has an OIDC provider for the cluster's issuer.
/// https://www.alibabacloud.com/help/en/ack/ack-managed-and-ack-dedicated/user-guide/use-rrsa-to-authorize-pods-to-access-different-cloud-services
struct AlibabaRRSA: CredentialMechanism {
    let mechanism = Mechanism.alibabaRRSA
    let decisiveKeys: [AnnotationKey] = [.alibabaRoleARN, .alibabaRoleName, .alibabaOIDCProviderARN]
    let reach = Reach.platformAPIsOnly
    let issuerReader: String? = "Alibaba Cloud"

    func tier(on platform: Platform) -> Tier { platform == .ack ? .native : .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        let settings = request.configuration.alibaba
        var missing: [String] = []
        let provider = inputs[.alibabaOIDCProviderARN] ?? settings.oidcProviderARN
        if provider == nil { missing += inputs.lacking(.alibabaOIDCProviderARN, or: "alibaba.oidcProviderArn") }
        // A role's name stands for a role of the account that has the OIDC provider.
        let account = provider.flatMap { ValueSyntax.alibabaResource($0, "oidc-provider/", lengths: 1...128) }
        let named = inputs[.alibabaRoleName].flatMap { name in account.map { "acs:ram::\($0):role/\(name)" } }
        let role = inputs[.alibabaRoleARN] ?? named
        if role == nil, !inputs.isGiven(.alibabaRoleName) { missing += inputs.lacking(.alibabaRoleARN) }
        guard let provider, let role else { return .missing(missing) }

        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            .alibabaTokenExpiration, default: 3600, bounds: 600...43200, problems: &problems)
        let region = inputs[.alibabaRegion] ?? settings.region
        let isPrivate = usesPrivateEndpoint(request, region, &problems)
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(for: "sts.aliyuncs.com", expirationSeconds: expiration),
                    groups: [
                        .init(
                            .allOrNone,
                            [
                                .init("ALIBABA_CLOUD_ROLE_ARN", role),
                                .init("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", provider),
                                request.pathVariable("ALIBABA_CLOUD_OIDC_TOKEN_FILE"),
                            ]),
                        // Else the SDKs fall through to the node's role when the exchange fails.
                        .init(.each, [.init("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")]),
                        .init(.each, endpoint(region, isPrivate: isPrivate)),
                    ]),
                identity: [
                    ("role", role), ("provider", provider), ("region", region ?? ""), ("expiration", "\(expiration)"),
                ] + (isPrivate ? [("endpoint", "private")] : []),
                problems: problems))
    }

    /// The private network's endpoint of STS, which only Alibaba Cloud's own machines reach. An annotation may ask for
    /// it, and names no address.
    private func usesPrivateEndpoint(
        _ request: BindingRequest, _ region: String?, _ problems: inout [Problem]
    ) -> Bool {
        guard request.inputs.isTrue(.alibabaSTSEndpoint) == true else { return false }
        if request.facts.platform != .ack {
            problems.append(request.noEffect(.alibabaSTSEndpoint, "only ACK's nodes reach the private endpoint of STS"))
        } else if region == nil {
            problems.append(request.noEffect(.alibabaSTSEndpoint, without: .alibabaRegion))
        }
        return request.facts.platform == .ack && region != nil
    }

    private func endpoint(_ region: String?, isPrivate: Bool) -> [PodAddition.Variable] {
        guard let region else { return [] }
        let name = PodAddition.Variable("ALIBABA_CLOUD_STS_REGION", region)
        guard isPrivate else { return [name] }
        return [
            .init("ALIBABA_CLOUD_STS_ENDPOINT", "sts-vpc.\(region).aliyuncs.com"), name,
            .init("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED", "true"),
        ]
    }
}

// https://www.alibabacloud.com/help/en/ram/developer-reference/api-ims-2019-08-15-createoidcprovider
extension AlibabaRRSA {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let inputs = request.inputs
        let settings = request.configuration.alibaba
        let provider = inputs[.alibabaOIDCProviderARN] ?? settings.oidcProviderARN
        let account =
            inputs[.alibabaRoleARN].flatMap { ValueSyntax.alibabaResource($0, "role/", lengths: 1...64) }
            ?? provider.flatMap { ValueSyntax.alibabaResource($0, "oidc-provider/", lengths: 1...128) }
        let name = inputs[.alibabaRoleARN]?.split(separator: "/").last.map(String.init) ?? inputs[.alibabaRoleName]
        let isACK = request.facts.platform == .ack
        return SetUp(
            issuer: .fetched(by: ["Alibaba Cloud"]),
            variables: [
                .init("AUDIENCE", .known("sts.aliyuncs.com")),
                .init(
                    "ACCOUNT_ID", account, or: .expression("$(aliyun sts GetCallerIdentity | jq -r .AccountId)"),
                    remark: "of the role"),
                .init("REGION", inputs[.alibabaRegion] ?? settings.region, or: .placeholder("region of STS")),
                .init("ROLE_NAME", name, or: .expression("\"$NAME\""), remark: "64 characters at most"),
            ] + (isACK ? [.init("CLUSTER_ID", .placeholder("id of the ACK cluster"))] : []) + [
                .init(
                    "OIDC_PROVIDER_ARN", provider,
                    or: isACK
                        ? .expression(#""acs:ram::${ACCOUNT_ID}:oidc-provider/ack-rrsa-${CLUSTER_ID}""#)
                        : .expression(#""acs:ram::${ACCOUNT_ID}:oidc-provider/${NAME}""#)),
                .init("POLICY", .placeholder("RAM policy of what the role may do")),
            ],
            steps: (isACK ? [] : [Self.oidcProvider]) + [
                .init(
                    "The trust policy: this ServiceAccount alone. The issuer is compared to the letter.",
                    #"""
                    TRUST_POLICY=$(cat <<JSON
                    {
                      "Version": "1",
                      "Statement": [
                        {
                          "Effect": "Allow",
                          "Action": "sts:AssumeRole",
                          "Principal": {"Federated": ["${OIDC_PROVIDER_ARN}"]},
                          "Condition": {
                            "StringEquals": {
                              "oidc:iss": "${ISSUER}",
                              "oidc:aud": "${AUDIENCE}",
                              "oidc:sub": "${SUBJECT}"
                            }
                          }
                        }
                      ]
                    }
                    JSON
                    )
                    """#),
                .init(
                    """
                    The role, and its permissions. RRSA alone reaches no model: Model Studio takes API keys only. It is for \
                    Alibaba Cloud's other APIs, such as KMS, where a key may be kept; to call models, set up one of the ways \
                    for a stored key as well (lanyard.dev/vault-path.alibaba-modelstudio).
                    """,
                    #"""
                    aliyun ram CreateRole --RoleName "$ROLE_NAME" --AssumeRolePolicyDocument "$TRUST_POLICY"
                    aliyun ram AttachPolicyToRole --PolicyType Custom --PolicyName "$POLICY" --RoleName "$ROLE_NAME"
                    ROLE_ARN="acs:ram::${ACCOUNT_ID}:role/${ROLE_NAME}"
                    """#),
            ],
            annotations: [
                "lanyard.dev/alibaba-role-arn=${ROLE_ARN}",
                "lanyard.dev/alibaba-oidc-provider-arn=${OIDC_PROVIDER_ARN}",
                "lanyard.dev/alibaba-region=${REGION}",
            ],
            trial: [Self.exchange],
            removal: [
                .init(
                    "The role, unless it serves others too.",
                    #"""
                    aliyun ram DetachPolicyFromRole --PolicyType Custom --PolicyName "$POLICY" --RoleName "$ROLE_NAME"
                    aliyun ram DeleteRole --RoleName "$ROLE_NAME"
                    """#)
            ] + (isACK ? [] : [Self.oidcProviderRemoval]))
    }

    private static let exchange = SetUp.Step(
        "Try the trust: this prints the subject, the issuer and the role's session, or why there is none.",
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
          curl --silent --show-error --data-urlencode OIDCToken@- --data-urlencode "RoleArn=${ROLE_ARN}" \
            --data-urlencode "OIDCProviderArn=${OIDC_PROVIDER_ARN}" --data-urlencode RoleSessionName=lanyard-explain \
            "https://sts.${REGION}.aliyuncs.com/?Action=AssumeRoleWithOIDC&Version=2015-04-01&Format=JSON&Timestamp=$(date -u +%Y-%m-%dT%H:%M:%SZ)" |
          jq '{OIDCTokenInfo, AssumedRoleUser, Code, Message}'
        """#)

    private static let oidcProviderRemoval = SetUp.Step(
        "The OIDC provider, once no role trusts this cluster any more.",
        #"aliyun ims DeleteOIDCProvider --OIDCProviderName "${OIDC_PROVIDER_ARN##*/}""#)

    private static let oidcProvider = SetUp.Step(
        """
        An OIDC provider for the issuer, once in the account of the role; skip this if it is there. RAM wants the fingerprint \
        of the certificate authority that the issuer's certificate is from: the last one of the chain that it shows.
        """,
        #"""
        ISSUER_HOST=${ISSUER#https://}
        ISSUER_HOST=${ISSUER_HOST%%/*}
        FINGERPRINT=$(openssl s_client -connect "${ISSUER_HOST%%:*}:443" -servername "${ISSUER_HOST%%:*}" -showcerts < /dev/null |
          awk '/BEGIN CERTIFICATE/ {pem = ""} {pem = pem $0 "\n"} /END CERTIFICATE/ {last = pem} END {printf "%s", last}' |
          openssl x509 -noout -fingerprint -sha1 | sed 's/.*=//; s/://g')
        aliyun ims CreateOIDCProvider --OIDCProviderName "${OIDC_PROVIDER_ARN##*/}" --IssuerUrl "$ISSUER" \
          --ClientIds "$AUDIENCE" --Fingerprints "$FINGERPRINT"
        """#)
}
