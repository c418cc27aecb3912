import Foundation
import JSON
import Testing

/// What `check` and `inject` read, and what they say that it was.
@Suite(.timeLimit(.minutes(5))) final class ManifestInputTests {
    private let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)

    init() throws {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    private func write(_ text: String, to path: String) throws {
        try write(Array(text.utf8), to: path)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = folder.appendingPathComponent(path)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    private func lanyard(_ arguments: String..., input: String = "") async throws -> CommandResult {
        try await Command.run(CommandLineTests.lanyard, arguments + ["--platform", "eks"], input: input)
    }

    /// What is said of input that cannot be used, without the folder's path.
    private func refusal(_ arguments: String..., input: String = "") async throws -> String {
        let result = try await Command.run(
            CommandLineTests.lanyard, arguments + ["--platform", "eks"], input: input)
        #expect(result.exitCode == 2 && result.output.isEmpty, "\(result)")
        return result.errors.replacing(folder.path, with: "FOLDER")
    }

    private static let wanted = """
        Checked are ServiceAccounts, Namespaces, Pods, ReplicationControllers, ReplicaSets, Deployments, DaemonSets, \
        StatefulSets, Jobs, CronJobs, and whatever else has spec.template.spec.containers

        """

    // MARK: Nothing

    @Test(
        "nothing to check is no success: a command before the pipe may have failed",
        arguments: ["", "---\n---\n", "# \n"])
    func refusesNothing(input: String) async throws {
        for command in ["check", "inject"] {
            #expect(
                try await refusal(command, "-f", "-", input: input) == """
                    lanyard: nothing to check: standard input has no object; see whether the command before the pipe \
                    failed. \(Self.wanted)
                    """.trimmingCharacters(in: .newlines) + "\n")
        }
        try write(input, to: "empty.yaml")
        #expect(
            try await refusal("check", "-f", folder.path + "/empty.yaml")
                .hasPrefix("lanyard: nothing to check: FOLDER/empty.yaml has no object. Checked are "))
    }

    @Test("objects of which none is checked are named; inject prints them as they are")
    func refusesOthers() async throws {
        let others = """
            {apiVersion: v1, kind: ConfigMap, metadata: {name: c}}
            ---
            {apiVersion: v1, kind: Service, metadata: {name: s}}
            """
        let message = try await refusal("check", "-f", "-", input: others)
        #expect(
            message.hasPrefix("lanyard: nothing to check: standard input has only ConfigMap, Service. Checked are "))
        let injected = try await lanyard("inject", "-f", "-", "-o", "json", input: others)
        #expect(injected.exitCode == 0 && injected.errors.isEmpty)
        #expect(try JSONValue(parsing: Array(injected.output.utf8))["items"]?.array?.count == 2)
    }

    @Test("what was checked is said")
    func counts() async throws {
        let namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: ai}\n"
        try write(Manifest.bedrock(in: "ai") + namespace, to: "a.yaml")
        try write(Manifest.deployment(in: "ai") + Manifest.pod(in: "ai"), to: "b.yml")
        try write(#"{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}}"#, to: "c.json")
        let result = try await lanyard("check", "-f", folder.path)
        #expect(
            result.output
                == "2 workloads, 1 ServiceAccount and 1 Namespace in 2 files checked: 0 errors, 0 warnings\n",
            "\(result)")
    }

    // MARK: Folders

    @Test("a folder is its manifests, in the order of their names; with -R those of its subfolders, too")
    func readsFolders() async throws {
        try write(Manifest.deployment("b", in: "ai"), to: "b.yaml")
        try write(Manifest.deployment("a", in: "ai"), to: "a.yaml")
        try write("not a manifest", to: "README.md")
        try write(Manifest.deployment("c", in: "ai"), to: "sub/deep/c.yaml")
        try FileManager.default.createSymbolicLink(
            atPath: folder.path + "/sub/loop", withDestinationPath: folder.path)
        func names(_ arguments: [String]) async throws -> [String] {
            let result = try await Command.run(
                CommandLineTests.lanyard, ["inject", "-o", "patch", "--platform", "eks"] + arguments)
            return try result.output.split(separator: "\n").compactMap {
                try JSONValue(parsing: Array($0.utf8))["name"]?.string
            }
        }
        #expect(try await names(["-f", folder.path]) == ["a", "b"])
        #expect(try await names(["-R", "-f", folder.path]) == ["a", "b", "c"])
        let folders = ["--recursive", "-f", folder.path + "/sub", "-f", folder.path + "/b.yaml"]
        #expect(try await names(folders) == ["c", "b"])
        // Named twice, there once.
        #expect(try await names(["-f", folder.path + "/b.yaml", "-f", folder.path + "/b.yaml"]) == ["b"])
    }

    @Test("a folder without manifests, and one that another program makes manifests of, are told to be such")
    func refusesFolders() async throws {
        try write("x", to: "none/x.txt")
        #expect(
            try await refusal("check", "-f", folder.path + "/none")
                == "lanyard: FOLDER/none: the folder has no .yaml, .yml or .json file (--recursive looks into its "
                + "subfolders, too)\n")
        try write("name: app", to: "chart/Chart.yaml")
        try write("{{ if .Values.x }}", to: "chart/templates/app.yaml")
        #expect(
            try await refusal("check", "-R", "-f", folder.path)
                == "lanyard: FOLDER/chart: is a Helm chart; pipe it: helm template FOLDER/chart | lanyard … -f -\n")
        try write("resources: []", to: "overlay/kustomization.yaml")
        #expect(
            try await refusal("inject", "-f", folder.path + "/overlay")
                == "lanyard: FOLDER/overlay: is a kustomization; pipe it: kubectl kustomize FOLDER/overlay | lanyard … "
                + "-f -\n")
        let template = try await refusal("check", "-f", folder.path + "/chart/templates/app.yaml")
        #expect(template.contains("if it is a template of a Helm chart, pipe the output of helm template CHART"))
    }

    @Test("what kubectl would fetch or build is told to be piped")
    func refusesOtherSources() async throws {
        #expect(
            try await refusal("check", "-f", "https://example.com/a.yaml")
                == "lanyard: https://example.com/a.yaml: URLs are not fetched; pipe it: curl -fsSL URL | lanyard … -f -\n"
        )
        #expect(
            try await refusal("check", "-k", "overlay")
                == "lanyard: -k is not known here; pipe the kustomization: kubectl kustomize overlay | lanyard check -f -\n"
        )
    }

    // MARK: Files

    @Test("a pipe is read as any file is")
    func readsPipes() async throws {
        let result = try await Command.run(
            "/bin/sh", ["-c", "cat | \"$0\" check -f /dev/stdin --platform eks", CommandLineTests.lanyard],
            input: Manifest.bedrock(in: "ai"))
        #expect(
            result.output == "0 workloads and 1 ServiceAccount in 1 file checked: 0 errors, 0 warnings\n",
            "\(result.errors)")
    }

    @Test(
        "a file that is no text is told to be none, by its name",
        arguments: [
            ([0x7F, 0x45, 0x4C, 0x46, 0x02, 0xFF, 0xFE], "is not text in UTF-8"),
            ([0xFF, 0xFE, 0x61, 0x00], "is UTF-16 text; save it as UTF-8"),
            ([0xFE, 0xFF, 0x00, 0x61], "is UTF-16 text; save it as UTF-8"),
        ] as [([UInt8], String)])
    func refusesBinaries(bytes: [UInt8], message: String) async throws {
        try write(bytes, to: "sub/x.yaml")
        #expect(try await refusal("check", "-R", "-f", folder.path) == "lanyard: FOLDER/sub/x.yaml: \(message)\n")
    }

    // MARK: Kinds

    private static func workload(_ apiVersion: String, _ kind: String) -> String {
        """
        apiVersion: \(apiVersion)
        kind: \(kind)
        metadata: {name: app, namespace: ai}
        spec:
          template:
            metadata:
              annotations:
                lanyard.dev/aws-region: EU/central
            spec:
              serviceAccountName: llm
              containers: [{name: app, image: "app:1"}]

        """
    }

    @Test(
        "a workload of a kind that is not known is checked by its template, and it is said so",
        arguments: [
            ("argoproj.io/v1alpha1", "Rollout"), ("serving.knative.dev/v1", "Service"),
            ("apps.kruise.io/v1alpha1", "CloneSet"), ("example.com/v1", "Deployment"),
        ])
    func checksOtherKinds(apiVersion: String, kind: String) async throws {
        let input = Manifest.bedrock(in: "ai") + Self.workload(apiVersion, kind)
        let result = try await lanyard("check", "-f", "-", input: input)
        #expect(result.exitCode == 1)
        #expect(
            result.errors
                == "note: \(kind) ai/app: \(kind) of \(apiVersion) is not a kind of Kubernetes' own; it is checked by its "
                + "pod template, spec.template\n")
        let prefix = "-:17: error: InvalidValue: \(kind) ai/app: the pod: lanyard.dev/aws-region is \"EU/central\""
        #expect(result.output.split(separator: "\n").contains { $0.hasPrefix(prefix) }, "\(result.output)")
        #expect(result.output.contains("\n1 workload and 1 ServiceAccount in 1 file checked: 1 error"))

        let fixed = input.replacing("EU/central", with: "eu-central-1")
        let injected = try await lanyard("inject", "-f", "-", "-o", "json", input: fixed)
        #expect(injected.exitCode == 0)
        let items = try JSONValue(parsing: Array(injected.output.utf8))["items"]?.array ?? []
        #expect(items.last?.at("spec", "template")?.annotations["lanyard.dev/injected"] == "aws-bedrock=irsa")
    }

    @Test("other objects by the names of ServiceAccounts and Services are none")
    func distinguishesGroups() async throws {
        let foreign = """
            apiVersion: cloudplatform.gcp.upbound.io/v1beta1
            kind: ServiceAccount
            metadata: {name: llm, namespace: ai, annotations: {lanyard.dev/foo: bar}}
            """
        let message = try await refusal("check", "-f", "-", input: foreign)
        #expect(message.hasPrefix("lanyard: nothing to check: standard input has only ServiceAccount. "))
    }
}
