import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

/// What the SDKs in a container of a pod that was injected take, and which file they find.
@Suite struct CredentialChoiceTests {
    private static let secret = "s3cr3t"
    private static let openAI = [
        "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
    ]
    private static let anthropic = [
        "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
        "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
    ]
    private static let alibaba = [
        "lanyard.dev/alibaba-role-arn": "acs:ram::1234567890123456:role/llm",
        "lanyard.dev/alibaba-oidc-provider-arn": "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1",
    ]
    private static let fromSecret: JSONValue = [["secretRef": ["name": "app"]]]

    /// - Parameter change: what differs in the pod that runs from what was injected.
    private static func containers(
        _ container: JSONValue, _ annotations: [String: String] = InjectionTests.aws, on platform: Platform = .eks,
        keys: [EnvironmentSource: [String]] = [:], isInjected: Bool = true, change: (inout JSONValue) -> Void = { _ in }
    ) throws -> [ContainerDiagnosis] {
        var container = container
        container["name"] = "app"
        var pod = InjectionTests.pod(containers: [container])
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: pod), facts: .offline(platform, isPublic: true), configuration: Configuration())
        if isInjected { try pod.apply(Injection(of: plan, into: pod).patch) }
        change(&pod)
        return ContainerDiagnosis.all(of: ExaminedPod(pod, keys: keys), for: plan, Configuration())
    }

    private static func env(_ names: String...) -> JSONValue {
        ["env": .array(names.map { ["name": .string($0), "value": .string(secret)] })]
    }

    @Test(
        "what the SDK reads first wins, by each provider's own order",
        arguments: [
            (InjectionTests.aws, .eks, [:], .identity, "nothing that the SDK reads first is set"),
            (
                InjectionTests.aws, .eks, env("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), .storedCredential,
                "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set"
            ),
            (
                InjectionTests.aws, .eks, env("AWS_ACCESS_KEY_ID", "AWS_BEARER_TOKEN_BEDROCK"), .storedCredential,
                "AWS_BEARER_TOKEN_BEDROCK is set"
            ),
            (InjectionTests.aws, .eks, ["env": [["name": "AWS_ACCESS_KEY_ID", "value": ""]]], .identity, "nothing"),
            (InjectionTests.aws, .eks, env("AWS_PROFILE"), .identity, "nothing"),
            (
                InjectionTests.aws, .eks, env("AWS_CONTAINER_CREDENTIALS_FULL_URI"), .ownIdentity,
                "AWS_CONTAINER_CREDENTIALS_FULL_URI gives it another identity already"
            ),
            (
                InjectionTests.aws, .eks, ["env": [["name": "AWS_WEB_IDENTITY_TOKEN_FILE", "value": "/app/token"]]],
                .nothing, "AWS_WEB_IDENTITY_TOKEN_FILE is /app/token, where nothing puts a token"
            ),
            (InjectionTests.azure, .aks, env("AZURE_CLIENT_SECRET"), .storedCredential, "AZURE_CLIENT_SECRET is set"),
            (
                InjectionTests.google, .selfManaged,
                ["env": [["name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/app/key.json"]]], .ownIdentity,
                "GOOGLE_APPLICATION_CREDENTIALS names a file of the image"
            ),
            (openAI, .eks, env("OPENAI_API_KEY"), .identity, "nothing"),
            (anthropic, .eks, env("ANTHROPIC_API_KEY"), .storedCredential, "ANTHROPIC_API_KEY is set"),
            (
                alibaba, .ack, env("ALIBABA_CLOUD_ACCESS_KEY_ID"), .storedCredential,
                "ALIBABA_CLOUD_ACCESS_KEY_ID is set"
            ),
        ] as [([String: String], Platform, JSONValue, CredentialChoice.Winner, String)])
    func chooses(
        annotations: [String: String], platform: Platform, container: JSONValue, winner: CredentialChoice.Winner,
        reason: String
    ) throws {
        let choice = try #require(try Self.containers(container, annotations, on: platform).first?.choices.first)
        #expect(choice.winner == winner, "\(choice)")
        #expect(choice.reason.hasPrefix(reason), "\(choice.reason)")
        #expect(!"\(choice)".contains(Self.secret))
        guard winner == .identity else { return }
        // What some SDKs do, or unless the application does something, is told as well.
        let mayDiffer = container.serializedString().contains("AWS_PROFILE") || annotations == Self.openAI
        #expect(choice.doubts.contains { $0.contains(" set, and ") } == mayDiffer, "\(choice.doubts)")
    }

    @Test(
        "a key of a whole Secret wins like one that is written, where the Secret's keys are known",
        arguments: [
            (["AWS_ACCESS_KEY_ID"], "", .storedCredential, false),
            (["ACCESS_KEY_ID"], "AWS_", .storedCredential, false),
            (["AWS_ACCESS_KEY_ID"], "X_", .identity, false), ([], "", .identity, false), (nil, "", .identity, true),
        ] as [([String]?, String, CredentialChoice.Winner, Bool)])
    func looksIntoSources(
        keys: [String]?, prefix: String, winner: CredentialChoice.Winner, isDoubtful: Bool
    ) throws {
        let container: JSONValue = ["envFrom": [["prefix": .string(prefix), "secretRef": ["name": "app"]]]]
        let source = EnvironmentSource(.secret, named: "app")
        let choice = try #require(
            try Self.containers(container, keys: keys.map { [source: $0] } ?? [:]).first?.choices.first)
        #expect(choice.winner == winner)
        #expect(
            choice.doubts.contains { $0.hasPrefix("what Secret app in envFrom defines is not known") } == isDoubtful)
        if winner == .storedCredential {
            let variable = choice.variables.first { $0.name == "AWS_ACCESS_KEY_ID" }
            #expect(variable?.value == "Secret app, key \(keys?.first ?? "")")
        }
    }

    @Test("of variables the values that Lanyard sets are shown, of others where they come from, or that there is one")
    func masksValues() throws {
        let container: JSONValue = [
            "env": [
                ["name": "AWS_ACCESS_KEY_ID", "value": .string(Self.secret)],
                [
                    "name": "AWS_SECRET_ACCESS_KEY",
                    "valueFrom": ["configMapKeyRef": ["name": "app", "key": "secret"]],
                ],
                ["name": "AWS_PROFILE", "value": ""],
            ]
        ]
        let choice = try #require(try Self.containers(container).first?.choices.first)
        let shown = choice.variables.map { "\($0.name)=\($0.value)" }
        #expect(
            shown == [
                "AWS_ACCESS_KEY_ID=set, and not shown", "AWS_SECRET_ACCESS_KEY=ConfigMap app, key secret",
                "AWS_ROLE_ARN=\(InjectionTests.aws.values.first ?? "")",
                "AWS_WEB_IDENTITY_TOKEN_FILE=/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
            ])
    }

    @Test("a container that was not injected has nothing, or what its node has, and is said what it lacks")
    func namesLacks() throws {
        let choice = try #require(try Self.containers([:], isInjected: false).first?.choices.first)
        #expect(choice.winner == .nothing)
        #expect(
            choice.reason.hasPrefix("AWS_ROLE_ARN, AWS_WEB_IDENTITY_TOKEN_FILE, the mount at /var/run/secrets/eks."))
        #expect(choice.reason.hasSuffix("the SDK takes the node's role, from the instance metadata service"))
        #expect(choice.file == nil)
        let openAI = try #require(try Self.containers([:], Self.openAI, isInjected: false).first?.choices.first)
        #expect(openAI.winner == .nothing && openAI.reason.hasSuffix(" are not there"))
    }

    @Test("on the node's network GKE's metadata server knows no ServiceAccount", arguments: [true, false])
    func needsPodNetwork(isOnHost: Bool) throws {
        let annotations = ["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"]
        let containers = try Self.containers([:], annotations, on: .gke) {
            $0["spec"]?["hostNetwork"] = .bool(isOnHost)
        }
        let choice = try #require(containers.first?.choices.first)
        #expect(choice.winner == (isOnHost ? .nothing : .identity) && choice.file == nil)
    }

    @Test(
        "keys are those that the metadata notes, without values",
        arguments: [
            (["f:data": [".": [:], "f:B": [:], "f:A": [:]]], ["A", "B"]), (["f:binaryData": ["f:A": [:]]], ["A"]),
            (["f:type": [:]], []),
        ] as [(JSONValue, [String])])
    func readsKeys(fields: JSONValue, keys: [String]) {
        #expect(EnvironmentSource.keys(notedIn: ["managedFields": [["fieldsV1": fields]]]) == keys)
        #expect(EnvironmentSource.keys(notedIn: ["managedFields": []]) == nil)
        #expect(EnvironmentSource.keys(notedIn: [:]) == nil)
    }

    // MARK: The file

    private static let folder = "/var/run/secrets/eks.amazonaws.com/serviceaccount"

    /// Something about a pod, and what is then said of its token.
    struct FileCase: Sendable, CustomTestStringConvertible {
        var testDescription: String
        var permissions: String?
        var obstacle: String?
        var doubt: String?
        var change: @Sendable (inout JSONValue) -> Void
    }

    private static func mount(_ path: String, _ volume: String = "other", subPath: String? = nil) -> JSONValue {
        var mount: JSONValue = ["name": .string(volume), "mountPath": .string(path)]
        mount["subPath"] = subPath.map { .string($0) }
        return mount
    }

    private static func run(_ pod: inout JSONValue, as users: Int?...) {
        let first = pod["spec"]?["containers"]?.array?.first ?? [:]
        pod["spec"]?["containers"] = .array(
            users.enumerated().map { index, user in
                var container = first
                container["name"] = .string(index == 0 ? "app" : "app-\(index)")
                container["securityContext"] = user.map { ["runAsUser": .number(JSONNumber($0))] }
                return container
            })
    }

    private static func setMode(_ mode: Int, of pod: inout JSONValue) {
        var volumes = pod["spec"]?["volumes"]?.array ?? []
        for index in volumes.indices { volumes[index]["projected"]?["defaultMode"] = .number(JSONNumber(mode)) }
        pod["spec"]?["volumes"] = .array(volumes)
    }

    private static func setMounts(_ mounts: JSONValue..., adding: Bool = true, of pod: inout JSONValue) {
        var containers = pod["spec"]?["containers"]?.array ?? []
        for index in containers.indices {
            let present = adding ? containers[index]["volumeMounts"]?.array ?? [] : []
            containers[index]["volumeMounts"] = .array(present + mounts)
        }
        pod["spec"]?["containers"] = .array(containers)
    }

    private static let fileCases: [FileCase] = [
        FileCase(testDescription: "as it is", permissions: "mode 0644, owner root") { _ in },
        FileCase(testDescription: "a group", permissions: "mode 0640, owner root, group 2000") {
            $0["spec"]?["securityContext"] = ["fsGroup": 2000]
        },
        FileCase(testDescription: "one user", permissions: "mode 0600, owner 1000") { run(&$0, as: 1000, 1000) },
        FileCase(testDescription: "several users", permissions: "mode 0644, owner root") { run(&$0, as: 1000, 2000) },
        FileCase(testDescription: "a user beside one that the image names", permissions: "mode 0644, owner root") {
            run(&$0, as: 1000, nil)
        },
        FileCase(
            testDescription: "several users, of whom none may read", permissions: "mode 0400, owner root",
            obstacle: "the container runs as user 1000, who cannot read it; set securityContext.fsGroup of the pod"
        ) {
            run(&$0, as: 1000, 2000)
            setMode(0o400, of: &$0)
        },
        FileCase(
            testDescription: "a user that the image names, who may not read", permissions: "mode 0400, owner root",
            doubt: "only root can read it: whether the container is root, its image says"
        ) { setMode(0o400, of: &$0) },
        FileCase(testDescription: "a mount of another folder", permissions: "mode 0644, owner root") {
            setMounts(mount("/var/run/secrets"), mount(folder + "-too"), of: &$0)
        },
        FileCase(
            testDescription: "a mount over the file",
            obstacle: "the volume other, mounted at /run/secrets/eks.amazonaws.com/serviceaccount/token, is what"
        ) { setMounts(mount("/run/secrets/eks.amazonaws.com/serviceaccount/token"), of: &$0) },
        FileCase(
            testDescription: "the file alone, which is never renewed", permissions: "mode 0644, owner root",
            obstacle: "it is mounted by subPath, so it is never renewed"
        ) {
            setMounts(
                mount(folder, "aws-iam-token"), mount(folder + "/token", "aws-iam-token", subPath: "token"), of: &$0)
        },
    ]

    @Test("the token's file is as the kubelet writes it, and as the container's mounts show it", arguments: fileCases)
    func findsFile(file: FileCase) throws {
        let choice = try #require(
            try Self.containers([:]) { file.change(&$0) }.first { $0.name == "app" }?.choices.first)
        let found = try #require(choice.file)
        #expect(found.path == "\(Self.folder)/token")
        #expect(found.permissions == file.permissions)
        #expect((found.obstacle ?? "").hasPrefix(file.obstacle ?? "nothing") == (file.obstacle != nil), "\(found)")
        #expect((found.obstacle == nil) == (file.obstacle == nil))
        #expect(found.doubt == file.doubt)
        #expect((choice.winner == .nothing) == (file.obstacle != nil))
        if file.permissions != nil {
            #expect(found.audience == "sts.amazonaws.com" && found.expirationSeconds == 86400)
        }
    }
}
