import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// What of a plan the API server's own policy can inject. That pods get the same either way is what hack/check-policy shows, with
/// the policy itself.
@Suite struct CompiledPlanTests {
    private static let role = "arn:aws:iam::111122223333:role/bedrock"
    private static let aws = ["eks.amazonaws.com/role-arn": role, "lanyard.dev/aws-region": "eu-north-1"]
    private static let azure = [
        "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ]
    private static let google = [
        "cloud.google.com/workload-identity-provider":
            "projects/123/locations/global/workloadIdentityPools/clusters/providers/prod"
    ]
    private static let alibaba = [
        "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
        "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/p",
    ]
    private static let vault = ["lanyard.dev/vault-path.groq": "secret/data/ai/groq", "lanyard.dev/vault-role": "llm"]

    private func compiled(
        _ annotations: [String: String], on platform: Platform = .selfManaged, mounts: Bool = true,
        beside webhooks: [String] = [], vaultInjector: Components.VaultInjector = .present
    ) throws -> CompiledPlan? {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.vault.allowedPaths = ["secret/data/**"]
        configuration.azure.tenantID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        var facts = PlatformFacts.offline(platform, isPublic: true)
        facts.components.vaultInjector = vaultInjector
        return try CompiledPlan(
            mountsServiceAccountToken: mounts, requestLabels: Labels.asking,
            beside: ManagedWebhook.present(on: platform, configurations: webhooks)
        ) { pod in
            Plan(
                for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations, pod: pod,
                facts: facts, configuration: configuration)
        }
    }

    @Test("the entry of an identity has all that its pods get, and what makes a pod another's")
    func hasAll() throws {
        let plan = try #require(try compiled(Self.aws))
        #expect(
            plan.json == [
                "hash": .string(plan.hash), "injected": "aws-bedrock=aws-web-identity",
                "volumes": [
                    [
                        "name": "lanyard-aws-bedrock",
                        "projected": [
                            "sources": [
                                [
                                    "serviceAccountToken": [
                                        "audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token",
                                    ]
                                ]
                            ]
                        ],
                    ]
                ],
                "mounts": [
                    [
                        "mount": [
                            "name": "lanyard-aws-bedrock",
                            "mountPath": "/var/run/secrets/lanyard.dev/aws-bedrock", "readOnly": true,
                        ]
                    ]
                ],
                "groups": [
                    [
                        "unlessAnySet": true,
                        "env": [
                            ["name": "AWS_DEFAULT_REGION", "value": "eu-north-1"],
                            ["name": "AWS_REGION", "value": "eu-north-1"],
                        ],
                    ],
                    [
                        "env": [
                            ["name": "AWS_ROLE_ARN", "value": .string(Self.role)],
                            [
                                "name": "AWS_WEB_IDENTITY_TOKEN_FILE",
                                "value": "/var/run/secrets/lanyard.dev/aws-bedrock/token",
                            ],
                        ]
                    ],
                ],
                "fixedVariables": [
                    "AWS_ROLE_ARN": .string(Self.role),
                    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/lanyard.dev/aws-bedrock/token",
                ],
                "absentVariables": ["AWS_CONTAINER_CREDENTIALS_FULL_URI"],
                // With the tenant that the configuration has, this label asks for Azure OpenAI.
                "exceptLabels": ["azure.workload.identity/use": "true"],
            ])
    }

    @Test("roles of single containers are kept apart, and no container may set one of its own")
    func keepsContainersApart() throws {
        let roles = "app=\(Self.role),proxy=arn:aws:iam::444455556666:role/b"
        let json = try #require(try compiled(["lanyard.dev/aws-role-arns": roles])).json
        #expect(json["oneOfContainers"] == [["app", "proxy"]])
        #expect(json["mounts"]?.array?.map { $0["containers"] } == [["app", "proxy"]])
        #expect(json["groups"]?.array?.map { $0["containers"] } == [["app"], ["proxy"]])
        #expect(json["absentVariables"]?.array?.contains("AWS_ROLE_ARN") == true)
        #expect(json["fixedVariables"]?["AWS_ROLE_ARN"] == nil)
    }

    @Test("a plan that depends on the API server's token says so", arguments: [true, false])
    func dependsOnToken(mounts: Bool) throws {
        let json = try compiled(Self.vault, mounts: mounts)?.json
        // Without the token nothing is injected at all.
        #expect(json?["automountServiceAccountToken"] == (mounts ? true : nil))
        #expect((json == nil) == !mounts)
        #expect(try compiled(Self.azure, mounts: mounts)?.json["automountServiceAccountToken"] == nil)
    }

    @Test(
        "an identity is left to the webhook, whole, where a policy cannot do what the webhook does",
        arguments: [
            (
                Platform.eks, Self.aws.merging(Self.azure) { $1 }, [],
                "aws-bedrock: a webhook of the platform may serve irsa, and has to run first"
            ),
            (
                .selfManaged, Self.aws, ["pod-identity-webhook"],
                "aws-bedrock: a webhook of the platform may serve aws-web-identity, and has to run first"
            ),
            (
                .ack, Self.alibaba, [],
                "alibaba-modelstudio: a webhook of the platform may serve alibaba-rrsa, and has to run first"
            ),
            (
                .selfManaged, Self.google, ["gcp-workload-identity-federation-webhook"],
                "google-vertex: a webhook of the platform may serve gcp-workload-identity-federation, and has to run first"
            ),
            (
                .selfManaged, Self.vault.merging(["lanyard.dev/secret-delivery": "vault-csi"]) { $1 }, [],
                "groq: vault-csi refers to an object in the namespace"
            ),
            (
                .selfManaged, Self.vault.merging(["lanyard.dev/secret-delivery": "external-secret"]) { $1 }, [],
                "groq: external-secret refers to an object in the namespace"
            ),
            (
                .selfManaged, Self.aws.merging(["lanyard.dev/aws-session-name-from-pod": "true"]) { $1 }, [],
                "aws-bedrock: AWS_ROLE_SESSION_NAME depends on the pod"
            ),
            (
                .selfManaged, Self.azure.merging(["lanyard.dev/providers": "openai"]) { $1 }, [],
                "openai: it has no usable mechanism"
            ),
        ] as [(Platform, [String: String], [String], String)])
    func leavesToWebhook(
        platform: Platform, annotations: [String: String], webhooks: [String], reason: String
    ) throws {
        #expect(throws: CompiledPlan.LeftToWebhook(reason: reason)) {
            try compiled(annotations, on: platform, beside: webhooks)
        }
    }

    @Test(
        "pods that require what they cannot have are left to the webhook, which denies them",
        arguments: [
            (vault, .present, nil),
            (vault, .absent, "required"),
            (azure.merging(["lanyard.dev/providers": "azure-openai,none"]) { $1 }, .present, "required"),
            (azure.merging(["lanyard.dev/token-expiration": "soon"]) { $1 }, .present, nil),
            (alibaba, .present, "required"),
        ] as [([String: String], Components.VaultInjector, String?)])
    func leavesRequired(annotations: [String: String], injector: Components.VaultInjector, left: String?) throws {
        let json = try #require(try compiled(annotations, vaultInjector: injector)).json
        #expect(json["exceptLabels"]?["lanyard.dev/inject"]?.string == left)
    }

    @Test("what asks for nothing, or is left alone, has no entry", arguments: [[:], ["lanyard.dev/inject": "false"]])
    func hasNothing(inject: [String: String]) throws {
        #expect(try compiled(inject.isEmpty ? [:] : inject.merging(Self.azure) { $1 }) == nil)
    }
}
