import JSON

// Google Vertex AI. Application Default Credentials: https://cloud.google.com/docs/authentication/application-default-credentials
// Keys: GKE's own, and those of https://github.com/pfnet-research/gcp-workload-identity-federation-webhook

extension Provider {
    static let googleVertex = Provider(
        "google-vertex", title: "Google Vertex AI",
        keys: AnnotationKey.google,
        mechanisms: [GKEWorkloadIdentity(), GCPWorkloadIdentityFederation()],
        apiKey: APIKey(variable: "GOOGLE_API_KEY"),
        skipKey: .googleSkipContainers,
        hazards: [
            // Tried before everything else; a file that is not there is an error.
            .stored("GOOGLE_APPLICATION_CREDENTIALS"),
            .storedInSome("GOOGLE_API_KEY", "GEMINI_API_KEY"),
        ],
        fallback: "the node's service account, from the metadata server",
        nicknames: ["vertex-ai", "gemini", "gcp"])
}

extension AnnotationKey {
    static let googleServiceAccount = AnnotationKey(
        "iam.gke.io/gcp-service-account", on: [.serviceAccount], .googleServiceAccount, asksFor: "google-vertex")
    static let googleProvider = AnnotationKey(
        "cloud.google.com/workload-identity-provider", on: [.serviceAccount], .workloadIdentityProvider,
        asksFor: "google-vertex")
    static let googleImpersonated = AnnotationKey(
        "cloud.google.com/service-account-email", on: [.serviceAccount], .googleServiceAccount,
        asksFor: "google-vertex")
    static let googleAudience = AnnotationKey("cloud.google.com/audience", on: [.serviceAccount], .audience)
    static let googleTokenExpiration = AnnotationKey(
        "cloud.google.com/token-expiration", on: [.serviceAccount, .pod], .seconds)
    static let googleSkipContainers = AnnotationKey("cloud.google.com/skip-containers", on: [.pod], .list)
    /// Lanyard always delivers the file directly: the key is known so that nobody is told it is misspelt.
    static let googleInjectionMode = AnnotationKey("cloud.google.com/injection-mode", on: [.serviceAccount], .anything)
    /// For the container that the webhook's other mode injects.
    static let googleRunAsUser = AnnotationKey("cloud.google.com/gcloud-run-as-user", on: [.serviceAccount], .anything)
    static let googleProject = lanyard("gcp-project", .googleProject)
    static let googleLocation = lanyard("gcp-location", .googleLocation)
    /// Carries the credential configuration to the volume.
    static let googleCredentials = stamp("google-vertex-credentials")

    fileprivate static let google: [AnnotationKey] = [
        .googleServiceAccount, .googleProvider, .googleImpersonated, .googleAudience, .googleTokenExpiration,
        .googleSkipContainers, .googleInjectionMode, .googleRunAsUser, .googleProject, .googleLocation,
        .googleCredentials,
    ]
}

enum GoogleServiceAccount {
    /// The project in `NAME@PROJECT.iam.gserviceaccount.com`, or in App Engine's `PROJECT@appspot.gserviceaccount.com`. A
    /// domain-scoped `PROJ.DOMAIN` is the project `DOMAIN:PROJ`.
    static func project(of email: String) -> String? {
        let suffix = ".iam.gserviceaccount.com"
        guard let at = email.firstIndex(of: "@") else { return nil }
        let domain = email[email.index(after: at)...]
        if domain == "appspot.gserviceaccount.com" { return String(email[..<at]) }
        guard domain.hasSuffix(suffix) else { return nil }
        let scope = domain.dropLast(suffix.count)
        guard let dot = scope.firstIndex(of: ".") else { return String(scope) }
        return "\(scope[scope.index(after: dot)...]):\(scope[..<dot])"
    }
}

/// GKE's metadata server answers for the ServiceAccount: no file, no volume, and no identity annotation needed.
/// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
struct GKEWorkloadIdentity: CredentialMechanism {
    let mechanism = Mechanism.gkeWorkloadIdentity
    let decisiveKeys: [AnnotationKey] = [.googleServiceAccount]

    func tier(on platform: Platform) -> Tier { .native }

    func attempt(_ request: BindingRequest) -> Attempt {
        let account = request.inputs[.googleServiceAccount]
        // With nothing to require, what the user asked by is what tells it from a stored key.
        let federated = [AnnotationKey.googleProvider, .googleImpersonated].filter { request.inputs[$0] != nil }
        guard account != nil || request.isNamed || !federated.isEmpty else {
            if request.inputs.isInvalid(.googleServiceAccount) { return .missing([]) }
            return .missing(["\(AnnotationKey.providers.name) to name \(request.provider)"])
        }
        let settings = GoogleSettings(request, email: account)
        var problems = federated.map {
            request.noEffect(
                $0, "on GKE the metadata server answers: grant roles to the ServiceAccount's principal")
        }
        if request.facts.components.hasGKEMetadataServer == false {
            problems.append(
                request.problem(
                    .warning, .metadataServerNotFound,
                    """
                    no node that was looked at runs GKE's metadata server; enable Workload Identity Federation for GKE on the \
                    cluster and its node pools
                    """))
        }
        return .fits(
            Grant(
                addition: PodAddition(
                    groups: settings.groups, filesReadFirst: ["GOOGLE_APPLICATION_CREDENTIALS"]),
                identity: [("account", account ?? "")] + settings.identity,
                problems: problems))
    }
}

/// A workload identity pool trusts the cluster's issuer, whose keys may have been uploaded to it.
/// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes
struct GCPWorkloadIdentityFederation: CredentialMechanism {
    /// In bytes, of what the pool maps to `google.subject`.
    /// https://cloud.google.com/iam/docs/workload-identity-federation#mapping
    private static let longestSubject = 127

    let mechanism = Mechanism.gcpWorkloadIdentityFederation
    let decisiveKeys: [AnnotationKey] = [.googleProvider, .googleImpersonated]

    func tier(on platform: Platform) -> Tier { .federated }

    func attempt(_ request: BindingRequest) -> Attempt {
        let inputs = request.inputs
        guard let provider = inputs[.googleProvider] else {
            return .missing(inputs.lacking(.googleProvider))
        }
        var problems: [Problem] = []
        if inputs[.googleServiceAccount] != nil {
            problems.append(
                request.noEffect(
                    .googleServiceAccount,
                    """
                    it works on GKE only; to impersonate the account here write \
                    \(AnnotationKey.googleImpersonated.name)
                    """
                ))
        }
        let configured = request.configuration.gcp
        let audience = inputs[.googleAudience] ?? configured.audience ?? "https://iam.googleapis.com/\(provider)"
        let expiration = request.tokenExpiration(
            .googleTokenExpiration, default: configured.tokenExpirationSeconds, bounds: 3600...86400,
            problems: &problems)
        let subject = request.subject.claim
        if subject.utf8.count > Self.longestSubject {
            problems.append(
                request.problem(
                    .warning, .subjectTooLong,
                    """
                    the subject \(subject) has \(subject.utf8.count) bytes, and \
                    Google maps \(Self.longestSubject) at most; shorten a name, or map google.subject to less
                    """))
        }
        let email = inputs[.googleImpersonated]
        let settings = GoogleSettings(request, email: email)
        let file = "credentials.json"
        let configuration = credentialConfiguration(
            provider: provider, email: email, tokenFile: request.pod.path("\(request.mountPath)/token"))

        return .fits(
            Grant(
                addition: PodAddition(
                    volume: request.tokenVolume(
                        for: audience, expirationSeconds: expiration,
                        file: .init(path: file, annotation: AnnotationKey.googleCredentials.name)),
                    groups: [
                        .init(.allOrNone, [request.pathVariable("GOOGLE_APPLICATION_CREDENTIALS", to: file)])
                    ] + settings.groups + settings.groupsOfCommandLine,
                    annotations: [
                        .init(
                            AnnotationKey.googleCredentials.name, configuration.serializedString(), owner: .lanyard)
                    ],
                    expected: settings.expected),
                identity: [
                    ("provider", provider), ("account", email ?? ""), ("audience", audience),
                    ("expiration", "\(expiration)"),
                ] + settings.identity,
                problems: problems))
    }

    /// An `external_account` file, from this template alone: SDKs send the token wherever such a file says.
    /// https://google.aip.dev/auth/4117
    private func credentialConfiguration(provider: String, email: String?, tokenFile: String) -> JSONValue {
        var configuration: JSONValue = [
            "type": "external_account",
            "audience": "//iam.googleapis.com/\(provider)",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
        ]
        if let email {
            configuration["service_account_impersonation_url"] =
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/\(email):generateAccessToken"
        }
        configuration["credential_source"] = ["file": .string(tokenFile), "format": ["type": "text"]]
        return configuration
    }
}

/// The project and location that Google's SDKs take from the environment.
private struct GoogleSettings {
    var project: String?
    var location: String?

    init(_ request: BindingRequest, email: String?) {
        project =
            request.inputs[.googleProject] ?? request.configuration.gcp.project
            ?? email.flatMap(GoogleServiceAccount.project(of:))
        location = request.inputs[.googleLocation] ?? request.configuration.gcp.location
    }

    var groups: [PodAddition.VariableGroup] {
        let variables = [
            project.map { PodAddition.Variable("GOOGLE_CLOUD_PROJECT", $0) },
            location.map { PodAddition.Variable("GOOGLE_CLOUD_LOCATION", $0) },
        ].compactMap { $0 }
        return variables.isEmpty ? [] : [.init(.each, variables)]
    }

    /// The same for gcloud and for libraries that ask it, as the federation webhook sets them: Compute Engine has no
    /// region `global`.
    var groupsOfCommandLine: [PodAddition.VariableGroup] {
        let variables = [
            location.flatMap { $0 == "global" ? nil : PodAddition.Variable("CLOUDSDK_COMPUTE_REGION", $0) },
            project.map { PodAddition.Variable("CLOUDSDK_CORE_PROJECT", $0) },
        ].compactMap { $0 }
        return variables.isEmpty ? [] : [.init(.each, variables)]
    }

    var expected: [PodAddition.ExpectedVariable] {
        guard project == nil else { return [] }
        let advice =
            """
            without a project google-auth asks the Resource Manager API for it, which needs a permission of its \
            own: annotate the ServiceAccount with \(AnnotationKey.googleProject.name)
            """
        return [.init(anyOf: ["GOOGLE_CLOUD_PROJECT"], advice: advice)]
    }

    var identity: [(name: String, value: String)] {
        [("project", project ?? ""), ("location", location ?? "")]
    }
}
