// IBM watsonx.ai. Variables: IBM's SDK core reads <SERVICE>_AUTH_TYPE and so on.
// https://github.com/IBM/ibm-cloud-sdk-common#using-external-configuration

extension Provider {
    static let ibmWatsonx = Provider(
        "ibm-watsonx", title: "IBM watsonx.ai",
        keys: [.ibmTrustedProfile],
        mechanisms: [IBMTrustedProfile()],
        // IBM's SDK core reads it; the watsonx.ai SDK takes a key from the application.
        apiKey: APIKey(variable: "WATSONX_APIKEY", isReadBySDK: false),
        hazards: [
            // A credentials file wins over the environment as a whole.
            .stored("IBM_CREDENTIALS_FILE"),
            .storedUnlessPassed("WATSONX_APIKEY", "WATSONX_API_KEY", "WATSONX_TOKEN"),
        ],
        nicknames: ["watson", "watsonx-ai"],
        secretStore: IBMSecretsManager())
}

extension AnnotationKey {
    static let ibmTrustedProfile = lanyard("ibm-trusted-profile", .ibmTrustedProfile, asksFor: "ibm-watsonx")
}

/// A trusted profile that is linked to the cluster's ServiceAccount.
/// https://cloud.ibm.com/docs/containers?topic=containers-pod-iam-identity
struct IBMTrustedProfile: CredentialMechanism {
    let mechanism = Mechanism.ibmTrustedProfile
    /// IBM's SDK core finds it; the watsonx.ai SDK takes a token from the application.
    let reach = Reach.needsCode
    let decisiveKeys: [AnnotationKey] = [.ibmTrustedProfile]

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        guard let profile = request.inputs[.ibmTrustedProfile] else {
            return .missing(request.inputs.lacking(.ibmTrustedProfile))
        }
        var problems: [Problem] = []
        // IAM takes no token that lives for more than an hour.
        let expiration = request.tokenExpiration(nil, default: 3600, bounds: 600...3600, problems: &problems)
        let id = Self.profileID(in: profile)
        problems.append(
            request.applicationMustPass(
                "a token of ibm_cloud_sdk_core's ContainerAuthenticator to the watsonx.ai SDK, which finds none by itself"
            ))
        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(for: "iam", expirationSeconds: expiration),
                    groups: [
                        .init(
                            .allOrNone,
                            [
                                .init("WATSONX_AUTH_TYPE", "container"),
                                id.map { .init("WATSONX_IAM_PROFILE_ID", $0) }
                                    ?? .init("WATSONX_IAM_PROFILE_NAME", profile),
                                request.pathVariable("WATSONX_CR_TOKEN_FILENAME"),
                            ])
                    ]),
                identity: [("profile", profile), ("expiration", "\(expiration)")],
                problems: problems))
    }

    /// The id, if the value is one or a CRN that ends with one; `nil` for a name.
    static func profileID(in profile: String) -> String? {
        let last = profile.hasPrefix("crn:") ? profile.split(separator: ":").last.map(String.init) ?? "" : profile
        let id = last.hasPrefix("iam-") ? String(last.dropFirst("iam-".count)) : last
        guard id.hasPrefix("Profile-"), ValueSyntax.uuid.accepts(String(id.dropFirst("Profile-".count))) else {
            return nil
        }
        return id
    }
}

extension ValueSyntax {
    fileprivate static let ibmTrustedProfile = ValueSyntax(
        "a trusted profile's id (\"Profile-…\"), name or CRN"
    ) { value in
        if value.hasPrefix("crn:") { return IBMTrustedProfile.profileID(in: value) != nil }
        return (1...128).contains(value.utf8.count)
            && value.utf8.allSatisfy { $0.isWordByte || " .-".utf8.contains($0) }
    }
}
