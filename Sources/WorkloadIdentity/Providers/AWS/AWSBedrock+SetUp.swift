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
                    "Whom the role trusts: EKS, which hands it to the ServiceAccounts that it is associated with.",
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
                    So Lanyard has to be told: by the annotation below, or for all of them in its configuration, with \
                    aws.podIdentity.identities: [{namespace: …, serviceAccount: …}].
                    """),
            ],
            annotations: ["lanyard.dev/mechanism.aws-bedrock=eks-pod-identity", "lanyard.dev/aws-region=${REGION}"])
    }
}

extension IRSA {
    func setUp(_ request: SetUpRequest) -> SetUp {
        AWSRole(request).webIdentity(
            """
            EKS' own webhook injects the same volume and variables: it and Lanyard agree, whichever runs first.
            """,
            annotations: ["eks.amazonaws.com/role-arn=${ROLE_ARN}", "lanyard.dev/aws-region=${REGION}"])
    }
}

extension AWSWebIdentity {
    func setUp(_ request: SetUpRequest) -> SetUp {
        // On EKS the same annotation means IRSA.
        let force: [ShellText] =
            request.facts.platform == .eks ? ["lanyard.dev/mechanism.aws-bedrock=aws-web-identity"] : []
        return AWSRole(request).webIdentity(
            "The token is in a volume of Lanyard's, which works on every platform.",
            annotations: force + ["eks.amazonaws.com/role-arn=${ROLE_ARN}", "lanyard.dev/aws-region=${REGION}"])
    }
}

/// The role that a ServiceAccount gets, whoever hands it out.
private struct AWSRole {
    var variables: [SetUp.Variable]
    private var audience: SetUp.Variable

    init(_ request: SetUpRequest) {
        // arn:PARTITION:iam::ACCOUNT:role/PATH/NAME
        let arn = request.inputs[.awsRoleARN]
        let parts = arn?.split(separator: ":", omittingEmptySubsequences: false).map(String.init) ?? []
        let resource = parts.last?.split(separator: "/").dropFirst().map(String.init) ?? []
        let path = resource.dropLast().map { "/\($0)" }.joined() + "/"
        audience = .init("AUDIENCE", .known(request.inputs[.awsAudience] ?? request.configuration.aws.audience))
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
        The role. One that exists keeps its trust: then add the statement to its policy with `aws iam \
        update-assume-role-policy`, which replaces the whole.
        """,
        #"""
        aws iam create-role --role-name "$ROLE_NAME" --path "$ROLE_PATH" \
          --assume-role-policy-document "$TRUST_POLICY"
        ROLE_ARN=$(aws iam get-role --role-name "$ROLE_NAME" --query Role.Arn --output text)
        """#)

    static let permission = SetUp.Step(
        """
        What it may do: call models, and nothing else. Name the models in place of the stars where they are known; \
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

    /// The exchange of the cluster's token at STS.
    func webIdentity(_ note: String, annotations: [ShellText]) -> SetUp {
        SetUp(
            issuer: .fetched(by: "AWS"), variables: [audience] + variables,
            steps: [
                .init(
                    """
                    An IAM OIDC provider for the issuer, once in the account of the role. If there is one, the first command \
                    fails, and the second adds the audience to it.
                    """,
                    #"""
                    OIDC_PROVIDER_ARN="arn:${PARTITION}:iam::${ACCOUNT_ID}:oidc-provider/${ISSUER#https://}"
                    aws iam create-open-id-connect-provider --url "$ISSUER" --client-id-list "$AUDIENCE"
                    aws iam add-client-id-to-open-id-connect-provider \
                      --open-id-connect-provider-arn "$OIDC_PROVIDER_ARN" --client-id "$AUDIENCE"
                    """#),
                .init(
                    """
                    Whom the role trusts: this ServiceAccount alone. The keys of the condition are the issuer without \
                    https://, to the letter.
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
                    """),
                Self.creation, Self.permission,
                .init(
                    "Try the trust: this prints the subject. \(note)",
                    #"""
                    aws sts assume-role-with-web-identity --role-arn "$ROLE_ARN" --role-session-name lanyard-explain \
                      --web-identity-token "$(kubectl create token "$SERVICE_ACCOUNT" --namespace "$NAMESPACE" --audience "$AUDIENCE")" \
                      --region "$REGION" --query SubjectFromWebIdentityToken --output text
                    """#),
            ],
            annotations: annotations)
    }
}
