import JSON
import PodInjection
import Testing
import WorkloadIdentity

@Suite struct InjectionTests {
    static let aws = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]
    static let azure = [
        "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
    ]
    static let google = [
        "cloud.google.com/workload-identity-provider":
            "projects/123/locations/global/workloadIdentityPools/clusters/providers/prod",
        "cloud.google.com/service-account-email": "llm@proj.iam.gserviceaccount.com",
    ]
    static let vault = ["lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm"]

    static func pod(
        env: JSONValue? = nil, mounts: JSONValue? = nil, volumes: JSONValue? = nil, annotations: [String: String] = [:],
        containers: [JSONValue]? = nil, spec extra: JSONObject = [:]
    ) -> JSONValue {
        var container: JSONValue = ["name": "app", "image": "app:1"]
        container["env"] = env
        container["volumeMounts"] = mounts
        var pod: JSONValue = [
            "apiVersion": "v1", "kind": "Pod", "metadata": ["name": "p"],
            "spec": ["containers": .array(containers ?? [container])],
        ]
        if let volumes { pod["spec"]?["volumes"] = volumes }
        for (key, value) in extra { pod["spec"]?[key] = value }
        if !annotations.isEmpty { pod["metadata"]?["annotations"] = .object(JSONObject(annotations)) }
        return pod
    }

    static func inject(
        _ pod: JSONValue, _ annotations: [String: String], on platform: Platform = .eks,
        configuration: Configuration = Configuration()
    ) -> Injection {
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: pod), facts: .offline(platform, isPublic: true), configuration: configuration)
        return Injection(of: plan, into: pod)
    }

    @Test("IRSA is injected exactly as EKS' webhook does, and the pod is stamped")
    func injectsIRSA() throws {
        let pod = Self.pod()
        let injection = Self.inject(pod, Self.aws)
        let plan = try #require(injection.patch.json.array?.first?["value"]?["lanyard.dev/plan"]?.string)
        #expect(
            injection.patch.json == [
                [
                    "op": "add", "path": "/metadata/annotations",
                    "value": [
                        "lanyard.dev/injected": "aws-bedrock=irsa", "lanyard.dev/plan": .string(plan),
                        "lanyard.dev/problems": .string(injection.stamp.problems.joined(separator: "\n")),
                    ],
                ],
                [
                    "op": "add", "path": "/spec/volumes",
                    "value": [
                        [
                            "name": "aws-iam-token",
                            "projected": [
                                "sources": [
                                    [
                                        "serviceAccountToken": [
                                            "audience": "sts.amazonaws.com", "expirationSeconds": 86400,
                                            "path": "token",
                                        ]
                                    ]
                                ]
                            ],
                        ]
                    ],
                ],
                [
                    "op": "add", "path": "/spec/containers/0/env",
                    "value": [
                        ["name": "AWS_ROLE_ARN", "value": "arn:aws:iam::111122223333:role/bedrock"],
                        [
                            "name": "AWS_WEB_IDENTITY_TOKEN_FILE",
                            "value": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
                        ],
                    ],
                ],
                [
                    "op": "add", "path": "/spec/containers/0/volumeMounts",
                    "value": [
                        [
                            "name": "aws-iam-token", "mountPath": "/var/run/secrets/eks.amazonaws.com/serviceaccount",
                            "readOnly": true,
                        ]
                    ],
                ],
            ])
    }

    @Test(
        "applied to its own result it changes nothing",
        arguments: [aws, azure, google, vault, aws.merging(azure) { $1 }.merging(google) { $1 }.merging(vault) { $1 }],
        [Platform.eks, .gke, .selfManaged])
    func isIdempotent(annotations: [String: String], platform: Platform) throws {
        let first = Self.inject(Self.pod(), annotations, on: platform)
        #expect(!first.injected.isEmpty)
        let result = try Self.pod().applying(first.patch)
        let second = Self.inject(result, annotations, on: platform)
        #expect(second.patch.isEmpty && second.isInPlace)
        var forged = Self.pod()
        forged["metadata"]?["annotations"] = ["lanyard.dev/plan": "copied", "lanyard.dev/injected": "copied"]
        // On GKE a pod needs nothing added for Vertex.
        #expect(
            Self.inject(forged, annotations, on: platform).isInPlace == (platform == .gke && annotations == Self.google)
        )
        #expect(second.problems == first.problems)
    }

    @Test("recognizes its volume after the API server has filled in defaults")
    func recognizesDefaultedVolume() throws {
        let first = Self.inject(Self.pod(), Self.google)
        var result = try Self.pod().applying(first.patch)
        let field = "metadata.annotations['lanyard.dev/google-vertex-credentials']"
        let written: JSONValue = ["fieldPath": .string(field)]
        let defaulted: JSONValue = ["apiVersion": "v1", "fieldPath": .string(field)]
        let volumes = try #require(result["spec"]?["volumes"]).serializedString()
        #expect(volumes.contains(written.serializedString()))
        let text = volumes.split(separator: written.serializedString()).joined(separator: defaulted.serializedString())
        var volume = try #require(try JSONValue(parsing: Array(text.utf8)).array?.first)
        volume["projected"]?["defaultMode"] = 420
        result["spec"]?["volumes"] = [volume]
        #expect(Self.inject(result, Self.google).patch.isEmpty)
    }

    @Test("everything that was in the pod is still there, and nothing is replaced")
    func addsOnly() throws {
        let pod = Self.pod(
            env: [["name": "A", "value": "1"], ["name": "B", "valueFrom": ["fieldRef": ["fieldPath": "x"]]]],
            mounts: [["name": "data", "mountPath": "/data"]], volumes: [["name": "data", "emptyDir": [:]]],
            annotations: ["team": "x"], spec: ["fieldOfTheFuture": ["deep": [1, "x"]]])
        let annotations = Self.aws.merging(Self.azure) { $1 }.merging(Self.google) { $1 }
        let injection = Self.inject(pod, annotations)
        #expect(injection.patch.operations.allSatisfy { if case .add = $0 { true } else { false } })
        let result = try pod.applying(injection.patch)
        #expect(result["spec"]?["fieldOfTheFuture"] == pod["spec"]?["fieldOfTheFuture"])
        let container = try #require(result["spec"]?["containers"]?.array?.first)
        let before = try #require(pod["spec"]?["containers"]?.array?.first)
        for list in ["env", "volumeMounts"] {
            let old = try #require(before[list]?.array)
            let new = try #require(container[list]?.array)
            #expect(Array(new.prefix(old.count)) == old)
        }
        let volume: JSONValue = ["name": "data", "emptyDir": [:]]
        #expect(result["spec"]?["volumes"]?.array?.first == volume)
        #expect(result["metadata"]?["annotations"]?["team"] == "x")
    }

    @Test("no path of Lanyard's holds the word by which the Vault injector looks for a token")
    func avoidsServiceAccountPath() throws {
        let annotations = Self.aws.merging(Self.azure) { $1 }.merging(Self.google) { $1 }.merging(Self.vault) { $1 }
        var configuration = Configuration()
        configuration.vault.audience = "vault"
        let result = try Self.pod().applying(
            Self.inject(Self.pod(), annotations, on: .selfManaged, configuration: configuration).patch)
        let mounts = try #require(result["spec"]?["containers"]?.array?.first?["volumeMounts"]?.array)
        #expect(mounts.count == 3)
        for mount in mounts { #expect(mount["mountPath"]?.string?.contains("serviceaccount") == false) }
        let volumes = result["spec"]?["volumes"]?.array?.compactMap { $0["name"]?.string }
        #expect(
            volumes == ["lanyard-aws-bedrock", "lanyard-azure-openai", "lanyard-google-vertex", "lanyard-vault-token"])
    }

    // MARK: What the user set

    @Test("another role in a container is the user's choice: nothing is added there, and without a token it is lacking")
    func keepsOtherRole() {
        let injection = Self.inject(Self.pod(env: [["name": "AWS_ROLE_ARN", "value": "arn:other"]]), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.patch.json.array?.count == 1)
        #expect(injection.patch.json.array?.first?["value"]?["lanyard.dev/injected"] == "aws-bedrock=lacking")
        #expect(injection.problems.map(\.reason).contains(.userValueKept))
    }

    @Test("a group that the user began with our own value is completed")
    func completesGroup() throws {
        let role = try #require(Self.aws.values.first)
        let pod = Self.pod(env: [["name": "AWS_ROLE_ARN", "value": .string(role)]])
        let result = try pod.applying(Self.inject(pod, Self.aws).patch)
        let container = try #require(result["spec"]?["containers"]?.array?.first)
        #expect(
            container["env"]?.array?.compactMap { $0["name"]?.string } == [
                "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
            ])
        #expect(container["volumeMounts"]?.array?.count == 1)
    }

    @Test("a region that the user set in either variable keeps both from being added")
    func keepsRegion() throws {
        var configuration = Configuration()
        configuration.aws.region = "us-east-1"
        let pod = Self.pod(env: [["name": "AWS_REGION", "value": "eu-west-1"]])
        let result = try pod.applying(Self.inject(pod, Self.aws, configuration: configuration).patch)
        let names = result["spec"]?["containers"]?.array?.first?["env"]?.array?.compactMap { $0["name"]?.string }
        #expect(names == ["AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"])
    }

    @Test("of Azure's variables each one is the user's or ours")
    func completesAzure() throws {
        let pod = Self.pod(env: [["name": "AZURE_CLIENT_ID", "value": "mine"]])
        let env = try pod.applying(Self.inject(pod, Self.azure).patch)["spec"]?["containers"]?.array?.first?["env"]?
            .array
        #expect(env?.first?["value"] == "mine")
        #expect(
            env?.compactMap { $0["name"]?.string }
                == ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"])
    }

    @Test("a token file of the user's own needs no mount")
    func mountsOnlyWhatIsRead() {
        let pod = Self.pod(env: [["name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/mine"]])
        let injection = Self.inject(pod, Self.azure)
        #expect(injection.injected.isEmpty)
        #expect(injection.patch.json.serializedString().contains("volume") == false)
    }

    @Test("a value from elsewhere counts as the user's")
    func respectsValueFrom() {
        let source: JSONValue = ["secretKeyRef": ["name": "s", "key": "k"]]
        let injection = Self.inject(Self.pod(env: [["name": "AWS_ROLE_ARN", "valueFrom": source]]), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.contains { $0.reason == .userValueKept })
    }

    @Test("what envFrom may define is a warning, not a guess")
    func warnsOfEnvFrom() throws {
        let container: JSONValue = ["name": "app", "envFrom": [["configMapRef": ["name": "settings"]]]]
        let injection = Self.inject(Self.pod(containers: [container]), Self.aws)
        #expect(injection.injected.count == 1)
        let problem = try #require(injection.problems.first { $0.reason == .environmentUnknown })
        #expect(
            problem.message == """
                aws-bedrock: container app: what ConfigMap settings in envFrom defines is not known: a stored key in it, such as \
                AWS_ACCESS_KEY_ID, would win over the identity, and Lanyard's value of AWS_ROLE_ARN, \
                AWS_WEB_IDENTITY_TOKEN_FILE wins over one in it; check its keys
                """)
    }

    @Test(
        "a stored credential that would win over the identity is a warning",
        arguments: [
            ("AWS_ACCESS_KEY_ID", aws), ("AWS_BEARER_TOKEN_BEDROCK", aws), ("AZURE_CLIENT_SECRET", azure),
        ])
    func warnsOfStaticCredential(variable: String, annotations: [String: String]) throws {
        let injection = Self.inject(Self.pod(env: [["name": .string(variable), "value": "x"]]), annotations)
        let problem = try #require(injection.problems.first { $0.reason == .staticCredential })
        #expect(problem.message.contains("container app: \(variable) is set"))
        #expect(injection.injected.count == 1)
    }

    @Test("with EKS Pod Identity a proxy without an exception for the agent is a warning")
    func warnsOfProxy() throws {
        let identity = ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]
        let proxy: JSONValue = ["name": "HTTP_PROXY", "value": "http://proxy:3128"]
        let injection = Self.inject(Self.pod(env: [proxy]), identity)
        let problem = try #require(injection.problems.first { $0.reason == .tokenSentToProxy })
        #expect(problem.field == "HTTP_PROXY" && injection.injected.count == 1)
        let exception: JSONValue = ["name": "NO_PROXY", "value": "localhost,169.254.170.23"]
        let excepted = Self.inject(Self.pod(env: [proxy, exception]), identity)
        #expect(!excepted.problems.contains { $0.reason == .tokenSentToProxy })
    }

    @Test("on GKE a file named by GOOGLE_APPLICATION_CREDENTIALS would win over the metadata server")
    func warnsOfCredentialFileOnGKE() {
        let pod = Self.pod(env: [["name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/key.json"]])
        let injection = Self.inject(pod, ["lanyard.dev/providers": "google-vertex"], on: .gke)
        #expect(injection.problems.contains { $0.reason == .staticCredential })
    }

    @Test("EKS Pod Identity's variables keep the web identity out, since boto3 would prefer it")
    func yieldsToPodIdentity() {
        let env: JSONValue = [
            ["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"]
        ]
        let injection = Self.inject(Self.pod(env: env), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.map(\.reason) == [.anotherIdentity])
    }

    // MARK: Volumes and mounts

    @Test("a volume of our name and other content blocks the binding")
    func refusesTakenVolume() throws {
        let pod = Self.pod(volumes: [["name": "aws-iam-token", "hostPath": ["path": "/x"]]])
        let injection = Self.inject(pod, Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.first { $0.reason == .volumeNameTaken }?.severity == .error)
    }

    @Test("what a managed webhook has already injected is left as it is, and a container added later is completed")
    func completesLaterContainer() throws {
        let first = try Self.pod().applying(Self.inject(Self.pod(), Self.aws).patch)
        var containers = try #require(first["spec"]?["containers"]?.array)
        containers.append(["name": "sidecar"])
        var pod = first
        pod["spec"]?["containers"] = .array(containers)
        let second = Self.inject(pod, Self.aws)
        #expect(
            second.patch.json.array?.compactMap { $0["path"]?.string }
                == [
                    "/metadata/annotations/lanyard.dev~1problems", "/spec/containers/1/env",
                    "/spec/containers/1/volumeMounts",
                ])
    }

    @Test("a path that another volume occupies keeps the binding out of that container")
    func refusesTakenPath() {
        let pod = Self.pod(
            mounts: [["name": "x", "mountPath": "/var/run/secrets/lanyard.dev/azure-openai/"]],
            volumes: [["name": "x", "emptyDir": [:]]])
        let injection = Self.inject(pod, Self.azure)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.map(\.reason) == [.mountPathTaken])
    }

    // MARK: Containers

    @Test("init containers and sidecars get it too, but not those on a skip list")
    func selectsContainers() throws {
        var pod = Self.pod(
            annotations: ["eks.amazonaws.com/skip-containers": "proxy, typo", "lanyard.dev/skip-containers": "logger"],
            containers: [["name": "app"], ["name": "proxy"], ["name": "logger"]])
        pod["spec"]?["initContainers"] = [["name": "warm-up", "restartPolicy": "Always"]]
        let injection = Self.inject(pod, Self.aws.merging(Self.azure) { $1 })
        let result = try pod.applying(injection.patch)
        func variables(_ field: String, _ index: Int) -> [String] {
            (result["spec"]?[field]?.array?[index]["env"]?.array ?? []).compactMap { $0["name"]?.string }
        }
        #expect(variables("initContainers", 0).count == 6)
        #expect(variables("containers", 0).count == 6)
        #expect(variables("containers", 1).allSatisfy { $0.hasPrefix("AZURE_") })
        #expect(variables("containers", 1).count == 4)
        #expect(variables("containers", 2).isEmpty)
        let problem = try #require(injection.problems.first { $0.reason == .unknownContainer })
        #expect(problem.message.contains("no container \"typo\""))
    }

    @Test("an include list leaves all others out")
    func includesContainers() throws {
        let pod = Self.pod(
            annotations: ["lanyard.dev/include-containers": "b"], containers: [["name": "a"], ["name": "b"]])
        let result = try pod.applying(Self.inject(pod, Self.aws).patch)
        #expect(result["spec"]?["containers"]?.array?[0]["env"] == nil)
        #expect(result["spec"]?["containers"]?.array?[1]["env"] != nil)
    }

    @Test(
        "programs on Windows get its paths, mounts keep Kubernetes' own",
        arguments: [
            ["os": ["name": "windows"]],
            ["nodeSelector": ["kubernetes.io/os": "windows"]],
            ["nodeSelector": ["beta.kubernetes.io/os": "windows"]],
        ] as [JSONObject])
    func writesWindowsPaths(spec: JSONObject) throws {
        let pod = Self.pod(spec: spec)
        let container = try #require(
            try pod.applying(Self.inject(pod, Self.google).patch)["spec"]?["containers"]?.array?.first)
        #expect(
            container["env"]?.array?.first?["value"]
                == "C:\\var\\run\\secrets\\lanyard.dev\\google-vertex\\credentials.json")
        #expect(
            container["volumeMounts"]?.array?.first?["mountPath"] == "/var/run/secrets/lanyard.dev/google-vertex")
    }

    // MARK: Files and other webhooks

    @Test("Google's credential configuration travels in an annotation that the volume reads")
    func deliversCredentialConfiguration() throws {
        let result = try Self.pod().applying(Self.inject(Self.pod(), Self.google).patch)
        let text = try #require(result["metadata"]?["annotations"]?["lanyard.dev/google-vertex-credentials"]?.string)
        #expect(
            try JSONValue(parsing: Array(text.utf8)) == [
                "type": "external_account",
                "audience":
                    "//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/clusters/providers/prod",
                "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
                "token_url": "https://sts.googleapis.com/v1/token",
                "credential_source": [
                    "file": "/var/run/secrets/lanyard.dev/google-vertex/token", "format": ["type": "text"],
                ],
                "service_account_impersonation_url":
                    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/llm@proj.iam.gserviceaccount.com:generateAccessToken",
            ])
        let env = result["spec"]?["containers"]?.array?.first?["env"]?.array
        #expect(env?.first { $0["name"] == "GOOGLE_CLOUD_PROJECT" }?["value"] == "proj")
    }

    @Test("Vault's agent is asked for one line that a shell can source")
    func annotatesForVault() throws {
        let annotations = try #require(
            try Self.pod().applying(Self.inject(Self.pod(), Self.vault).patch)["metadata"]?["annotations"])
        #expect(annotations["vault.hashicorp.com/agent-inject-containers"] == nil)
        #expect(annotations["vault.hashicorp.com/agent-inject"] == "true")
        #expect(annotations["vault.hashicorp.com/role"] == "llm")
        #expect(annotations["vault.hashicorp.com/agent-inject-secret-openai"] == "secret/data/ai/openai")
        #expect(annotations["vault.hashicorp.com/agent-inject-file-openai"] == "openai.env")
        #expect(
            annotations["vault.hashicorp.com/agent-inject-template-openai"]?.string
                == #"""
                {{- with secret "secret/data/ai/openai" -}}
                export OPENAI_API_KEY='{{ index .Data.data "api_key" | replaceAll "'" "'\\''" }}'
                {{ end -}}
                """#)
        #expect(annotations["lanyard.dev/injected"] == "openai=vault-agent")
    }

    @Test(
        "Vault's injector is told which containers are meant, if not all are",
        arguments: [
            (["lanyard.dev/skip-containers": "b"], "a,c"), (["lanyard.dev/include-containers": "c,first"], "c"),
            ([:], nil),
            (["lanyard.dev/skip-containers": "b", "vault.hashicorp.com/agent-inject-containers": "b"], "b"),
        ] as [([String: String], String?)])
    func listsContainersForVault(annotations: [String: String], list: String?) throws {
        let pod = Self.pod(
            annotations: annotations, containers: ["a", "b", "c"].map { ["name": $0] },
            spec: ["initContainers": [["name": "first"]]])
        let injected = try pod.applying(Self.inject(pod, Self.vault).patch)
        #expect(injected["metadata"]?["annotations"]?["vault.hashicorp.com/agent-inject-containers"]?.string == list)
        #expect(Self.inject(injected, Self.vault).patch.isEmpty)
    }

    @Test("Vault's injector serves no init container alone: the binding is left out, and says so")
    func leavesOutInitContainers() {
        let pod = Self.pod(
            annotations: ["lanyard.dev/include-containers": "first"],
            spec: ["initContainers": [["name": "first"]]])
        let injection = Self.inject(pod, Self.vault)
        #expect(injection.injected.isEmpty && injection.leftOut.count == 1)
        #expect(injection.problems.contains { $0.reason == .noEffect && $0.message.contains("only init containers") })
    }

    @Test("the user's role for the injector is kept; a template of theirs keeps the whole binding out")
    func respectsVaultAnnotations() throws {
        let role = Self.pod(annotations: ["vault.hashicorp.com/role": "mine"])
        let kept = try role.applying(Self.inject(role, Self.vault).patch)
        #expect(kept["metadata"]?["annotations"]?["vault.hashicorp.com/role"] == "mine")

        let template = Self.pod(annotations: ["vault.hashicorp.com/agent-inject-template-openai": "mine"])
        let injection = Self.inject(template, Self.vault)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.contains { $0.reason == .userValueKept })
        #expect(!injection.patch.json.serializedString().contains(#"/vault.hashicorp.com"#))

        let late = Self.pod(annotations: ["vault.hashicorp.com/agent-inject-status": "injected"])
        #expect(Self.inject(late, Self.vault).problems.contains { $0.reason == .annotatedTooLate })
    }

    @Test("OpenBao's injector has its own prefix")
    func annotatesForOpenBao() throws {
        var configuration = Configuration()
        configuration.vault.injector = .openbao
        let result = try Self.pod().applying(Self.inject(Self.pod(), Self.vault, configuration: configuration).patch)
        #expect(result["metadata"]?["annotations"]?["openbao.org/agent-inject-secret-openai"] != nil)
    }

    @Test("EKS Pod Identity is injected exactly as EKS' webhook does, label and all", arguments: [[:], ["app": "x"]])
    func injectsPodIdentity(labels: [String: String]) throws {
        var pod = Self.pod()
        if !labels.isEmpty { pod["metadata"]?["labels"] = .object(JSONObject(labels)) }
        let annotations = [
            "lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity", "lanyard.dev/aws-region": "eu-west-1",
        ]
        let result = try pod.applying(Self.inject(pod, annotations).patch)
        #expect(result["metadata"]?["labels"]?["eks.amazonaws.com/pod-identity"] == "enabled")
        #expect(result["metadata"]?["labels"]?.object?.count == labels.count + 1)
        let container = try #require(result["spec"]?["containers"]?.array?.first)
        #expect(
            container["env"] == [
                ["name": "AWS_DEFAULT_REGION", "value": "eu-west-1"],
                ["name": "AWS_REGION", "value": "eu-west-1"],
                ["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"],
                [
                    "name": "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
                    "value": "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount/eks-pod-identity-token",
                ],
            ])
        let volume = try #require(result["spec"]?["volumes"]?.array?.first)
        #expect(volume["name"] == "eks-pod-identity-token")
        let token = volume["projected"]?["sources"]?.array?.first?["serviceAccountToken"]
        #expect(token?["audience"] == "pods.eks.amazonaws.com" && token?["path"] == "eks-pod-identity-token")
        #expect(Self.inject(result, annotations).patch.isEmpty)
    }

    @Test("of several mechanisms for one provider the stamp names each")
    func stampsEach() throws {
        let annotations = [
            "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
            "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/p",
            "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/k", "lanyard.dev/vault-role": "llm",
        ]
        let result = try Self.pod().applying(Self.inject(Self.pod(), annotations, on: .ack).patch)
        #expect(
            result["metadata"]?["annotations"]?["lanyard.dev/injected"]
                == "alibaba-modelstudio=alibaba-rrsa,alibaba-modelstudio=vault-agent")
    }

    // MARK: Malformed pods

    @Test(
        "a pod that is not one is left alone, with a warning",
        arguments: [
            .null, [], "x", ["spec": .null], ["spec": ["containers": "x"]], ["spec": ["containers": [1]]],
            ["metadata": [], "spec": ["containers": []]],
            ["metadata": ["annotations": 1], "spec": ["containers": []]],
            ["spec": ["containers": [["name": "a", "env": ["A": "1"]]]]],
            ["spec": ["containers": [["name": "a"]], "volumes": [:]]],
        ] as [JSONValue])
    func survivesMalformedPod(pod: JSONValue) {
        let injection = Self.inject(pod, Self.aws)
        #expect(injection.patch.isEmpty)
        #expect(injection.problems.map(\.reason) == [.malformedPod])
    }

    @Test(
        "a stored key arrives by a volume or by a variable, once, and the user's own variable stays",
        arguments: ["vault-csi", "external-secret"])
    func deliversStoredKey(delivery: String) throws {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.vault.allowedPaths = ["secret/data/{namespace}/**"]
        let annotations = Self.vault.merging(["lanyard.dev/secret-delivery": delivery]) { $1 }
        let pod = Self.pod()
        let result = try pod.applying(Self.inject(pod, annotations, configuration: configuration).patch)
        let again = Self.inject(result, annotations, configuration: configuration)
        #expect(again.patch.isEmpty)
        #expect(again.injected.map(\.mechanism.rawValue) == [delivery])
        #expect((result["spec"]?["volumes"] != nil) == (delivery == "vault-csi"))

        let own: JSONValue = [["name": "OPENAI_API_KEY", "value": "mine"]]
        let kept = Self.inject(Self.pod(env: own), annotations, configuration: configuration)
        let operations = kept.patch.json.array ?? []
        #expect(!operations.contains { $0["path"]?.string?.contains("/env") == true })
    }

    @Test("lists that are null count as absent")
    func acceptsNull() throws {
        var pod = Self.pod(env: .null, mounts: .null, volumes: .null)
        pod["metadata"]?["annotations"] = .null
        let injection = Self.inject(pod, Self.aws)
        #expect(injection.injected.count == 1)
        #expect(try Self.inject(pod.applying(injection.patch), Self.aws).patch.isEmpty)
    }
}
