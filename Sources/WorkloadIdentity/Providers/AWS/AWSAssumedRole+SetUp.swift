// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-user_externalid.html

extension AWSAssumedRole {
    /// What the second role needs: the first one may assume it, and it alone calls models.
    struct Trust {
        let variables: [SetUp.Variable]
        let annotations: [ShellText]
        let steps: [SetUp.Step]

        /// `nil`: there is no second role.
        init?(_ request: SetUpRequest) {
            guard let arn = request.inputs[.awsAssumeRoleARN] else { return nil }
            // arn:PARTITION:iam::ACCOUNT:role/PATH/NAME
            let parts = arn.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
            let resource = parts.last?.split(separator: "/").dropFirst().map(String.init) ?? []
            let path = resource.dropLast().map { "/\($0)" }.joined() + "/"
            let externalID = request.inputs[.awsExternalID]
            variables =
                [
                    .init("SECOND_ROLE_ARN", .known(arn)),
                    .init("SECOND_ACCOUNT_ID", .known(parts.count > 4 ? parts[4] : "")),
                    .init("SECOND_ROLE_NAME", .known(resource.last ?? "")), .init("SECOND_ROLE_PATH", .known(path)),
                    .init(
                        "SECOND_PROFILE", .placeholder("profile of the AWS CLI for the account of the second role")),
                ] + (externalID.map { [.init("EXTERNAL_ID", .known($0))] } ?? [])
            annotations =
                ["lanyard.dev/aws-assume-role-arn=${SECOND_ROLE_ARN}"]
                + (externalID == nil ? [] : ["lanyard.dev/aws-external-id=${EXTERNAL_ID}"])
            steps = [
                Self.assumption, externalID == nil ? Self.trust : Self.trustWithExternalID, Self.creation,
                Self.permission, Self.readers(withExternalID: externalID != nil),
            ]
        }

        /// What the SDKs did when they were run with such a file, in these versions or later.
        private static func readers(withExternalID: Bool) -> SetUp.Step {
            .init(
                """
                Which SDKs can use the second role: it stands in a file that AWS_CONFIG_FILE names, and an SDK must read it. \
                Python (botocore 1.29), Go (version 2, and version 1 with AWS_SDK_LOAD_CONFIG, which Lanyard sets), \
                JavaScript version 3, Ruby and rclone do; so do Rust's aws-config, but without the session's duration, and C's \
                aws-c-auth, whose sessions always last 900 seconds. JavaScript version 2 \
                \(withExternalID
                    ? "sends no external id, so it cannot use this role" : "does, but without the session's duration"). \
                C++ (such as pyarrow), Rust's object_store (obstore) and reqsign (opendal) do not read it. What cannot use the \
                second role finds no credentials, since Lanyard sets AWS_EC2_METADATA_DISABLED; a container that sets it \
                otherwise, and object_store, which ignores it, call as the node's role. Keep pods off the node's metadata.
                """)
        }

        private static let assumption = SetUp.Step(
            "The permission of the first role: assume the second one, and nothing else.",
            #"""
            ASSUMPTION=$(cat <<JSON
            {
              "Version": "2012-10-17",
              "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "${SECOND_ROLE_ARN}"}]
            }
            JSON
            )
            aws iam put-role-policy --role-name "$ROLE_NAME" --policy-name assume-second-role --policy-document "$ASSUMPTION"
            """#)

        private static let trust = SetUp.Step(
            "The second role's trust policy: the first role. No external id is annotated (lanyard.dev/aws-external-id).",
            #"""
            SECOND_TRUST_POLICY=$(cat <<JSON
            {
              "Version": "2012-10-17",
              "Statement": [{"Effect": "Allow", "Principal": {"AWS": "${ROLE_ARN}"}, "Action": "sts:AssumeRole"}]
            }
            JSON
            )
            """#)

        private static let trustWithExternalID = SetUp.Step(
            "The second role's trust policy: the first role, with the external id.",
            #"""
            SECOND_TRUST_POLICY=$(cat <<JSON
            {
              "Version": "2012-10-17",
              "Statement": [
                {
                  "Effect": "Allow",
                  "Principal": {"AWS": "${ROLE_ARN}"},
                  "Action": "sts:AssumeRole",
                  "Condition": {"StringEquals": {"sts:ExternalId": "${EXTERNAL_ID}"}}
                }
              ]
            }
            JSON
            )
            """#)

        private static let creation = SetUp.Step(
            """
            The second role, in its own account. If it exists, add the statement to its trust policy with `aws iam \
            update-assume-role-policy`, which replaces the whole policy.
            """,
            #"""
            aws iam create-role --profile "$SECOND_PROFILE" --role-name "$SECOND_ROLE_NAME" --path "$SECOND_ROLE_PATH" \
              --assume-role-policy-document "$SECOND_TRUST_POLICY"
            """#)

        private static let permission = SetUp.Step(
            """
            The permissions of the second role: call models, and nothing else. Name the models in place of the stars where \
            they are known; Converse needs these two actions as well.
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
                    "arn:${PARTITION}:bedrock:*:${SECOND_ACCOUNT_ID}:inference-profile/*"
                  ]
                }
              ]
            }
            JSON
            )
            aws iam put-role-policy --profile "$SECOND_PROFILE" --role-name "$SECOND_ROLE_NAME" \
              --policy-name bedrock-invoke --policy-document "$PERMISSIONS"
            """#)

        var removal: [SetUp.Step] {
            [
                .init(
                    "The second role, unless it serves others too.",
                    #"""
                    aws iam delete-role-policy --profile "$SECOND_PROFILE" --role-name "$SECOND_ROLE_NAME" \
                      --policy-name bedrock-invoke
                    aws iam delete-role --profile "$SECOND_PROFILE" --role-name "$SECOND_ROLE_NAME"
                    """#),
                .init(
                    "The first role, unless it serves others too.",
                    #"""
                    aws iam delete-role-policy --role-name "$ROLE_NAME" --policy-name assume-second-role
                    aws iam delete-role --role-name "$ROLE_NAME"
                    """#),
            ]
        }
    }
}
