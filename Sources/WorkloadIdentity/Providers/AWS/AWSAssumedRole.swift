// A second role, in another account, that the first one may assume. An SDK needs no code for it if a configuration file
// says so: https://docs.aws.amazon.com/sdkref/latest/guide/feature-assume-role-credentials.html

extension AnnotationKey {
    static let awsAssumeRoleARN = lanyard("aws-assume-role-arn", .roleARN, asksFor: "aws-bedrock")
    static let awsExternalID = lanyard("aws-external-id", .awsExternalID)
    static let awsSessionName = lanyard("aws-session-name", .awsSessionName)
    static let awsSessionDuration = lanyard("aws-session-duration", .seconds)
    /// Carries the configuration file to the volume.
    static let awsConfiguration = stamp("aws-bedrock-config")

    /// What the second role's session may have beside its role.
    static let awsAssumedRoleDetails: [AnnotationKey] = [.awsExternalID, .awsSessionName, .awsSessionDuration]
    static let awsAssumedRole: [AnnotationKey] = [.awsAssumeRoleARN] + awsAssumedRoleDetails + [.awsConfiguration]
}

extension CredentialMechanism {
    /// The web identity stands in the file and in no variable: SDKs differ in which of the two wins.
    ///
    /// The volume is Lanyard's on EKS too, since it holds more than the one that EKS' own webhook makes.
    func assumedRole(_ request: BindingRequest, _ roles: AWSRoles) -> Attempt {
        guard roles.ofContainers.isEmpty, let firstRole = roles.ofAll else {
            let isMalformed = request.inputs.isInvalid(.awsRoleARN)
            return .missing(
                isMalformed ? [] : ["\(AnnotationKey.awsRoleARN.name) in place of \(AnnotationKey.awsRoleARNs.name)"])
        }
        var problems: [Problem] = []
        let token = request.webIdentityToken(&problems)
        let region = AWSRegion(request)
        problems += region.mismatches(
            with: [firstRole] + (request.inputs[.awsAssumeRoleARN].map { [$0] } ?? []), request)
        let second = AWSAssumedRole(request, &problems)
        problems.append(second.readers(request))
        if let problem = request.managedWebhookRunsFirst(for: .awsAssumeRoleARN) { problems.append(problem) }
        let file = PodAddition.Volume.File(path: "config", annotation: AnnotationKey.awsConfiguration.name)
        let content = second.configuration(
            firstRole: firstRole, tokenFile: request.pod.path("\(request.mountPath)/\(token.path)"))
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: .init(name: request.volumeName, mountPath: request.mountPath, token: token, file: file),
                    groups: region.groups + [
                        .init(
                            .allOrNone,
                            [
                                .init(
                                    "AWS_CONFIG_FILE", request.pod.path("\(request.mountPath)/\(file.path)"),
                                    isInVolume: true)
                            ]),
                        // Version 1 of the SDK for Go, and 2 of that for JavaScript, read the file only with it.
                        .init(.each, [.init("AWS_SDK_LOAD_CONFIG", "1")]),
                        // SDKs that cannot read it would go on to the node's role.
                        .init(.each, [.init("AWS_EC2_METADATA_DISABLED", "true")]),
                    ],
                    annotations: [.init(file.annotation, content, owner: .lanyard)],
                    expected: region.expected,
                    yieldsTo: [
                        "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN",
                    ]),
                identity: [
                    ("role", firstRole), ("audience", token.audience), ("expiration", "\(token.expirationSeconds)"),
                ] + region.identity + second.identity,
                problems: problems))
    }
}

/// The second role's session.
struct AWSAssumedRole {
    /// A role that was assumed with another may have a session of an hour at most.
    /// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles.html#iam-term-role-chaining
    private static let durations = 900...3600
    private static let firstProfile = "lanyard"

    private let settings: [(name: String, value: String)]

    init(_ request: BindingRequest, _ problems: inout [Problem]) {
        let inputs = request.inputs
        let duration = request.seconds(.awsSessionDuration, within: Self.durations, problems: &problems)
        settings = [
            ("role_arn", inputs[.awsAssumeRoleARN]), ("external_id", inputs[.awsExternalID]),
            ("role_session_name", inputs[.awsSessionName]), ("duration_seconds", duration.map(String.init)),
        ].compactMap { name, value in value.map { (name, $0) } }
        if inputs.isTrue(.awsSessionNameFromPod) == true {
            problems.append(
                request.problem(
                    .warning, .noEffect, with: .awsSessionNameFromPod,
                    """
                    has no effect on a role of \(AnnotationKey.awsAssumeRoleARN.name); name its session with \
                    \(AnnotationKey.awsSessionName.name)
                    """))
        }
    }

    /// Which SDKs do not assume it: all were run.
    func readers(_ request: BindingRequest) -> Problem {
        let version2 =
            request.inputs[.awsExternalID] == nil ? "" : ", and version 2 of that for JavaScript sends no external id"
        return request.problem(
            .warning, .roleNotReadByAllSDKs, with: .awsAssumeRoleARN,
            """
            is read from a configuration file: the SDK for C++ and Rust's object_store and reqsign do not read it\(version2), \
            so they get no credentials (object_store: the node's); use another SDK in such containers
            """)
    }

    var identity: [(name: String, value: String)] { settings.map { ("assumed.\($0.name)", $0.value) } }

    /// From this template alone: each value has been checked to be one word of one line.
    func configuration(firstRole: String, tokenFile: String) -> String {
        """
        [default]
        \((settings + [("source_profile", Self.firstProfile)]).map { "\($0.name) = \($0.value)" }.joined(separator: "\n"))

        [profile \(Self.firstProfile)]
        role_arn = \(firstRole)
        web_identity_token_file = \(tokenFile)

        """
    }
}

extension ValueSyntax {
    /// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
    fileprivate static let awsExternalID = ValueSyntax(
        "an external id: 2 to 1224 letters, digits and \"_+=,.@:/-\""
    ) { value in
        (2...1224).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isWordByte || "+=,.@:/-".utf8.contains($0) }
    }

    fileprivate static let awsSessionName = ValueSyntax(
        "a session's name: 2 to 64 letters, digits and \"_+=,.@-\""
    ) { value in
        AWSSessionName.lengths.contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isWordByte || "+=,.@-".utf8.contains($0) }
    }
}
