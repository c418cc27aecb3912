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

    @Test(
        "a path that another volume occupies is known however it is written",
        arguments: [
            "/run/secrets/lanyard.dev/azure-openai", "/var/run/secrets//lanyard.dev/./azure-openai",
            "/var/run/secrets/lanyard.dev/azure-openai/",
        ])
    func refusesTakenPath(path: String) {
        let pod = Self.pod(
            mounts: [["name": "x", "mountPath": .string(path)]], volumes: [["name": "x", "emptyDir": [:]]])
        #expect(Self.inject(pod, Self.azure).problems.map(\.reason) == [.mountPathTaken])
    }

    @Test(
        "nothing is mounted below a read-only volume of the container's own, since it would not start",
        arguments: [
            ("/var/run/secrets", ["secret": ["secretName": "s"]], false, false),
            ("/run/secrets/", ["configMap": ["name": "c"]], false, false),
            ("/var/run", ["projected": ["sources": []]], false, false),
            ("/", ["emptyDir": [:]], true, false), ("/var/run/secrets/lanyard.dev", ["emptyDir": [:]], true, false),
            ("/var/run/secrets", ["emptyDir": [:]], false, true),
            ("/var/run", ["hostPath": ["path": "/x"]], false, true),
            ("/var/run/secrets/mine", ["secret": ["secretName": "s"]], false, true),
            ("/var/run/secrets/lanyard.dev/azure", ["secret": ["secretName": "s"]], false, true),
            ("/data", ["emptyDir": [:]], true, true),
        ] as [(String, JSONValue, Bool, Bool)])
    func heedsReadOnlyVolumeAbove(path: String, source: JSONValue, isReadOnly: Bool, isInjected: Bool) throws {
        var volume = source
        volume["name"] = "x"
        var pod = Self.pod(
            mounts: [["name": "x", "mountPath": .string(path), "readOnly": .bool(isReadOnly)]], volumes: [volume])
        // The other container has it in any case.
        pod["spec"]?["initContainers"] = [["name": "warm-up"]]
        let injection = Self.inject(pod, Self.azure)
        let result = try pod.applying(injection.patch)
        #expect(injection.problems.map(\.reason) == (isInjected ? [] : [.mountPathTaken]))
        #expect(injection.lacking.isEmpty == isInjected)
        let mounts = result["spec"]?["containers"]?.array?.first?["volumeMounts"]?.array
        #expect(mounts?.count == (isInjected ? 2 : 1))
        #expect(result["spec"]?["initContainers"]?.array?.first?["volumeMounts"]?.array?.count == 1)
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
