// AWS Bedrock. Variables and their precedence:
// https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html
// The keys are those of the EKS Pod Identity Webhook: https://github.com/aws/amazon-eks-pod-identity-webhook

extension Provider {
    static let awsBedrock = Provider(
        "aws-bedrock", title: "AWS Bedrock",
        keys: AnnotationKey.aws,
        mechanisms: [EKSPodIdentity(), IRSA(), AWSWebIdentity()],
        apiKey: APIKey(variable: "AWS_BEARER_TOKEN_BEDROCK"),
        skipKey: .awsSkipContainers,
        optOut: .init(label: AWSRoles.skipLabel, unless: [.awsRoleARNs, .awsAssumeRoleARN, .awsSessionNameFromPod]),
        hazards: [
            // Bedrock's own key is read before any other credential.
            .stored("AWS_BEARER_TOKEN_BEDROCK"), .stored("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
            .storedInSome("AWS_PROFILE", "AWS_DEFAULT_PROFILE"),
            .storedInSome("AWS_SHARED_CREDENTIALS_FILE", "AWS_CONFIG_FILE"),
        ],
        fallback: "the node's role, from the instance metadata service",
        nicknames: ["amazon", "amazon-bedrock"],
        isDeclared: { configuration, subject in configuration.aws.podIdentity.identities.contains(subject) })
}

extension AnnotationKey {
    static let awsRoleARN = AnnotationKey(
        "eks.amazonaws.com/role-arn", on: [.serviceAccount], .roleARN, asksFor: "aws-bedrock")
    static let awsAudience = AnnotationKey("eks.amazonaws.com/audience", on: [.serviceAccount], .audience)
    static let awsSTSRegionalEndpoints = AnnotationKey(
        "eks.amazonaws.com/sts-regional-endpoints", on: [.serviceAccount], .boolean)
    static let awsTokenExpiration = AnnotationKey(
        "eks.amazonaws.com/token-expiration", on: [.serviceAccount, .pod], .seconds)
    static let awsSkipContainers = AnnotationKey("eks.amazonaws.com/skip-containers", on: [.pod], .list)
    static let awsRegion = lanyard("aws-region", .awsRegion)
    static let awsRoleARNs = lanyard("aws-role-arns", .awsRoleARNs, asksFor: "aws-bedrock")
    static let awsSessionNameFromPod = lanyard("aws-session-name-from-pod", .boolean)

    fileprivate static let awsRoles: [AnnotationKey] = [.awsRoleARN, .awsRoleARNs, .awsAssumeRoleARN, .awsExternalID]

    fileprivate static let aws: [AnnotationKey] =
        [
            .awsRoleARN, .awsAudience, .awsSTSRegionalEndpoints, .awsTokenExpiration, .awsSkipContainers, .awsRegion,
            .awsRoleARNs, .awsSessionNameFromPod,
        ] + awsAssumedRole
}

/// EKS Pod Identity, exactly as EKS' own webhook makes it. The association of role and ServiceAccount lives in the EKS API,
/// so it has to be declared here.
/// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html
struct EKSPodIdentity: CredentialMechanism {
    /// EKS' webhook spreads its default lifetime, and no other, so that not all of a cluster's agents renew at once.
    private static let shortest = [86400: 79200]

    let mechanism = Mechanism.eksPodIdentity

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        let settings = request.configuration.aws.podIdentity
        guard request.forced == mechanism || settings.identities.contains(request.subject) else {
            return .missing([
                "its association declared with \(AnnotationKey.mechanism(of: request.provider).name): \(mechanism)"
            ])
        }
        var problems: [Problem] = []
        let expiration = request.tokenExpiration(
            .awsTokenExpiration, default: request.configuration.aws.tokenExpirationSeconds, bounds: 600...86400,
            problems: &problems)
        let isChosen = [AnnotationKey.awsTokenExpiration, .tokenExpiration].contains { request.inputs[$0] != nil }
        problems += [.awsRoleARNs, .awsAssumeRoleARN, .awsSessionNameFromPod].filter { request.inputs[$0] != nil }.map {
            request.noEffect($0, "with EKS Pod Identity, role and session are those of the association")
        }
        let region = AWSRegion(request)
        let tokenFile = request.pod.path("\(settings.tokenMountPath)/\(settings.tokenPath)")
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(
                        name: settings.volumeName, mountPath: settings.tokenMountPath,
                        token: .init(
                            audience: settings.audience, expirationSeconds: expiration,
                            shortestExpirationSeconds: isChosen ? nil : Self.shortest[expiration],
                            path: settings.tokenPath)),
                    groups: region.groups + [
                        .init(
                            .allOrNone,
                            [
                                .init("AWS_CONTAINER_CREDENTIALS_FULL_URI", settings.credentialsURI),
                                .init("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", tokenFile, isInVolume: true),
                            ])
                    ],
                    labels: [.init("eks.amazonaws.com/pod-identity", "enabled")],
                    expected: region.expected,
                    // A web identity that is there already: boto3 prefers it.
                    yieldsTo: ["AWS_WEB_IDENTITY_TOKEN_FILE"]),
                identity: [
                    ("uri", settings.credentialsURI), ("audience", settings.audience), ("expiration", "\(expiration)"),
                ] + region.identity + Self.identity(of: settings),
                problems: problems,
                hazards: [.storedInSome("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI")]
                    + (Self.host(of: settings.credentialsURI).map { [.proxy(for: $0)] } ?? [])))
    }
}

extension EKSPodIdentity {
    /// Where the token is and what the volume is called, as far as that is not EKS' default.
    private static func identity(of settings: Configuration.PodIdentitySettings) -> [(name: String, value: String)] {
        let defaults = Configuration.PodIdentitySettings()
        let paths: [(name: String, path: KeyPath<Configuration.PodIdentitySettings, String>)] = [
            ("mountPath", \.tokenMountPath), ("volume", \.volumeName), ("tokenPath", \.tokenPath),
        ]
        return paths.filter { settings[keyPath: $0.path] != defaults[keyPath: $0.path] }.map {
            ($0.name, settings[keyPath: $0.path])
        }
    }

    /// The agent's address, if requests to it are plain ones, of which a proxy sees all.
    private static func host(of uri: String) -> String? {
        let scheme = "http://"
        guard uri.hasPrefix(scheme) else { return nil }
        let authority = uri.dropFirst(scheme.count).prefix { $0 != "/" }
        // An address of IPv6 stands in brackets.
        let host =
            authority.hasPrefix("[") ? authority.dropFirst().prefix { $0 != "]" } : authority.prefix { $0 != ":" }
        return host.isEmpty ? nil : String(host)
    }
}

/// IAM Roles for Service Accounts, exactly as EKS' own webhook makes them, so that both agree whichever runs first.
struct IRSA: CredentialMechanism {
    let mechanism = Mechanism.irsa
    let issuerReader: String? = "AWS"
    let decisiveKeys = AnnotationKey.awsRoles

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        let mountPath = request.configuration.aws.tokenMountPath
        let isDefault = mountPath == Configuration.AWSSettings().tokenMountPath
        return webIdentity(
            request, volumeName: "aws-iam-token", mountPath: mountPath,
            identity: isDefault ? [] : [("mountPath", mountPath)])
    }
}

/// The same exchange from any other platform, with a volume of Lanyard's.
struct AWSWebIdentity: CredentialMechanism {
    let mechanism = Mechanism.awsWebIdentity
    let issuerReader: String? = "AWS"
    let decisiveKeys = AnnotationKey.awsRoles

    func tier(on platform: Platform) -> Tier { .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        webIdentity(request, volumeName: request.volumeName, mountPath: request.mountPath)
    }
}

extension CredentialMechanism {
    /// `sts:AssumeRoleWithWebIdentity`: the SDKs read a role and a token file.
    ///
    /// - Parameter identity: what decides on the volume, if it is not the usual one.
    fileprivate func webIdentity(
        _ request: BindingRequest, volumeName: String, mountPath: String, identity: [(name: String, value: String)] = []
    ) -> Attempt {
        let inputs = request.inputs
        let roles = AWSRoles(inputs)
        guard !roles.isEmpty else { return .missing(inputs.isGiven(.awsRoleARNs) ? [] : inputs.lacking(.awsRoleARN)) }
        if inputs[.awsAssumeRoleARN] != nil { return assumedRole(request, roles) }

        var problems: [Problem] = []
        let token = request.webIdentityToken(&problems)
        let region = AWSRegion(request)
        problems += region.mismatches(with: roles.all, request)
        let session = AWSSessionName(request, &problems)
        problems += AnnotationKey.awsAssumedRoleDetails.filter { inputs[$0] != nil }.map {
            request.noEffect($0, without: .awsAssumeRoleARN)
        }
        if !roles.ofContainers.isEmpty, let problem = request.managedWebhookRunsFirst(for: .awsRoleARNs) {
            problems.append(problem)
        }
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(name: volumeName, mountPath: mountPath, token: token),
                    // In the order in which EKS' webhook adds them.
                    groups: region.groups + roles.groups(tokenFile: request.pod.path("\(mountPath)/\(token.path)"))
                        + session.groups,
                    containers: roles.containers,
                    expected: region.expected,
                    // EKS Pod Identity. boto3 would prefer the web identity, and the pod's role silently change.
                    yieldsTo: ["AWS_CONTAINER_CREDENTIALS_FULL_URI"]),
                identity: [
                    ("role", roles.ofAll ?? ""), ("audience", token.audience),
                    ("expiration", "\(token.expirationSeconds)"),
                ] + region.identity + roles.identity + session.identity + identity,
                problems: problems))
    }
}

extension BindingRequest {
    /// The token that AWS STS takes.
    func webIdentityToken(_ problems: inout [Problem]) -> PodAddition.Volume.Token {
        let settings = configuration.aws
        let expiration = tokenExpiration(
            .awsTokenExpiration, default: settings.tokenExpirationSeconds, bounds: 600...86400, problems: &problems)
        return .init(audience: inputs[.awsAudience] ?? settings.audience, expirationSeconds: expiration)
    }

    /// On EKS the cluster's own webhook gives every container the ServiceAccount's role, before Lanyard's turn.
    func managedWebhookRunsFirst(for key: AnnotationKey) -> Problem? {
        guard facts.platform == .eks, inputs[.awsRoleARN] != nil, pod.labels[AWSRoles.skipLabel] == nil else {
            return nil
        }
        return problem(
            .warning, .managedWebhookFirst, with: key,
            """
            has no effect where EKS' own webhook runs: it sets the variables of \(AnnotationKey.awsRoleARN.name) first, and \
            containers keep them; label the pods \(AWSRoles.skipLabel)=true
            """)
    }
}

/// The region, and whether STS is asked there, as the AWS SDKs take them from the environment.
struct AWSRegion {
    private var name: String?
    private var isRegional: Bool

    init(_ request: BindingRequest) {
        name = request.inputs[.awsRegion] ?? request.configuration.aws.region
        isRegional =
            request.inputs.isTrue(.awsSTSRegionalEndpoints) ?? request.configuration.aws.stsRegionalEndpoints
    }

    /// In the order in which EKS' webhook adds them.
    var groups: [PodAddition.VariableGroup] {
        var groups: [PodAddition.VariableGroup] = []
        if isRegional { groups.append(.init(.each, [.init("AWS_STS_REGIONAL_ENDPOINTS", "regional")])) }
        if let name {
            groups.append(.init(.unlessAnySet, [.init("AWS_DEFAULT_REGION", name), .init("AWS_REGION", name)]))
        }
        return groups
    }

    var expected: [PodAddition.ExpectedVariable] {
        guard name == nil else { return [] }
        let advice = "the AWS SDKs need a region: annotate the ServiceAccount with \(AnnotationKey.awsRegion.name)"
        return [.init(anyOf: ["AWS_REGION", "AWS_DEFAULT_REGION"], advice: advice)]
    }

    var identity: [(name: String, value: String)] {
        [("region", name ?? ""), ("regional", "\(isRegional)")]
    }

    /// STS of one partition does not know the roles of another.
    func mismatches(with roles: [String], _ request: BindingRequest) -> [Problem] {
        guard let name else { return [] }
        let partition = AWSPartition.name(ofRegion: name)
        guard let role = roles.first(where: { AWSPartition.name(ofRole: $0) != partition }) else { return [] }
        let needed = AWSPartition.name(ofRole: role)
        let example = AWSPartition.exampleRegion(of: needed).map { ", such as \($0)" } ?? ""
        return [
            request.problem(
                .error, .partitionMismatch,
                """
                the region \(name) is in the partition \(partition), and the role \(role.shortened) in \(needed); write a region \
                of \(needed) as \(AnnotationKey.awsRegion.name)\(example)
                """,
                field: request.inputs[.awsRegion] == nil ? nil : AnnotationKey.awsRegion.name)
        ]
    }
}
