import JSON
import Testing
import WorkloadIdentity

@testable import PodInjection

/// The init container of pods that are annotated `lanyard.dev/verify`.
@Suite struct TrialContainerTests {
    private static let anthropic = [
        "lanyard.dev/anthropic-federation-rule-id": "fdrl_01abc",
        "lanyard.dev/anthropic-organization-id": "99999999-8888-7777-6666-555555555555",
    ]
    private static let asks = ["lanyard.dev/verify": "true"]

    private static let configuration: Configuration = {
        var configuration = Configuration()
        configuration.verify.image = "registry.example.com/lanyard:1"
        return configuration
    }()

    private static func plan(
        for pod: JSONValue, _ annotations: [String: String], _ configuration: Configuration
    ) -> Plan {
        Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            pod: PodContext(pod: PodManifest(pod)), facts: .offline(.eks, isPublic: true), configuration: configuration)
    }

    private static func inject(
        _ pod: JSONValue, _ annotations: [String: String] = InjectionTests.aws,
        _ configuration: Configuration = configuration, inManifest isManifest: Bool = false
    ) throws -> (pod: JSONValue, problems: [Problem]) {
        let injection = Injection(
            of: plan(for: pod, annotations, configuration), into: PodManifest(pod),
            jitter: isManifest ? nil : LifetimeJitter(position: 0), configuration: configuration)
        return (try pod.applying(injection.patch), injection.problems)
    }

    private static func initContainers(_ pod: JSONValue) -> [JSONValue] { pod["spec"]?["initContainers"]?.array ?? [] }
    private static func volume(_ name: String, in pod: JSONValue) -> JSONValue? {
        pod["spec"]?["volumes"]?.array?.first { $0["name"]?.string == name }
    }

    @Test("it comes last, restricted, with tokens of its own, and gets nothing that applications get")
    func comesLast() throws {
        let migrate: JSONValue = ["name": "migrate", "image": "app:1"]
        let before = InjectionTests.pod(annotations: Self.asks, spec: ["initContainers": [migrate]])
        let (pod, problems) = try Self.inject(before, InjectionTests.aws.merging(Self.anthropic) { $1 })
        #expect(!problems.contains { $0.field == "lanyard.dev/verify" })
        let containers = Self.initContainers(pod)
        #expect(containers.map { $0["name"]?.string } == ["migrate", "lanyard-verify"])
        let container = containers[1]
        #expect(container["image"] == "registry.example.com/lanyard:1")
        #expect(container["command"] == ["/usr/local/bin/lanyard", "verify-in-pod"])
        #expect(container["env"]?.array?.map { $0["name"]?.string } == ["LANYARD_TRIAL"])
        #expect(
            container["volumeMounts"] == [
                ["name": "lanyard-verify", "mountPath": "/var/run/secrets/lanyard.dev/verify", "readOnly": true]
            ])
        #expect(
            container["securityContext"] == [
                "allowPrivilegeEscalation": false, "capabilities": ["drop": ["ALL"]], "privileged": false,
                "readOnlyRootFilesystem": true, "runAsNonRoot": true, "seccompProfile": ["type": "RuntimeDefault"],
            ])
        #expect(container["resources"]?["requests"] == container["resources"]?["limits"])
        // Anthropic takes a token once, so this is another one than the application's.
        let sources = Self.volume("lanyard-verify", in: pod)?["projected"]?["sources"]?.array ?? []
        #expect(
            Set(sources.map { $0["serviceAccountToken"]?["audience"]?.string })
                == ["sts.amazonaws.com", "https://api.anthropic.com"])
        let ofApplication = Self.volume("lanyard-anthropic", in: pod)
        #expect(ofApplication != nil)
        // The others get what they get without it.
        let (plain, _) = try Self.inject(
            InjectionTests.pod(spec: ["initContainers": [migrate]]), InjectionTests.aws.merging(Self.anthropic) { $1 })
        #expect(Self.initContainers(plain)[0] == containers[0])
        #expect(plain["spec"]?["containers"] == pod["spec"]?["containers"])
        func hash(_ pod: JSONValue) -> JSONValue? { pod["metadata"]?["annotations"]?["lanyard.dev/plan"] }
        #expect(hash(plain) == hash(pod) && hash(pod) != nil)
    }

    @Test(
        "applied to its own result it changes nothing, whatever others do in between",
        arguments: [
            { _ in },
            { pod in
                let late = initContainers(pod) + [["name": "late", "image": "x"]]
                pod["spec"]?["initContainers"] = .array(late)
            },
            { pod in
                var containers = initContainers(pod)
                let own = containers[0]["env"]?.array ?? []
                containers[0]["env"] = .array([["name": "AWS_ROLE_ARN", "value": "a"]] + own)
                containers[0]["terminationMessagePath"] = "/dev/termination-log"
                containers[0]["imagePullPolicy"] = "IfNotPresent"
                pod["spec"]?["initContainers"] = .array(containers)
            },
            { pod in
                let reversed = Array(initContainers(pod).reversed())
                pod["spec"]?["initContainers"] = .array(reversed)
            },
        ] as [@Sendable (inout JSONValue) -> Void])
    func isIdempotent(change: @Sendable (inout JSONValue) -> Void) throws {
        var configuration = Self.configuration
        configuration.verify.imagePullSecret = "registry"
        var (pod, _) = try Self.inject(InjectionTests.pod(annotations: Self.asks), InjectionTests.aws, configuration)
        #expect(pod["spec"]?["imagePullSecrets"] == [["name": "registry"]])
        change(&pod)
        let (completed, _) = try Self.inject(pod, InjectionTests.aws, configuration)
        let (again, problems) = try Self.inject(completed, InjectionTests.aws, configuration)
        #expect(again == completed)
        #expect(!problems.contains { $0.field == "lanyard.dev/verify" })
        let names = Self.initContainers(again).compactMap { $0["name"]?.string }
        #expect(names.filter { $0 == "lanyard-verify" }.count == 1)
        #expect(again["spec"]?["imagePullSecrets"]?.array?.count == 1)
        // It still counts as injected, for whoever looks without this container in mind.
        let plan = Self.plan(for: again, InjectionTests.aws, configuration)
        #expect(Injection(of: plan, into: PodManifest(again)).isInPlace)
        let ours = try #require(TrialContainer(of: plan, configuration, onNodeNetwork: false))
        #expect(Self.initContainers(again).contains { ours.difference(of: $0) == nil })
    }

    private static let taken: JSONValue = ["name": "lanyard-verify", "image": "mine:1", "command": ["sleep"]]

    @Test(
        "where it cannot be, nothing of it is, with a warning that says why; and the rest is injected",
        arguments: [
            (asks, [:], false, InjectionTests.aws, "verify.image"),
            (asks, ["os": ["name": "windows"]], true, InjectionTests.aws, "Windows"),
            (asks, ["initContainers": [taken]], true, InjectionTests.aws, "another container lanyard-verify"),
            (
                asks, ["containers": [["name": "app"], ["name": "lanyard-verify"]]], true, InjectionTests.aws,
                "another container lanyard-verify"
            ),
            (
                asks, ["volumes": [["name": "lanyard-verify", "emptyDir": [:]]]], true, InjectionTests.aws,
                "a volume lanyard-verify of other content"
            ),
            (asks, [:], true, [:], "nothing that the pod gets is exchanged"),
            (asks, [:], true, InjectionTests.vault, "nothing that the pod gets is exchanged"),
            (["lanyard.dev/verify": "false"], [:], true, InjectionTests.aws, nil),
            ([:], [:], true, InjectionTests.aws, nil),
        ] as [([String: String], JSONObject, Bool, [String: String], String?)])
    func isLeftOut(
        annotations: [String: String], spec: JSONObject, hasImage: Bool, account: [String: String], why: String?
    ) throws {
        let before = InjectionTests.pod(annotations: annotations, spec: spec)
        let configuration = hasImage ? Self.configuration : Configuration()
        let (pod, problems) = try Self.inject(before, account, configuration)
        let warnings = problems.filter { $0.field == "lanyard.dev/verify" }
        #expect(warnings.count == (why == nil ? 0 : 1) && warnings.allSatisfy { $0.severity == .warning })
        if let why { #expect(warnings.first?.message.contains(why) == true, "\(warnings)") }
        #expect(Self.initContainers(pod).count == Self.initContainers(before).count)
        #expect(pod["spec"]?["imagePullSecrets"] == nil)
        #expect((Self.volume("aws-iam-token", in: pod) != nil) == (account == InjectionTests.aws))
    }

    /// A volume with a token, as a pod may have it already.
    private static func token(for seconds: Int, named name: String) -> JSONValue {
        let token: JSONValue = [
            "audience": "sts.amazonaws.com", "expirationSeconds": .number(JSONNumber(seconds)), "path": "token",
        ]
        return ["name": .string(name), "projected": ["sources": [["serviceAccountToken": token]]]]
    }

    @Test(
        "its tokens live for a time that no other token of the pod does, since a kubelet keeps one for all such volumes",
        arguments: [
            ([], [:], 601), ([601], [:], 602), ([602, 601, 3600], [:], 603), ([600, 602], [:], 601),
            ([], ["eks.amazonaws.com/token-expiration": "601"], 602),
            ([602], ["eks.amazonaws.com/token-expiration": "601"], 603),
        ] as [([Int], [String: String], Int)])
    func hasOwnTokens(present: [Int], annotations: [String: String], expected: Int) throws {
        let volumes = present.map { Self.token(for: $0, named: "v\($0)") }
        let account = InjectionTests.aws.merging(Self.anthropic) { $1 }.merging(annotations) { $1 }
        let (pod, _) = try Self.inject(
            InjectionTests.pod(annotations: Self.asks, spec: ["volumes": .array(volumes)]), account)
        func lifetimes(_ volume: JSONValue) -> [Int] {
            (volume["projected"]?["sources"]?.array ?? []).compactMap {
                $0["serviceAccountToken"]?["expirationSeconds"]?.integer
            }
        }
        let all = pod["spec"]?["volumes"]?.array ?? []
        let own = all.filter { $0["name"] == "lanyard-verify" }.flatMap(lifetimes)
        let others = all.filter { $0["name"] != "lanyard-verify" }.flatMap(lifetimes)
        #expect(own == [expected, expected] && others.count > present.count)
        #expect(Set(own).isDisjoint(with: others))
    }

    @Test("of its own container, changed since, it does not say to remove it, but what differs")
    func isChanged() throws {
        for (change, what) in [
            ({ $0["image"] = "mirror.example.com/lanyard:1" }, "image, which is mirror.example.com/lanyard:1"),
            ({ $0["args"] = ["x"] }, "command"), ({ $0["envFrom"] = [["secretRef": ["name": "s"]]] }, "envFrom"),
            ({ $0["volumeMounts"] = [] }, "mount at /var/run/secrets/lanyard.dev/verify"),
        ] as [((inout JSONValue) -> Void, String)] {
            var (pod, _) = try Self.inject(InjectionTests.pod(annotations: Self.asks))
            var container = try #require(Self.initContainers(pod).first)
            change(&container)
            pod["spec"]?["initContainers"] = [container]
            let (again, problems) = try Self.inject(pod)
            let warnings = problems.filter { $0.field == "lanyard.dev/verify" }.map(\.message)
            #expect(warnings.count == 1 && warnings[0].contains(what) && !warnings[0].contains("remove"), "\(warnings)")
            #expect(Self.initContainers(again) == [container])
        }
    }

    @Test("a pod on its node's network tries nothing of what takes a network of its own")
    func hostNetwork() throws {
        for (isOnNode, count) in [(false, 1), (true, 0)] {
            let pod = InjectionTests.pod(annotations: Self.asks, spec: ["hostNetwork": .bool(isOnNode)])
            let plan = Plan(
                for: Subject(namespace: "ai", serviceAccount: "llm"),
                serviceAccount: ["lanyard.dev/providers": "google-vertex"], pod: PodContext(pod: PodManifest(pod)),
                facts: .offline(.gke), configuration: Self.configuration)
            let injection = Injection(of: plan, into: PodManifest(pod), configuration: Self.configuration)
            #expect(Self.initContainers(try pod.applying(injection.patch)).count == count)
            #expect(injection.problems.contains { $0.field == "lanyard.dev/verify" } == isOnNode)
        }
    }

    @Test(
        "what is written for it is checked as other annotations are",
        arguments: [
            ("yes", Problem.Reason.invalidValue), ("", .invalidValue),
        ])
    func isValidated(value: String, reason: Problem.Reason) {
        let pod = InjectionTests.pod(annotations: ["lanyard.dev/verify": value])
        let plan = Self.plan(for: pod, InjectionTests.aws, Self.configuration)
        #expect(plan.problems.contains { $0.field == "lanyard.dev/verify" && $0.reason == reason })
        let account = InjectionTests.aws.merging(Self.asks) { $1 }
        let misplaced = Self.plan(for: InjectionTests.pod(), account, Self.configuration)
        #expect(
            misplaced.problems.contains { problem in
                problem.reason == .misplacedKey && problem.message.contains("spec.template.metadata.annotations")
            })
    }

    @Test("a pod that runs as root gets it as another user, and one that does not decides itself")
    func user() throws {
        for (context, user) in [
            (["runAsUser": 0], 65532), (["runAsUser": 1000], nil), ([:], nil), (["runAsUser": "0"], nil),
        ] as [(JSONValue, Int?)] {
            let pod = InjectionTests.pod(annotations: Self.asks, spec: ["securityContext": context])
            let (result, _) = try Self.inject(pod)
            let container = try #require(Self.initContainers(result).first)
            #expect(container["securityContext"]?["runAsUser"]?.integer == user)
        }
    }

    @Test("a pull secret is added to those that are there, once")
    func pullSecrets() throws {
        var configuration = Self.configuration
        configuration.verify.imagePullSecret = "registry"
        for (present, expected) in [
            (nil, ["registry"]), (["mine"], ["mine", "registry"]), (["registry", "mine"], ["registry", "mine"]),
        ] as [([String]?, [String])] {
            var spec = JSONObject()
            spec["imagePullSecrets"] = present.map { .array($0.map { ["name": .string($0)] }) }
            let (pod, _) = try Self.inject(
                InjectionTests.pod(annotations: Self.asks, spec: spec), InjectionTests.aws, configuration)
            #expect(pod["spec"]?["imagePullSecrets"]?.array?.compactMap { $0["name"]?.string } == expected)
            // With a list of its own a pod does not get its ServiceAccount's.
            let (manifest, _) = try Self.inject(
                InjectionTests.pod(annotations: Self.asks, spec: spec), InjectionTests.aws, configuration,
                inManifest: true)
            #expect(
                manifest["spec"]?["imagePullSecrets"]?.array?.compactMap { $0["name"]?.string }
                    == (present == nil ? nil : expected))
        }
    }

    @Test(
        "a container counts as Lanyard's only if nothing but Lanyard's binary can have run in it",
        arguments: [
            { $0["image"] = "registry.example.com/lanyard:2" }, { $0["command"] = ["sh", "-c", "echo"] },
            { $0["args"] = ["--message", "/dev/null"] }, { $0["envFrom"] = [["secretRef": ["name": "s"]]] },
            { $0["env"] = [] }, { $0["env"] = [["name": "LANYARD_TRIAL", "value": "[]"]] },
            { $0["env"] = .array(($0["env"]?.array ?? []) + [["name": "LD_PRELOAD", "value": "/x.so"]]) },
            { $0["env"] = .array(($0["env"]?.array ?? []) + [["name": "LANYARD_TRIAL", "value": "[]"]]) },
            { $0["env"] = .array(($0["env"]?.array ?? []) + [["name": "PATH", "value": "/x"]]) },
            { $0["volumeMounts"] = [["name": "mine", "mountPath": "/var/run/secrets/lanyard.dev/verify"]] },
            { $0["volumeMounts"] = [] }, { $0["restartPolicy"] = "Always" }, { $0["name"] = "lanyard-verify-2" },
            {
                let mount: JSONValue = ["name": "x", "mountPath": "/usr/local/bin"]
                $0["volumeMounts"] = .array(($0["volumeMounts"]?.array ?? []) + [mount])
            },
            {
                let mount: JSONValue = ["name": "x", "mountPath": "/var/run/secrets/lanyard.dev/verify/token-0"]
                $0["volumeMounts"] = .array(($0["volumeMounts"]?.array ?? []) + [mount])
            },
            {
                let mount: JSONValue = ["name": "x", "mountPath": "/var/run/secrets/lanyard.dev//verify/"]
                $0["volumeMounts"] = .array(($0["volumeMounts"]?.array ?? []) + [mount])
            },
            {
                let mount: JSONValue = ["name": "x", "mountPath": "/var/run/secrets/../../usr"]
                $0["volumeMounts"] = .array(($0["volumeMounts"]?.array ?? []) + [mount])
            },
        ] as [@Sendable (inout JSONValue) -> Void])
    func believesNothingElse(change: @Sendable (inout JSONValue) -> Void) throws {
        let (pod, _) = try Self.inject(InjectionTests.pod(annotations: Self.asks))
        let ours = try #require(
            TrialContainer(
                of: Self.plan(for: pod, InjectionTests.aws, Self.configuration), Self.configuration,
                onNodeNetwork: false))
        var container = try #require(Self.initContainers(pod).first)
        #expect(ours.difference(of: container) == nil)
        change(&container)
        #expect(ours.difference(of: container) != nil)
    }
}
