// https://docs.aws.amazon.com/eks/latest/userguide/pod-id-agent-setup.html
// https://docs.aws.amazon.com/eks/latest/userguide/iam-roles-for-service-accounts.html
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html

extension EKSPodIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        let role = AWSRole(request)
        return SetUp(
            variables: [.init("CLUSTER", .placeholder("EKS cluster"))] + role.variables + [
                .init("CLUSTER_REGION", .expression("\"$REGION\""), remark: "of the EKS cluster")
            ],
            steps: [
                .init(
                    """
                    The agent, once in a cluster. Skip this if `kubectl get daemonset eks-pod-identity-agent --namespace \
                    kube-system` finds it, and with EKS Auto Mode, which has its own.
                    """,
                    """
                    aws eks create-addon --cluster-name "$CLUSTER" --region "$CLUSTER_REGION" --addon-name eks-pod-identity-agent
                    """),
                .init(
                    "The trust policy: EKS, which hands the role to the ServiceAccounts that are associated with it.",
                    """
                    TRUST_POLICY=$(cat <<JSON
                    {
                      "Version": "2012-10-17",
                      "Statement": [
                        {
                          "Effect": "Allow",
                          "Principal": {"Service": "pods.eks.amazonaws.com"},
                          "Action": ["sts:AssumeRole", "sts:TagSession"]
                        }
                      ]
                    }
                    JSON
                    )
                    """),
                AWSRole.creation, AWSRole.permission,
                .init(
                    "The association. It lives in the EKS API, where the cluster does not see it.",
                    #"""
                    aws eks create-pod-identity-association --cluster-name "$CLUSTER" --region "$CLUSTER_REGION" \
                      --namespace "$NAMESPACE" --service-account "$SERVICE_ACCOUNT" --role-arn "$ROLE_ARN"
                    """#),
                .init(
                    """
                    Therefore Lanyard must be told: by the annotation below, or for all of them in its configuration, by \
                    aws.podIdentity.identities: [{namespace: …, serviceAccount: …}].
                    """),
            ],
            annotations: ["lanyard.dev/mechanism.aws-bedrock=eks-pod-identity", "lanyard.dev/aws-region=${REGION}"],
            trial: [AWSRole.podTrial],
            removal: [
                .init(
                    "The association.",
                    #"""
                    aws eks delete-pod-identity-association --cluster-name "$CLUSTER" --region "$CLUSTER_REGION" \
                      --association-id "$(aws eks list-pod-identity-associations --cluster-name "$CLUSTER" \
                        --region "$CLUSTER_REGION" --namespace "$NAMESPACE" --service-account "$SERVICE_ACCOUNT" \
                        --query 'associations[0].associationId' --output text)"
                    """#),
                AWSRole.removal,
            ])
    }
}

extension IRSA {
    func setUp(_ request: SetUpRequest) -> SetUp {
        AWSRole(request).webIdentity("EKS' own webhook injects the same: it and Lanyard agree, whichever runs first.")
    }
}

extension AWSWebIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        // On EKS the same annotation means IRSA.
        let force: [ShellText] =
            request.facts.platform == .eks ? ["lanyard.dev/mechanism.aws-bedrock=aws-web-identity"] : []
        return AWSRole(request).webIdentity("Works on every platform.", force)
    }
}

/// The role that a ServiceAccount gets, whoever hands it out.
struct AWSRole {
    var variables: [SetUp.Variable]
    private let audience: SetUp.Variable
    private let second: AWSAssumedRole.Trust?
    /// The roles of single containers, where there is none for all.
    private let ofContainers: [(container: String, role: String)]

    init(_ request: SetUpRequest) {
        let roles = AWSRoles(request.inputs)
        ofContainers = roles.ofAll == nil ? roles.ofContainers : []
        // arn:PARTITION:iam::ACCOUNT:role/PATH/NAME
        let arn = roles.ofAll ?? roles.ofContainers.first?.role
        let parts = arn?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
        let resource = parts.last?.split(separator: "/").dropFirst().map(String.init) ?? []
        let path = resource.dropLast().map { "/\($0)" }.joined() + "/"
        audience = .init("AUDIENCE", .known(request.inputs[.awsAudience] ?? request.configuration.aws.audience))
        second = AWSAssumedRole.Trust(request)
        variables = [
            .init(
                "REGION", request.inputs[.awsRegion] ?? request.configuration.aws.region,
                or: .placeholder("region whose models are called")),
            .init("PARTITION", .known(parts.count > 1 ? parts[1] : "aws"), remark: "aws-cn in China"),
            .init(
                "ACCOUNT_ID", parts.count > 4 ? parts[4] : nil,
                or: .expression("$(aws sts get-caller-identity --query Account --output text)"),
                remark: "of the role"),
            .init("ROLE_NAME", resource.last, or: .expression("\"$NAME\""), remark: "64 characters at most"),
            .init("ROLE_PATH", .known(arn == nil ? "/" : path)),
        ]
    }

    static let creation = SetUp.Step(
        """
        The role. If it exists, add the statement to its trust policy with `aws iam update-assume-role-policy`, which \
        replaces the whole policy.
        """,
        #"""
        aws iam create-role --role-name "$ROLE_NAME" --path "$ROLE_PATH" \
          --assume-role-policy-document "$TRUST_POLICY"
        ROLE_ARN=$(aws iam get-role --role-name "$ROLE_NAME" --query Role.Arn --output text)
        """#)

    static let permission = SetUp.Step(
        """
        The permissions: call models, and nothing else. Name the models in place of the stars where they are known; \
        Converse needs these two actions as well.
        """,
        #"""
        PERMISSIONS=$(cat <<JSON
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": ["bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"],
              "Resource": [
                "arn:${PARTITION}:bedrock:*::foundation-model/*",
                "arn:${PARTITION}:bedrock:*:${ACCOUNT_ID}:inference-profile/*"
              ]
            }
          ]
        }
        JSON
        )
        aws iam put-role-policy --role-name "$ROLE_NAME" --policy-name bedrock-invoke --policy-document "$PERMISSIONS"
        """#)

    static let removal = SetUp.Step(
        "The role, unless it serves others too.",
        #"""
        aws iam delete-role-policy --role-name "$ROLE_NAME" --policy-name bedrock-invoke
        aws iam delete-role --role-name "$ROLE_NAME"
        """#)

    /// What a container gets, asked for by the CLI in a pod.
    static let podTrial = SetUp.Step(
        """
        Try it in a pod: this prints the role's session. The namespace must admit the pod; where it enforces the restricted \
        Pod Security Standard, run the same command in a container of the application.
        """,
        #"""
        kubectl run lanyard-explain --namespace "$NAMESPACE" --rm --attach --quiet --restart=Never \
          --overrides="{\"spec\": {\"serviceAccountName\": \"${SERVICE_ACCOUNT}\"}}" \
          --image=public.ecr.aws/aws-cli/aws-cli -- sts get-caller-identity --query Arn --output text
        """#)

    /// The exchange of the cluster's token at STS.
    func webIdentity(_ note: String, _ force: [ShellText] = []) -> SetUp {
        let several = ofContainers.map { "\($0.container) has \($0.role)" }.joined(separator: ", ")
        let repetition = SetUp.Step(
            "The containers have roles of their own: \(several). Do the steps above for each of them, by ROLE_NAME.")
        let identity: [ShellText] = ofContainers.isEmpty ? ["eks.amazonaws.com/role-arn=${ROLE_ARN}"] : []
        return SetUp(
            issuer: .fetched(by: ["AWS"]), variables: [audience] + variables + (second?.variables ?? []),
            steps: [Self.oidcProvider, Self.trust, Self.creation]
                + (second?.steps ?? [Self.permission]) + (ofContainers.isEmpty ? [] : [repetition]),
            annotations: force + identity + (second?.annotations ?? []) + ["lanyard.dev/aws-region=${REGION}"],
            trial: [
                .init(
                    "Try the trust: this prints the subject. \(note)",
                    #"""
                    kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE" | tr -d '\n' |
                      aws sts assume-role-with-web-identity --role-session-name lanyard-explain --role-arn "$ROLE_ARN" \
                        --web-identity-token file:///dev/stdin --region "$REGION" \
                        --query SubjectFromWebIdentityToken --output text
                    """#)
            ] + (second == nil ? [] : [Self.podTrial]),
            removal: (second?.removal ?? [Self.removal]) + [Self.oidcProviderRemoval])
    }

    private static let oidcProvider = SetUp.Step(
        """
        An IAM OIDC provider for the issuer, once in the account of the role. If there is one, the first command fails, and \
        the second adds the audience to it.
        """,
        #"""
        OIDC_PROVIDER_ARN="arn:${PARTITION}:iam::${ACCOUNT_ID}:oidc-provider/${ISSUER#https://}"
        aws iam create-open-id-connect-provider --url "$ISSUER" --client-id-list "$AUDIENCE"
        aws iam add-client-id-to-open-id-connect-provider \
          --open-id-connect-provider-arn "$OIDC_PROVIDER_ARN" --client-id "$AUDIENCE"
        """#)

    private static let oidcProviderRemoval = SetUp.Step(
        "The IAM OIDC provider, once no role trusts this cluster any more.",
        #"""
        aws iam delete-open-id-connect-provider \
          --open-id-connect-provider-arn "arn:${PARTITION}:iam::${ACCOUNT_ID}:oidc-provider/${ISSUER#https://}"
        """#)

    private static let trust = SetUp.Step(
        """
        The trust policy: this ServiceAccount alone. The keys of the condition are the issuer without https://, to the letter.
        """,
        """
        TRUST_POLICY=$(cat <<JSON
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Principal": {"Federated": "${OIDC_PROVIDER_ARN}"},
              "Action": "sts:AssumeRoleWithWebIdentity",
              "Condition": {
                "StringEquals": {
                  "${ISSUER#https://}:sub": "${SUBJECT}",
                  "${ISSUER#https://}:aud": "${AUDIENCE}"
                }
              }
            }
          ]
        }
        JSON
        )
        """)
}
