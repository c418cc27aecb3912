import Foundation
import JSON
import Testing

/// What `check` and `inject` say of manifests: what admission would say of the objects.
@Suite(.timeLimit(.minutes(5))) struct CheckTests {
    /// The findings of `check`, a line each, without the name of the input.
    private func check(_ manifests: String, exitCode: Int32 = 0) async throws -> [String] {
        let result = try await Command.run(
            CommandLineTests.lanyard, ["check", "-f", "-", "--platform", "eks"], input: manifests)
        #expect(result.exitCode == exitCode, "\(result)")
        return result.output.split(separator: "\n").dropLast().map { String($0.dropFirst("-:".count)) }
    }

    private func inject(_ manifests: String, exitCode: Int32 = 0) async throws -> CommandResult {
        let result = try await Command.run(
            CommandLineTests.lanyard, ["inject", "-f", "-", "--platform", "eks", "-o", "patch"], input: manifests)
        #expect(result.exitCode == exitCode, "\(result)")
        return result
    }

    // MARK: Pods that require their credentials

    private static let bare = Manifest.serviceAccount(in: "ai", ["example.com/team": "ai"])
    private static let bad = Manifest.serviceAccount(in: "ai", ["eks.amazonaws.com/role-arn": "bedrock"])
    private static let off = Manifest.serviceAccount(
        in: "ai", ["eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/inject": "false"])
    private static let required = ["lanyard.dev/inject": "required"]

    private static let obstacles = [
        (bare, "ServiceAccount ai/llm asks for no provider; annotate it"),
        (bad, "ServiceAccount ai/llm: eks.amazonaws.com/role-arn is \"bedrock\"; write an IAM role's ARN"),
        (off, "ServiceAccount ai/llm is annotated lanyard.dev/inject=false"),
    ]

    @Test("a pod that requires its credentials and cannot have them is denied, and gets nothing", arguments: obstacles)
    func deniesPod(account: String, obstacle: String) async throws {
        let manifests = account + Manifest.pod(in: "ai", labels: Self.required)
        let denial = "Pod ai/pod: the pod is labelled lanyard.dev/inject=required, but \(obstacle)"
        let findings = try await check(manifests, exitCode: 1)
        #expect(findings.contains { $0.contains("error: RequirementUnmet: \(denial)") }, "\(findings)")
        let injected = try await inject(manifests, exitCode: 1)
        #expect(injected.errors.contains("error: \(denial)"))
        #expect(injected.output.contains("\"patch\":[]"))
    }

    @Test("so is a workload whose pods would be, in the words of the error that is the cause", arguments: obstacles)
    func deniesWorkload(account: String, obstacle: String) async throws {
        let deployment = Manifest.deployment(in: "ai").replacing(
            "labels: {app: app}}\n    spec", with: "labels: {app: app, lanyard.dev/inject: required}}\n    spec")
        let findings = try await check(account + deployment, exitCode: 1)
        let isCausedByError = account == Self.bad
        let denied = "RequirementUnmet: Deployment ai/app: its pods are labelled lanyard.dev/inject=required, so they "
        #expect(findings.contains { $0.contains("error: ") && $0.contains(obstacle) }, "\(findings)")
        #expect(findings.contains { $0.contains(denied) } == !isCausedByError, "\(findings)")
        let injected = try await inject(account + deployment, exitCode: 1)
        #expect(injected.errors.contains(obstacle))
        #expect(injected.output.contains("\"patch\":[]"))
    }

    @Test("pods that can have what they require are injected, and those whose ServiceAccount is elsewhere not denied")
    func letsPodsIn() async throws {
        let pod = Manifest.pod(in: "ai", labels: Self.required)
        #expect(try await check(Manifest.bedrock(in: "ai") + pod) == [])
        let unknown = try await check(pod)
        #expect(unknown.count == 1 && unknown[0].contains("warning: ServiceAccountNotFound: "), "\(unknown)")
    }

    @Test("what is left alone on purpose is passed over, and it is said why")
    func respectsExemptions() async throws {
        let account = Self.off.replacing(Manifest.role, with: "bedrock")
        let manifests = account + Manifest.deployment(in: "ai")
        #expect(try await check(manifests) == [])
        let injected = try await inject(manifests)
        #expect(
            injected.errors
                == "note: Deployment ai/app: nothing is injected: ServiceAccount ai/llm is annotated lanyard.dev/inject=false\n"
        )
    }

    // MARK: The policy

    @Test(
        "a policy that has no effect is told, where it stands",
        arguments: [
            (
                "labels: {lanyard.dev/policy: enforced}",
                "the label lanyard.dev/policy is \"enforced\" and has no effect; write \"enforce\"", true
            ),
            (
                "annotations: {lanyard.dev/policy: enforced}",
                "the annotation lanyard.dev/policy is \"enforced\" and has no effect; write \"enforce\"", false
            ),
            ("labels: {lanyard.dev/policy: enforce}", nil, true),
            ("annotations: {lanyard.dev/policy: enforce}", nil, false),
            (
                "annotations: {lanyard.dev/policy: enforce}",
                "lanyard.dev/policy has no effect as an annotation; make it a label: kubectl label namespace ai "
                    + "lanyard.dev/policy=enforce", true
            ),
        ] as [(String, String?, Bool)])
    func readsPolicies(metadata: String, warning: String?, isOfNamespace: Bool) async throws {
        let object =
            isOfNamespace
            ? "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: ai\n  \(metadata)\n"
            : """
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: app
              namespace: ai
              \(metadata)
            spec: {template: {spec: {containers: [{name: app}]}}}
            """
        let title = isOfNamespace ? "Namespace ai" : "Deployment ai/app"
        let line = isOfNamespace ? 5 : 6
        let findings = try await check(object)
        #expect(findings.map { $0.hasPrefix("\(line): warning: ") } == (warning == nil ? [] : [true]), "\(findings)")
        if let warning { #expect(findings.allSatisfy { $0.hasSuffix(": \(title): \(warning)") }, "\(findings)") }
    }

    // MARK: Values that are no strings

    @Test("an annotation or a label that is no string is an error, as it is for the API server")
    func refusesOtherTypes() async throws {
        let findings = try await check(
            """
            apiVersion: v1
            kind: Namespace
            metadata:
              name: ai
              labels:
                lanyard.dev/inject: false
            ---
            apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: llm
              namespace: ai
              annotations:
                eks.amazonaws.com/role-arn: \(Manifest.role)
                lanyard.dev/aws-region: eu-central-1
                lanyard.dev/token-expiration: 3600
                lanyard.dev/providers:
            ---
            apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: app
              namespace: ai
              annotations:
                example.com/weights: [1, 2]
            spec:
              template:
                metadata:
                  annotations:
                    lanyard.dev/inject: no
                  labels:
                    app: 1
                spec:
                  serviceAccountName: llm
                  containers: [{name: app}]
            """, exitCode: 1)
        #expect(
            findings == [
                "6: error: InvalidValue: Namespace ai: the label lanyard.dev/inject is a boolean, and labels are strings; "
                    + "write \"false\", with the quotes",
                "16: error: InvalidValue: ServiceAccount ai/llm: the annotation lanyard.dev/token-expiration is a number, "
                    + "and annotations are strings; write \"3600\", with the quotes",
                "17: warning: InvalidValue: ServiceAccount ai/llm: the annotation lanyard.dev/providers has no value and "
                    + "counts as absent; write one, or remove it",
                "25: error: InvalidValue: Deployment ai/app: the Deployment: the annotation example.com/weights is an array, "
                    + "and annotations are strings",
                "30: error: InvalidValue: Deployment ai/app: the pod: the annotation lanyard.dev/inject is a boolean, and "
                    + "annotations are strings; write \"false\", with the quotes",
                "32: error: InvalidValue: Deployment ai/app: the pod: the label app is a number, and labels are strings; "
                    + "write \"1\", with the quotes",
            ])
    }

    @Test("inject says so of all that decides what the pods get")
    func refusesOtherTypesInInjection() async throws {
        let account = Manifest.bedrock(in: "ai").replacing("\"eu-central-1\"", with: "7")
        let injected = try await inject(account + Manifest.deployment(in: "ai"), exitCode: 1)
        #expect(
            injected.errors.contains(
                "error: ServiceAccount ai/llm: the annotation lanyard.dev/aws-region is a number"),
            "\(injected.errors)")
    }

    // MARK: Lines

    @Test("a finding points to the metadata, or the variable, that it speaks of")
    func findsLines() async throws {
        let findings = try await check(
            Manifest.bedrock(in: "ai") + """
                apiVersion: apps/v1
                kind: Deployment
                metadata:
                  name: app
                  namespace: ai
                  annotations:
                    lanyard.dev/aws-region: eu-central-1
                    lanyard.dev/inject: "true"
                  labels:
                    lanyard.dev/inject: "true"
                spec:
                  template:
                    metadata:
                      annotations:
                        lanyard.dev/aws-region: EU/central
                    spec:
                      serviceAccountName: llm
                      containers:
                        - name: other
                          env:
                            - name: AWS_PROFILE
                              value: mine
                        - name: app
                          env:
                            - name: HOME
                              value: /
                            - name: AWS_ACCESS_KEY_ID
                              value: AKIA
                        - name: third
                          volumeMounts:
                            - name: own
                              mountPath: /var/run/secrets/eks.amazonaws.com/serviceaccount
                """, exitCode: 1)
        func line(_ part: String) -> Int? {
            findings.first { $0.contains(part) }.flatMap { Int($0.prefix { $0 != ":" }) }
        }
        // The ServiceAccount has nine lines.
        #expect(line("ai/app: lanyard.dev/aws-region has no effect") == 9 + 7, "\(findings)")
        #expect(line("ai/app: lanyard.dev/inject has no effect") == 9 + 8)
        #expect(line("ai/app: the label lanyard.dev/inject has no effect") == 9 + 10)
        #expect(line("the pod: lanyard.dev/aws-region is \"EU/central\"") == 9 + 15)
        #expect(line("container other: AWS_PROFILE is set") == 9 + 21)
        #expect(line("container app: AWS_ACCESS_KEY_ID is set") == 9 + 27)
        #expect(line("container third: the volume own is mounted") == 9 + 29)
    }

    // MARK: Merge keys

    private func injected(_ manifest: String) async throws -> JSONValue {
        let result = try await Command.run(
            CommandLineTests.lanyard, ["inject", "-f", "-", "--platform", "eks", "-o", "json"], input: manifest)
        #expect(result.exitCode == 0, "\(result)")
        return try #require(JSONValue(parsing: Array(result.output.utf8)).at("items", "0"))
    }

    @Test(
        "merge keys are merged: a mapping's own members win, then those that come first",
        arguments: [
            ("{<<: {a: \"1\"}, b: \"2\"}", ["a": "1", "b": "2"]),
            ("{<<: {a: \"1\"}, a: \"2\"}", ["a": "2"]),
            ("{a: \"2\", <<: {a: \"1\"}}", ["a": "2"]),
            ("{<<: [{a: \"1\"}, {a: \"2\", b: \"3\"}]}", ["a": "1", "b": "3"]),
            ("{<<: {<<: {a: \"1\", b: \"1\"}, a: \"2\"}, c: \"3\"}", ["a": "2", "b": "1", "c": "3"]),
            ("{\"<<\": a}", ["<<": "a"]),
            ("{<<: []}", [:]),
        ] as [(String, [String: String])])
    func merges(annotations: String, expected: [String: String]) async throws {
        let object = try await injected(
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: c, annotations: \(annotations)}}")
        #expect(object.annotations == expected)
    }

    @Test("a merged key's line is where it is written")
    func findsMergedLines() async throws {
        let findings = try await check(
            """
            apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: llm
              labels: &common
                lanyard.dev/aws-regoin: x
              annotations:
                <<: *common
            """)
        #expect(findings.count == 1 && findings[0].hasPrefix("6: warning: UnknownKey: "), "\(findings)")
    }

    @Test(
        "what cannot be merged is refused, and so are merge keys that stand for too much",
        arguments: [
            ("a:\n  <<: 1\n", "-: document 1, line 2: << takes a mapping, or a sequence of mappings"),
            ("a:\n  <<: [1]\n", "-: document 1, line 2: << takes a mapping, or a sequence of mappings"),
            (
                (1..<40).reduce("a0: &a0 {x: y}\n") { text, level in
                    text + "a\(level): &a\(level) {<<: [*a\(level - 1), *a\(level - 1)]}\n"
                }, "-: document 1, line 15: its aliases stand for too much"
            ),
        ])
    func refusesMerging(input: String, message: String) async throws {
        try await expectRefusal(of: input, message)
    }

    // MARK: Input

    @Test("a byte order mark is passed over")
    func skipsByteOrderMark() async throws {
        #expect(try await check("\u{FEFF}" + Manifest.bedrock(in: "ai")) == [])
    }

    @Test("the items of a list of one kind are of that kind, as the API server writes them")
    func readsTypedLists() async throws {
        let findings = try await check(
            """
            {"kind": "ServiceAccountList", "apiVersion": "v1", "items": [
              {"metadata": {"name": "llm", "annotations": {"eks.amazonaws.com/role-arn": "bedrock"}}}]}
            """, exitCode: 1)
        #expect(
            findings.contains { $0.hasPrefix("2: error: InvalidValue: ServiceAccount default/llm: ") }, "\(findings)")
    }

    @Test(
        "what is no object, or is there twice, is told on one line",
        arguments: [
            (
                "foo: bar",
                "document 1, line 1: expected a Kubernetes object with apiVersion and kind, found an object "
                    + "without apiVersion and kind"
            ),
            (
                "apiVersion: v1",
                "document 1, line 1: expected a Kubernetes object with apiVersion and kind, found an object "
                    + "without kind"
            ),
            (
                "kind: List\napiVersion: v1\nitems: [\n  {kind: Pod}]",
                "document 1, line 4: expected a Kubernetes object with "
                    + "apiVersion and kind, found an object without apiVersion"
            ),
            ("a: 1\nb: 2\nc: 3\nb: 4\n", "document 1: line 2: the key b is there more than once"),
            ("a: 1\nb: \u{1}\n", "document 1: line 2: control characters are not allowed"),
            ("a: &a {b: c}\n? *a\n: d\n", "document 1, line 2: a key is not a string"),
            ("a: *b\n", "document 1, line 1: the alias *b has no anchor before it"),
            ("\u{0}\u{1}", "document 1: line 1: control characters are not allowed"),
        ])
    func refusesInput(input: String, message: String) async throws {
        try await expectRefusal(of: input, "-: \(message)")
    }

    /// Input that cannot be read.
    private func expectRefusal(of input: String, _ message: String) async throws {
        let result = try await Command.run(
            CommandLineTests.lanyard, ["check", "-f", "-", "--platform", "eks"], input: input)
        #expect(result.exitCode == 2)
        #expect(result.errors == "lanyard: \(message)\n")
    }

    @Test("SARIF names files as URIs, and one error is an error")
    func namesFiles() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("a b#%é.yaml").path
        let unknown = Manifest.serviceAccount(in: "ai", ["lanyard.dev/aws-regoin": "x"])
        try unknown.write(toFile: file, atomically: true, encoding: .utf8)
        let arguments = ["check", "-f", file, "--platform", "eks"]
        let sarif = try await Command.run(CommandLineTests.lanyard, arguments + ["-o", "sarif"])
        #expect(sarif.output.contains("\(folder.path)/a%20b%23%25%C3%A9.yaml\""), "\(sarif.output)")
        let table = try await Command.run(CommandLineTests.lanyard, arguments)
        #expect(table.output.hasSuffix("\n0 workloads and 1 ServiceAccount in 1 file checked: 0 errors, 1 warning\n"))
    }
}
