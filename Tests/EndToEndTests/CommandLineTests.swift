import Foundation
import JSON
import Testing

/// The command as people type it. No cluster is needed.
@Suite(.timeLimit(.minutes(5))) struct CommandLineTests {
    /// Built beside the tests.
    static let lanyard = URL(fileURLWithPath: CommandLine.arguments[0]).deletingLastPathComponent()
        .appendingPathComponent("lanyard").path

    private func lanyard(
        _ arguments: String..., input: String = "", environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await Command.run(Self.lanyard, arguments, input: input, environment: environment)
    }

    private static let manifests = Manifest.bedrock(in: "ai") + Manifest.deployment(in: "ai")

    @Test("inject prints the workloads as admission would make them, and the other objects as they are")
    func injects() async throws {
        let result = try await lanyard("inject", "-f", "-", "--platform", "gke", "-o", "json", input: Self.manifests)
        #expect(result.exitCode == 0)
        let list = try JSONValue(parsing: Array(result.output.utf8))
        #expect(list["kind"] == "List")
        let items = try #require(list["items"]?.array)
        #expect(items.compactMap { $0["kind"]?.string } == ["ServiceAccount", "Deployment"])
        let template = try #require(items[1].at("spec", "template"))
        #expect(template.variables["AWS_ROLE_ARN"] == Manifest.role)
        #expect(
            template.variables["AWS_WEB_IDENTITY_TOKEN_FILE"] == "/var/run/secrets/lanyard.dev/aws-bedrock/token")
        #expect(template.annotations["lanyard.dev/injected"] == "aws-bedrock=aws-web-identity")
    }

    @Test("what inject prints as YAML is what it reads: done twice, it changes nothing")
    func isIdempotent() async throws {
        let once = try await lanyard("inject", "-f", "-", "--platform", "eks", input: Self.manifests)
        let twice = try await lanyard("inject", "-f", "-", "--platform", "eks", input: once.output)
        #expect(once.output == twice.output)
        #expect(once.output.contains("lanyard.dev/injected: aws-bedrock=irsa"))
    }

    @Test("-o patch prints one line for every workload, with an empty patch where nothing is added")
    func printsPatches() async throws {
        let other =
            "{apiVersion: batch/v1, kind: CronJob, metadata: {name: c}, spec: {jobTemplate: {spec: {template: {spec: {containers: [{name: a}]}}}}}}"
        let result = try await lanyard(
            "inject", "-f", "-", "--platform", "eks", "-o", "patch", input: Self.manifests + other)
        #expect(result.exitCode == 0)
        let lines = try result.output.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
        #expect(lines.count == 2)
        #expect(lines[0]["kind"] == "Deployment" && lines[0]["namespace"] == "ai" && lines[0]["name"] == "app")
        #expect(
            lines[0]["patch"]?.array?.allSatisfy { $0["path"]?.string?.hasPrefix("/spec/template/") == true } == true)
        #expect(lines[1]["kind"] == "CronJob" && lines[1]["namespace"] == "default")
        #expect(lines[1]["patch"] == [] && lines[1]["warnings"] == [])
    }

    @Test("with -o json standard output holds only JSON, and warnings go to standard error")
    func separatesWarnings() async throws {
        let warned = Self.manifests.replacing("lanyard.dev/aws-region", with: "lanyard.dev/aws-regoin")
        let result = try await lanyard("inject", "-f", "-", "--platform", "eks", "-o", "json", input: warned)
        #expect(result.exitCode == 0)
        _ = try JSONValue(parsing: Array(result.output.utf8))
        #expect(
            result.errors.contains(
                "warning: ServiceAccount ai/llm: lanyard.dev/aws-regoin is not a key that Lanyard knows; did you mean lanyard.dev/aws-region?"
            ))
        let strict = try await lanyard("inject", "-f", "-", "--platform", "eks", "--strict", input: warned)
        #expect(strict.exitCode == 1)
    }

    @Test(
        "bad annotations are problems: exit code 1, and a message that says what to write",
        arguments: [
            ("eks.amazonaws.com/role-arn", "bedrock", "write an IAM role's ARN, such as"),
            ("azure.workload.identity/client-id", "my-app", "write a UUID, such as"),
            ("iam.gke.io/gcp-service-account", "me@example.com", "write a service account's e-mail address, such as"),
            ("lanyard.dev/providers", "aws-bedrok", "did you mean aws-bedrock?"),
            (
                "lanyard.dev/mechanism.openai", "irsa",
                "which does not serve openai on eks; write one of \"openai-federation\", \"vault-agent\""
            ),
            ("iam.gke.io/gcp-service-account", "a@b.iam.gserviceaccount.com", "works on gke only"),
            ("lanyard.dev/providers", "groq", "vault-agent needs lanyard.dev/vault-path.groq"),
        ])
    func reportsBadAnnotations(key: String, value: String, advice: String) async throws {
        let input = Manifest.serviceAccount(in: "ai", [key: value]) + Manifest.deployment(in: "ai")
        let result = try await lanyard("inject", "-f", "-", "--platform", "eks", input: input)
        #expect(result.exitCode == 1)
        #expect(result.errors.contains("error: ServiceAccount ai/llm"))
        #expect(result.errors.contains(advice), "\(result.errors)")
    }

    @Test(
        "input that cannot be read: exit code 2, and the file, the document and the line",
        arguments: [
            ("a: [1\n", "-: document 1: line 2: did not find expected ',' or ']'"),
            ("kind: Pod\n", "-: document 1, line 1: expected a Kubernetes object with apiVersion and kind"),
            ("apiVersion: v1\nkind: Pod\n---\n- 1\n", "-: document 2, line 4: expected a Kubernetes object"),
            ("{\"apiVersion\": \"v1\"", "-: document 1: line 2: did not find expected ',' or '}'"),
        ])
    func refusesInput(input: String, message: String) async throws {
        let result = try await lanyard("inject", "-f", "-", "--platform", "eks", input: input)
        #expect(result.exitCode == 2)
        #expect(result.errors.hasPrefix("lanyard: \(message)"), "\(result.errors)")
        #expect(result.output.isEmpty)
    }

    @Test("aliases that stand for too much are refused, not expanded")
    func refusesAliasBomb() async throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<9 {
            text +=
                "a\(level): &a\(level) [" + Array(repeating: "*a\(level - 1)", count: 10).joined(separator: ", ")
                + "]\n"
        }
        let result = try await lanyard("inject", "-f", "-", "--platform", "eks", input: text)
        #expect(result.exitCode == 2)
        #expect(result.errors.contains("its aliases stand for too much"))
    }

    @Test("an alias chain that nests deeper than any document may is refused, whatever the command")
    func refusesAliasChain() async throws {
        let chain = HostileYAML.chain(links: 900, nesting: 60)
        for arguments in [
            ["check", "-f", "-", "--platform", "eks"], ["inject", "-f", "-", "--platform", "eks"],
            ["explain", "aws-bedrock", "--platform", "eks", "-f", "-"], ["run", "--config", "-"],
        ] {
            let result = try await Command.run(Self.lanyard, arguments, input: chain)
            #expect(result.exitCode == 2, "\(arguments): \(result.errors)")
            #expect(result.errors == "lanyard: -: document 1, line 3: the document is nested too deep\n")
        }
    }

    @Test("thousands of documents take seconds: the work does not grow with the square of their number")
    func isLinear() async throws {
        let documents = (0..<2000).map { number in
            Manifest.serviceAccount("llm-\(number)", in: "ai", ["eks.amazonaws.com/role-arn": Manifest.role])
                + Manifest.deployment("app-\(number)", in: "ai").replacing(": llm\n", with: ": llm-\(number)\n")
        }
        let result = try await lanyard("check", "-f", "-", "--platform", "eks", input: documents.joined())
        #expect(result.output.hasSuffix(": 0 errors, 2000 warnings\n"), "\(result.errors)")
    }

    // MARK: Output

    private static let commands = [
        "matrix", "matrix -o yaml", "version", "--version", "--help", "help check", "run --print-config",
        "explain aws-bedrock --platform eks", "check -f - --platform eks", "check -f - --platform eks -o sarif",
        "inject -f - --platform eks", "inject -f - --platform eks -o json",
    ]

    @Test("output that cannot be written: exit code 2, and why", arguments: commands)
    func reportsLostOutput(command: String) async throws {
        for (redirection, reason) in [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")] {
            let result = try await Command.run(
                "/bin/sh", ["-c", "\"$0\" \(command) \(redirection)", Self.lanyard], input: Self.manifests)
            #expect(result.exitCode == 2)
            #expect(result.errors == "lanyard: standard output: cannot be written: \(reason)\n")
        }
    }

    @Test("a message that cannot be written changes no exit code", arguments: ["2>/dev/full", "2>&-"])
    func survivesLostMessages(redirection: String) async throws {
        let result = try await Command.run(
            "/bin/sh", ["-c", "\"$0\" check -f /does/not/exist --platform eks \(redirection)", Self.lanyard])
        #expect(result.exitCode == 2)
    }

    @Test("a reader that goes away ends the command without a word, whether SIGPIPE is ignored or not")
    func endsWithItsReader() async throws {
        let documents = (0..<500).map { Manifest.deployment("app-\($0)", in: "ai") }
        for start in ["", "trap '' PIPE;"] {
            let script = "\(start) { \"$0\" inject -f - --platform eks 2>/dev/null; echo $? >&2; } | head -n 1"
            let result = try await Command.run(
                "/bin/sh", ["-c", script, Self.lanyard], input: documents.joined())
            #expect(result.output == "apiVersion: apps/v1\n")
            #expect(result.errors == "141\n")
        }
    }

    @Test(
        "usage that is wrong: exit code 2, and what to write",
        arguments: [
            (["inject", "-f", "-"], "the platform is not known; add --platform"),
            (["inject", "-f", "-", "--platform", "mars"], "--platform mars is not known; write one of eks, aks"),
            (
                ["inject", "-f", "/does/not/exist", "--platform", "eks"],
                "/does/not/exist: cannot be read: No such file"
            ),
            (["inject"], "nothing to read: write -f FILE"),
            (["frobnicate"], "frobnicate"),
            (["run", "--webhook-url", "http://x"], "write a URL such as https://"),
            (["run", "--webhook-url", "https://x", "--certificate-directory", "d"], "exclude each other"),
            (["run", "--kubeconfig", "/does/not/exist"], "/does/not/exist: cannot be read"),
        ])
    func refusesUsage(arguments: [String], message: String) async throws {
        let result = try await Command.run(Self.lanyard, arguments)
        #expect(result.exitCode == 2)
        #expect(result.errors.contains(message), "\(result.errors)")
    }

    @Test("a configuration or a kubeconfig that cannot be used names its file and its field")
    func refusesFiles() async throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        func file(_ text: String) throws -> String {
            let file = folder.appendingPathComponent(UUID().uuidString)
            try text.write(to: file, atomically: true, encoding: .utf8)
            return file.path
        }
        let configuration = try file("aws: {regoin: x}\n")
        let unknown = try await lanyard("run", "--config", configuration)
        #expect(unknown.exitCode == 2)
        #expect(
            unknown.errors == "lanyard: \(configuration): aws.regoin: is not a setting; did you mean \"aws.region\"?\n")

        let kubeconfig = try file("apiVersion: v1\nkind: Config\ncurrent-context: gone\n")
        let context = try await lanyard("run", "--kubeconfig", kubeconfig)
        #expect(context.exitCode == 2)
        #expect(context.errors.contains(kubeconfig) && context.errors.contains("gone"), "\(context.errors)")

        let several = try await lanyard(
            "run", environment: ["KUBECONFIG": "/does/not/exist:\(kubeconfig):\(configuration)"])
        #expect(several.exitCode == 2)
        #expect(
            several.errors.hasPrefix("lanyard: \(kubeconfig):\(configuration): contexts: \"gone\" is not in contexts"))

        let broken = try await lanyard("run", "--kubeconfig", try file("a: [\n"))
        #expect(broken.exitCode == 2)

        let environment = try await lanyard("run", "--print-config", environment: ["LANYARD_AWS_REGOIN": "x"])
        #expect(environment.exitCode == 2)
        #expect(environment.errors.contains("LANYARD_AWS_REGOIN"))
    }

    @Test("the configuration that is printed can be read again")
    func printsConfiguration() async throws {
        let printed = try await lanyard("run", "--print-config", environment: ["LANYARD_AWS_REGION": "eu-west-1"])
        #expect(printed.exitCode == 0)
        #expect(printed.output.contains("region: eu-west-1"))
        let again = try await lanyard("run", "--print-config", "--config", "-", input: printed.output)
        #expect(again.output == printed.output)
    }

    private static let repeated = [
        ("docs/annotations.md", "matrix", ["matrix", "-o", "markdown"]),
        ("docs/configuration.md", "config", ["run", "--print-config"]),
    ]

    @Test("the documentation's matrix and configuration are those that the command prints", arguments: repeated)
    func keepsDocumentation(page: String, name: String, arguments: [String]) async throws {
        let printed = try await Command.run(Self.lanyard, arguments).output
        let text = try String(contentsOfFile: page, encoding: .utf8)
        let section = try #require(
            text.split(separator: "<!-- \(name): ").dropFirst().first?.split(separator: "<!-- /\(name) -->").first)
        #expect(section.contains(printed), "put the output of lanyard \(arguments.joined(separator: " ")) there")
    }

    @Test("the matrix is printed in every format")
    func printsMatrix() async throws {
        let json = try await lanyard("matrix", "-o", "json")
        let matrix = try JSONValue(parsing: Array(json.output.utf8))
        #expect(
            matrix.at("aws-bedrock", "eks") == [
                "eks-pod-identity", "irsa", "aws-web-identity", "vault-agent", "vault-csi", "external-secret",
            ])
        #expect(try await lanyard("matrix", "-o", "yaml").output.contains("aws-bedrock:\n  eks:"))
        #expect(try await lanyard("matrix").output.contains("openai"))
        #expect(try await lanyard("version").output == "lanyard 0.1.0\n")
    }

    private static let faulty = """
        apiVersion: v1
        kind: List
        items:
          - apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: llm
              namespace: ai
              annotations:
                eks.amazonaws.com/role-arn: bedrock
                azure.workload.identity/client_id: x
          - apiVersion: apps/v1
            kind: Deployment
            metadata:
              name: app
              namespace: ai
              annotations:
                lanyard.dev/skip-containers: app
            spec:
              template:
                metadata:
                  annotations:
                    lanyard.dev/token-expiration: soon
                spec:
                  serviceAccountName: llm
                  containers: [{name: app}]
        """

    @Test("check names the file and the line of each problem, each problem once and on the object that has it")
    func checks() async throws {
        let result = try await lanyard("check", "-f", "-", "--platform", "eks", input: Self.faulty)
        #expect(result.exitCode == 1)
        let lines = result.output.split(separator: "\n")
        func starts(_ prefix: String) -> Bool { lines.contains { $0.hasPrefix(prefix) } }
        #expect(starts("-:10: error: InvalidValue: ServiceAccount ai/llm: "))
        #expect(starts("-:11: warning: UnknownKey: ServiceAccount ai/llm: "))
        #expect(starts("-:18: warning: MisplacedKey: Deployment ai/app: lanyard.dev/skip-containers"))
        #expect(
            starts("-:23: error: InvalidValue: Deployment ai/app: the pod: lanyard.dev/token-expiration is \"soon\""))
        #expect(lines.count == 5)
        #expect(lines.last == "1 workload and 1 ServiceAccount in 1 file checked: 2 errors, 2 warnings")
    }

    @Test("check prints its findings as JSON, and as SARIF that code-scanning services accept")
    func printsFindings() async throws {
        let json = try await lanyard("check", "-f", "-", "--platform", "eks", "-o", "json", input: Self.faulty)
        let report = try JSONValue(parsing: Array(json.output.utf8))
        #expect(
            report["summary"] == [
                "errors": 2, "warnings": 2, "workloads": 1, "serviceAccounts": 1, "namespaces": 0, "files": 1,
            ])
        let first = try #require(report["findings"]?.array?.first)
        #expect(first["kind"] == "ServiceAccount" && first["namespace"] == "ai" && first["name"] == "llm")
        #expect(first["field"] == "eks.amazonaws.com/role-arn" && first["line"] == 10)

        let sarif = try await lanyard("check", "-f", "-", "--platform", "eks", "-o", "sarif", input: Self.faulty)
        let log = try JSONValue(parsing: Array(sarif.output.utf8))
        #expect(log["version"] == "2.1.0")
        let run = try #require(log.at("runs", "0"))
        let rules = try #require(run.at("tool", "driver", "rules")?.array)
        let results = try #require(run["results"]?.array)
        #expect(results.count == 4)
        for result in results {
            let index = try #require(result["ruleIndex"]?.integer)
            #expect(rules[index]["id"] == result["ruleId"])
            let reason = try #require(result["ruleId"]?.string)
            let page = "https://lanyard.dev/docs/reasons#\(reason.lowercased())"
            #expect(rules[index]["helpUri"]?.string == page)
            for text in ["shortDescription", "fullDescription"] {
                #expect(rules[index].at(text, "text")?.string?.hasSuffix(".") == true)
            }
            #expect(result.at("locations", "0", "physicalLocation", "region", "startLine")?.integer ?? 0 > 0)
        }
    }

    @Test("manifests in which nothing is wrong pass the check")
    func passes() async throws {
        let result = try await lanyard("check", "-f", "-", "--platform", "eks", "--strict", input: Self.manifests)
        #expect(result.exitCode == 0)
        #expect(result.output == "1 workload and 1 ServiceAccount in 1 file checked: 0 errors, 0 warnings\n")
    }
}
