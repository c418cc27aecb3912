import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// Several roles, a second role, and the names of sessions.
@Suite struct AWSRolesTests {
    private static let first = "arn:aws:iam::111122223333:role/first"
    private static let second = "arn:aws:iam::444455556666:role/second"

    /// The values of a container's variables; of one that is taken from the pod, the field's path.
    private func variables(_ pod: JSONValue, _ container: Int) -> [String: String] {
        var variables: [String: String] = [:]
        for variable in pod["spec"]?["containers"]?.array?[container]["env"]?.array ?? [] {
            guard let name = variable["name"]?.string else { continue }
            variables[name] = variable["value"]?.string ?? variable["valueFrom"]?["fieldRef"]?["fieldPath"]?.string
        }
        return variables
    }

    private static let three = InjectionTests.pod(containers: [["name": "main"], ["name": "worker"], ["name": "proxy"]])

    // MARK: Several roles

    @Test("each container gets its own role, and one without a role gets nothing")
    func givesRolesByContainer() throws {
        let roles = ["lanyard.dev/aws-role-arns": "main=\(Self.first), worker=\(Self.second)"]
        let injection = InjectionTests.inject(Self.three, roles, on: .gke)
        let pod = try Self.three.applying(injection.patch)
        let file = "/var/run/secrets/lanyard.dev/aws-bedrock/token"
        #expect(variables(pod, 0) == ["AWS_ROLE_ARN": Self.first, "AWS_WEB_IDENTITY_TOKEN_FILE": file])
        #expect(variables(pod, 1) == ["AWS_ROLE_ARN": Self.second, "AWS_WEB_IDENTITY_TOKEN_FILE": file])
        #expect(pod["spec"]?["containers"]?.array?[2] == ["name": "proxy"])
        #expect(pod["spec"]?["volumes"]?.array?.count == 1)
        #expect(InjectionTests.inject(pod, roles, on: .gke).patch.isEmpty)
    }

    @Test("the ServiceAccount's role is for every container that is not named")
    func givesDefaultRole() throws {
        let roles = ["eks.amazonaws.com/role-arn": Self.first, "lanyard.dev/aws-role-arns": "worker=\(Self.second)"]
        let pod = try Self.three.applying(InjectionTests.inject(Self.three, roles, on: .gke).patch)
        #expect((0..<3).map { variables(pod, $0)["AWS_ROLE_ARN"] } == [Self.first, Self.second, Self.first])
    }

    @Test("a container that the pod does not have is a warning")
    func warnsOfUnknownContainer() throws {
        let roles = ["lanyard.dev/aws-role-arns": "mian=\(Self.first)"]
        let injection = InjectionTests.inject(Self.three, roles)
        #expect(injection.injected.isEmpty)
        let problem = try #require(injection.problems.first { $0.reason == .unknownContainer })
        #expect(problem.message.contains("no container \"mian\""))
    }

    // MARK: A second role

    @Test("a second role comes by a configuration file, and the web identity by nothing else")
    func assumesSecondRole() throws {
        let annotations = [
            "eks.amazonaws.com/role-arn": Self.first, "lanyard.dev/aws-assume-role-arn": Self.second,
            "lanyard.dev/aws-external-id": "lanyard:7/x", "lanyard.dev/aws-session-name": "llm@prod",
            "lanyard.dev/aws-session-duration": "1800",
        ]
        let injection = InjectionTests.inject(InjectionTests.pod(), annotations, on: .gke)
        let pod = try InjectionTests.pod().applying(injection.patch)
        #expect(
            variables(pod, 0) == [
                "AWS_CONFIG_FILE": "/var/run/secrets/lanyard.dev/aws-bedrock/config", "AWS_SDK_LOAD_CONFIG": "1",
                "AWS_EC2_METADATA_DISABLED": "true",
            ])
        #expect(
            pod["metadata"]?["annotations"]?["lanyard.dev/aws-bedrock-config"]?.string == """
                [default]
                role_arn = \(Self.second)
                external_id = lanyard:7/x
                role_session_name = llm@prod
                duration_seconds = 1800
                source_profile = lanyard

                [profile lanyard]
                role_arn = \(Self.first)
                web_identity_token_file = /var/run/secrets/lanyard.dev/aws-bedrock/token

                """)
        #expect(
            pod["spec"]?["volumes"] == [
                [
                    "name": "lanyard-aws-bedrock",
                    "projected": [
                        "sources": [
                            [
                                "serviceAccountToken": [
                                    "audience": "sts.amazonaws.com", "expirationSeconds": 86400, "path": "token",
                                ]
                            ],
                            [
                                "downwardAPI": [
                                    "items": [
                                        [
                                            "path": "config",
                                            "fieldRef": [
                                                "fieldPath": "metadata.annotations['lanyard.dev/aws-bedrock-config']"
                                            ],
                                        ]
                                    ]
                                ]
                            ],
                        ]
                    ],
                ]
            ])
        #expect(InjectionTests.inject(pod, annotations, on: .gke).patch.isEmpty)
    }

    @Test("the file's paths are Windows' own on Windows")
    func writesWindowsPaths() throws {
        let windows = InjectionTests.pod(spec: ["os": ["name": "windows"]])
        let annotations = ["eks.amazonaws.com/role-arn": Self.first, "lanyard.dev/aws-assume-role-arn": Self.second]
        let pod = try windows.applying(InjectionTests.inject(windows, annotations).patch)
        let file = try #require(pod["metadata"]?["annotations"]?["lanyard.dev/aws-bedrock-config"]?.string)
        #expect(
            file.contains(
                #"web_identity_token_file = C:\var\run\secrets\lanyard.dev\aws-bedrock\token"#))
        #expect(variables(pod, 0)["AWS_CONFIG_FILE"] == #"C:\var\run\secrets\lanyard.dev\aws-bedrock\config"#)
    }

    @Test(
        "a container that has the web identity's variables keeps them, and gets no file",
        arguments: ["AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI"])
    func yieldsToWebIdentity(variable: String) {
        let annotations = ["eks.amazonaws.com/role-arn": Self.first, "lanyard.dev/aws-assume-role-arn": Self.second]
        let pod = InjectionTests.pod(env: [["name": .string(variable), "value": "x"]])
        let injection = InjectionTests.inject(pod, annotations, on: .gke)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.contains { $0.reason == .anotherIdentity })
    }

    // MARK: Names of sessions

    private static let named = [
        "eks.amazonaws.com/role-arn": first, "lanyard.dev/aws-session-name-from-pod": "true",
    ]

    @Test(
        "the pod's name is the session's, as long as AWS takes it",
        arguments: [
            (nil, "metadata.name"), ("ab", "metadata.name"), (String(repeating: "a", count: 64), "metadata.name"),
            ("a", nil), (String(repeating: "a", count: 65), nil),
        ] as [(String?, String?)])
    func namesSession(name: String?, field: String?) throws {
        var pod = InjectionTests.pod()
        pod["metadata"] = name.map { ["name": .string($0)] } ?? ["generateName": "llm-"]
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: Self.named,
            pod: PodContext(pod: pod), facts: .offline(.eks), configuration: Configuration())
        let result = try pod.applying(Injection(of: plan, into: pod).patch)
        #expect(variables(result, 0)["AWS_ROLE_SESSION_NAME"] == field)
        #expect(variables(result, 0)["AWS_ROLE_ARN"] == Self.first)
        #expect(plan.problems.contains { $0.reason == .sessionNameUnusable } == (field == nil))
    }

    @Test("a session's name from the pod is recognized after the API server has filled in defaults")
    func recognizesDefaultedField() throws {
        var pod = InjectionTests.pod()
        pod["metadata"] = ["generateName": "llm-"]
        try pod.apply(InjectionTests.inject(pod, Self.named).patch)
        var env = try #require(pod["spec"]?["containers"]?.array?.first?["env"]?.array)
        let index = try #require(env.firstIndex { $0["name"] == "AWS_ROLE_SESSION_NAME" })
        env[index]["valueFrom"]?["fieldRef"]?["apiVersion"] = "v1"
        var container = try #require(pod["spec"]?["containers"]?.array?.first)
        container["env"] = .array(env)
        pod["spec"]?["containers"] = [container]
        #expect(InjectionTests.inject(pod, Self.named).patch.isEmpty)
    }
}
