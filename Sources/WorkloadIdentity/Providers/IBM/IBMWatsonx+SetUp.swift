// https://cloud.ibm.com/docs/account?topic=account-create-trusted-profile
extension IBMTrustedProfile {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let profile = request.inputs[.ibmTrustedProfile]
        let id = profile.flatMap(Self.profileID)
        return SetUp(
            variables: [
                .init("AUDIENCE", .known("iam")),
                .init("CLUSTER", .placeholder("name or id of the cluster")),
                .init("CR_TYPE", .known("IKS_SA"), remark: "ROKS_SA for Red Hat OpenShift"),
                .init("PROFILE", profile, or: .expression("\"$NAME\"")),
                .init("WATSONX_GUID", .placeholder("GUID of the watsonx.ai Runtime instance")),
            ] + (id.map { [.init("PROFILE_ID", .known($0))] } ?? []),
            steps: [
                .init(
                    "The trusted profile; skip this if it exists.",
                    #"ibmcloud iam trusted-profile-create "$PROFILE""#),
                .init(
                    """
                    The trust: this ServiceAccount of this cluster. No issuer is involved: IAM knows the clusters of the account. \
                    It takes tokens of an hour at most, and Lanyard asks for no longer ones.
                    """,
                    #"""
                    CLUSTER_CRN=$(ibmcloud ks cluster get --cluster "$CLUSTER" --output json | jq -r .crn)
                    ibmcloud iam trusted-profile-link-create "$PROFILE" --name "$NAME" --cr-type "$CR_TYPE" \
                      --link-crn "$CLUSTER_CRN" --link-namespace "$NAMESPACE" --link-name "$SERVICE_ACCOUNT"
                    """#),
                .init(
                    """
                    The permission: call models of one instance, whose GUID `ibmcloud resource service-instances \
                    --service-name pm-20 --output JSON` shows. Models that are called through a project need the profile \
                    among the collaborators of that project, too: add it in watsonx.
                    """,
                    #"""
                    ibmcloud iam trusted-profile-policy-create "$PROFILE" --roles Writer \
                      --service-name pm-20 --service-instance "$WATSONX_GUID"
                    """#),
                .init(
                    """
                    IBM's SDK core finds the profile and the token by itself, the watsonx.ai SDK does not: the application \
                    passes it a function that makes tokens.
                    """,
                    code: """
                        authenticator = ibm_cloud_sdk_core.get_authenticator_from_environment("watsonx")
                        credentials = Credentials.from_dict(
                            {"url": WATSONX_URL, "token_function": authenticator.token_manager.get_token})
                        """),
            ],
            annotations: ["lanyard.dev/ibm-trusted-profile=${PROFILE}"],
            trial: [id == nil ? Self.exchangeByName : Self.exchangeByID],
            removal: [
                .init(
                    "The link.",
                    #"ibmcloud iam trusted-profile-link-delete "$PROFILE" "$NAME" --force"#),
                .init(
                    "The trusted profile with its policies, unless it serves others too.",
                    #"ibmcloud iam trusted-profile-delete "$PROFILE" --force"#),
            ])
    }

    private static let exchangeByName = SetUp.Step(
        """
        Try the trust: this prints how long a token of IAM's would live, or why there is none. Should IAM want a token of a pod, \
        add --bound-object-kind Pod --bound-object-name and a pod of the ServiceAccount.
        """,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" --duration 1h | tr -d '\n' |
          curl --silent --show-error --header 'Accept: application/json' --data-urlencode cr_token@- \
            --data-urlencode grant_type=urn:ibm:params:oauth:grant-type:cr-token \
            --data-urlencode "profile_name=${PROFILE}" https://iam.cloud.ibm.com/identity/token |
          jq '{token_type, expires_in, errorCode, errorMessage, errorDetails}'
        """#)

    private static let exchangeByID = SetUp.Step(
        exchangeByName.purpose,
        #"""
        kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" --duration 1h | tr -d '\n' |
          curl --silent --show-error --header 'Accept: application/json' --data-urlencode cr_token@- \
            --data-urlencode grant_type=urn:ibm:params:oauth:grant-type:cr-token \
            --data-urlencode "profile_id=${PROFILE_ID}" https://iam.cloud.ibm.com/identity/token |
          jq '{token_type, expires_in, errorCode, errorMessage, errorDetails}'
        """#)
}
