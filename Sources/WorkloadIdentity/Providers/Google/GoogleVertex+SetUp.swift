// https://cloud.google.com/kubernetes-engine/docs/how-to/workload-identity
// https://cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes

extension GKEWorkloadIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let account = request.inputs[.googleServiceAccount]
        let google = GoogleTrust(request, account: account)
        return SetUp(
            variables: google.variables + [
                .init("CLUSTER", .placeholder("GKE cluster")),
                .init("CLUSTER_LOCATION", .placeholder("location of the GKE cluster")),
                .init("NODE_POOL", .placeholder("node pool that the pods run on")),
                .init("CLUSTER_PROJECT", .expression("\"$PROJECT\""), remark: "the project of the GKE cluster"),
                .init(
                    "CLUSTER_PROJECT_NUMBER",
                    .expression("$(gcloud projects describe \"$CLUSTER_PROJECT\" --format='value(projectNumber)')")),
            ],
            steps: [
                .init(
                    """
                    Workload Identity Federation for GKE. Skip this on Autopilot clusters, which have it, and where it is on. \
                    The second command recreates the nodes of the pool.
                    """,
                    #"""
                    gcloud container clusters update "$CLUSTER" --project "$CLUSTER_PROJECT" --location "$CLUSTER_LOCATION" \
                      --workload-pool="${CLUSTER_PROJECT}.svc.id.goog"
                    gcloud container node-pools update "$NODE_POOL" --cluster "$CLUSTER" \
                      --project "$CLUSTER_PROJECT" --location "$CLUSTER_LOCATION" --workload-metadata=GKE_METADATA
                    """#),
                .init(
                    "The ServiceAccount as a principal.",
                    account == nil
                        ? #"""
                        PRINCIPAL="principal://iam.googleapis.com/projects/${CLUSTER_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${CLUSTER_PROJECT}.svc.id.goog/subject/ns/${NAMESPACE}/sa/${SERVICE_ACCOUNT}"
                        """#
                        : #"""
                        PRINCIPAL="serviceAccount:${CLUSTER_PROJECT}.svc.id.goog[${NAMESPACE}/${SERVICE_ACCOUNT}]"
                        """#),
            ] + google.grant,
            annotations: google.annotations(account == nil ? [] : ["iam.gke.io/gcp-service-account=${GOOGLE_ACCOUNT}"]),
            sharedAnnotations: account == nil ? ["lanyard.dev/providers=${PROVIDERS}"] : [],
            trial: [
                .init(
                    """
                    Try it in a pod: 200 means that the metadata server hands a token out. The namespace must admit the pod; \
                    where it enforces the restricted Pod Security Standard, run the same command in a container of the \
                    application.
                    """,
                    #"""
                    kubectl run lanyard-explain --namespace "$NAMESPACE" --rm --attach --quiet --restart=Never \
                      --overrides="{\"spec\": {\"serviceAccountName\": \"${SERVICE_ACCOUNT}\"}}" \
                      --image=gcr.io/google.com/cloudsdktool/google-cloud-cli:slim --command -- \
                      curl --silent --output /dev/null --write-out '%{http_code}\n' --header 'Metadata-Flavor: Google' \
                      http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token
                    """#)
            ],
            removal: [
                account == nil
                    ? .init(
                        "The grant. Workload Identity Federation stays on: other pods of the cluster may use it.",
                        #"""
                        gcloud projects remove-iam-policy-binding "$PROJECT" --role=roles/aiplatform.user --condition=None \
                          --member="principal://iam.googleapis.com/projects/${CLUSTER_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${CLUSTER_PROJECT}.svc.id.goog/subject/ns/${NAMESPACE}/sa/${SERVICE_ACCOUNT}"
                        """#)
                    : .init(
                        """
                        The grant. The Google service account stays, with what it may do, and so does Workload Identity \
                        Federation: others may use them.
                        """,
                        #"""
                        gcloud iam service-accounts remove-iam-policy-binding "$GOOGLE_ACCOUNT" \
                          --project "$GOOGLE_ACCOUNT_PROJECT" --role=roles/iam.workloadIdentityUser --condition=None \
                          --member="serviceAccount:${CLUSTER_PROJECT}.svc.id.goog[${NAMESPACE}/${SERVICE_ACCOUNT}]"
                        """#)
            ])
    }
}

extension GCPWorkloadIdentityFederation {
    func setUp(_ request: SetUpRequest) -> SetUp {
        // projects/NUMBER/locations/global/workloadIdentityPools/POOL/providers/PROVIDER
        let parts = request.inputs[.googleProvider]?.split(separator: "/").map(String.init) ?? []
        func part(_ index: Int) -> String? { parts.indices.contains(index) ? parts[index] : nil }
        let google = GoogleTrust(request, account: request.inputs[.googleImpersonated])
        let issuer = request.issuerUse(of: .gcpWorkloadIdentityFederation, by: "Google")
        let isDirect = request.inputs[.googleImpersonated] == nil
        let email: [ShellText] = isDirect ? [] : ["cloud.google.com/service-account-email=${GOOGLE_ACCOUNT}"]
        return SetUp(
            issuer: issuer,
            variables: google.variables + [
                .init(
                    "POOL_PROJECT", part(1), or: .expression("\"$PROJECT\""), remark: "the project of the pool"),
                .init("POOL", part(5), or: .known("kubernetes"), remark: "4 to 32 lower-case letters, digits and -"),
                .init("POOL_PROVIDER", part(7), or: .placeholder("name for this cluster")),
                .init(
                    "POOL_PROJECT_NUMBER",
                    .expression("$(gcloud projects describe \"$POOL_PROJECT\" --format='value(projectNumber)')")),
                .init(
                    "POOL_PROVIDER_NAME",
                    .expression(
                        "\"projects/${POOL_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${POOL}/providers/${POOL_PROVIDER}\""
                    )),
                .init(
                    "AUDIENCE", request.inputs[.googleAudience] ?? request.configuration.gcp.audience,
                    or: .expression("\"https://iam.googleapis.com/${POOL_PROVIDER_NAME}\"")),
            ],
            steps: [
                .init(
                    "A workload identity pool, once.",
                    #"""
                    gcloud services enable iam.googleapis.com sts.googleapis.com iamcredentials.googleapis.com \
                      --project "$POOL_PROJECT"
                    gcloud iam workload-identity-pools create "$POOL" --project "$POOL_PROJECT" --location=global
                    """#),
                issuer == .named ? Self.uploadedKeys : Self.fetchedKeys,
                .init(
                    """
                    The ServiceAccount as a principal. Google takes a subject of 127 bytes at most\(length(request.subject)).
                    """,
                    #"""
                    PRINCIPAL="principal://iam.googleapis.com/projects/${POOL_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${POOL}/subject/${SUBJECT}"
                    """#),
            ] + google.grant,
            annotations: google.annotations(
                ["cloud.google.com/workload-identity-provider=${POOL_PROVIDER_NAME}"] + email),
            trial: [Self.exchange] + (isDirect ? [] : [Self.impersonation]),
            removal: [
                isDirect
                    ? .init(
                        "The grant.",
                        #"""
                        gcloud projects remove-iam-policy-binding "$PROJECT" --role=roles/aiplatform.user --condition=None \
                          --member="principal://iam.googleapis.com/projects/${POOL_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${POOL}/subject/${SUBJECT}"
                        """#)
                    : .init(
                        "The grant. The Google service account stays, with what it may do: others may use it.",
                        #"""
                        gcloud iam service-accounts remove-iam-policy-binding "$GOOGLE_ACCOUNT" \
                          --project "$GOOGLE_ACCOUNT_PROJECT" --role=roles/iam.workloadIdentityUser --condition=None \
                          --member="principal://iam.googleapis.com/projects/${POOL_PROJECT_NUMBER}/locations/global/workloadIdentityPools/${POOL}/subject/${SUBJECT}"
                        """#),
                .init(
                    "The provider for this cluster, once no ServiceAccount of it is a principal any more.",
                    #"""
                    gcloud iam workload-identity-pools providers delete "$POOL_PROVIDER" \
                      --project "$POOL_PROJECT" --location=global --workload-identity-pool="$POOL"
                    """#),
            ])
    }

    private static let exchange = SetUp.Step(
        """
        Try the trust: this prints how long a token of Google's would live, or why there is none. It says nothing of what the \
        principal may do.
        """,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
          curl --silent --show-error --data-urlencode subject_token@- \
            --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
            --data-urlencode subject_token_type=urn:ietf:params:oauth:token-type:jwt \
            --data-urlencode requested_token_type=urn:ietf:params:oauth:token-type:access_token \
            --data-urlencode scope=https://www.googleapis.com/auth/cloud-platform \
            --data-urlencode "audience=//iam.googleapis.com/${POOL_PROVIDER_NAME}" https://sts.googleapis.com/v1/token |
          jq '{token_type, expires_in, error, error_description}'
        """#)

    private static let impersonation = SetUp.Step(
        "Try the impersonation: this prints when a token of the Google service account would expire, or why there is none.",
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
          curl --silent --show-error --data-urlencode subject_token@- \
            --data-urlencode grant_type=urn:ietf:params:oauth:grant-type:token-exchange \
            --data-urlencode subject_token_type=urn:ietf:params:oauth:token-type:jwt \
            --data-urlencode requested_token_type=urn:ietf:params:oauth:token-type:access_token \
            --data-urlencode scope=https://www.googleapis.com/auth/cloud-platform \
            --data-urlencode "audience=//iam.googleapis.com/${POOL_PROVIDER_NAME}" https://sts.googleapis.com/v1/token |
          jq --raw-output '"Authorization: Bearer " + .access_token' |
          curl --silent --show-error --header @- --header 'Content-Type: application/json' \
            --data '{"scope": ["https://www.googleapis.com/auth/cloud-platform"], "lifetime": "300s"}' \
            "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/${GOOGLE_ACCOUNT}:generateAccessToken" |
          jq '{expireTime, error}'
        """#)

    private func length(_ subject: Subject?) -> String {
        subject.map { ", and this one has \($0.claim.utf8.count)" } ?? ""
    }

    private static let fetchedKeys = SetUp.Step(
        "A provider for this cluster's issuer, once: Google fetches the keys from it.",
        #"""
        gcloud iam workload-identity-pools providers create-oidc "$POOL_PROVIDER" \
          --project "$POOL_PROJECT" --location=global --workload-identity-pool="$POOL" \
          --issuer-uri="$ISSUER" --allowed-audiences="$AUDIENCE" --attribute-mapping=google.subject=assertion.sub
        """#)

    private static let uploadedKeys = SetUp.Step(
        """
        A provider for this cluster's issuer, once, with its keys: Google need not reach it. When the cluster's signing keys \
        change, upload them again with `gcloud iam workload-identity-pools providers update-oidc` and --jwk-json-path.
        """,
        #"""
        kubectl get --raw /openid/v1/jwks > jwks.json
        gcloud iam workload-identity-pools providers create-oidc "$POOL_PROVIDER" \
          --project "$POOL_PROJECT" --location=global --workload-identity-pool="$POOL" \
          --issuer-uri="$ISSUER" --allowed-audiences="$AUDIENCE" --attribute-mapping=google.subject=assertion.sub \
          --jwk-json-path=jwks.json
        """#)
}

/// What a principal may do, directly or as a Google service account.
private struct GoogleTrust {
    var variables: [SetUp.Variable]
    var grant: [SetUp.Step]

    init(_ request: SetUpRequest, account: String?) {
        let settings = request.configuration.gcp
        let project =
            request.inputs[.googleProject] ?? settings.project ?? account.flatMap(GoogleServiceAccount.project(of:))
        variables = [
            .init("PROJECT", project, or: .placeholder("project that is billed")),
            .init(
                "LOCATION", request.inputs[.googleLocation] ?? settings.location,
                or: .placeholder("location whose models are called")),
        ]
        if let account {
            variables += [
                .init("GOOGLE_ACCOUNT", .known(account), remark: "the service account that is impersonated"),
                .init(
                    "GOOGLE_ACCOUNT_PROJECT", GoogleServiceAccount.project(of: account),
                    or: .expression("\"$PROJECT\"")),
            ]
            grant = [Self.api, Self.impersonation]
        } else {
            if request.facts.platform == .gke { variables.append(.init("PROVIDERS", .known(request.providers))) }
            grant = [Self.api, Self.direct]
        }
    }

    func annotations(_ identity: [ShellText]) -> [ShellText] {
        identity + ["lanyard.dev/gcp-project=${PROJECT}", "lanyard.dev/gcp-location=${LOCATION}"]
    }

    private static let api = SetUp.Step(
        "Vertex AI, once in the project that is billed.",
        #"gcloud services enable aiplatform.googleapis.com --project "$PROJECT""#)

    private static let direct = SetUp.Step(
        """
        The permission: call models. No Google service account is needed, and no key. Changes take some minutes.
        """,
        #"""
        gcloud projects add-iam-policy-binding "$PROJECT" --member="$PRINCIPAL" \
          --role=roles/aiplatform.user --condition=None
        """#)

    private static let impersonation = SetUp.Step(
        "The principal may act as the Google service account, and that may call models. Changes take some minutes.",
        #"""
        gcloud iam service-accounts add-iam-policy-binding "$GOOGLE_ACCOUNT" --project "$GOOGLE_ACCOUNT_PROJECT" \
          --member="$PRINCIPAL" --role=roles/iam.workloadIdentityUser --condition=None
        gcloud projects add-iam-policy-binding "$PROJECT" --member="serviceAccount:${GOOGLE_ACCOUNT}" \
          --role=roles/aiplatform.user --condition=None
        """#)
}
