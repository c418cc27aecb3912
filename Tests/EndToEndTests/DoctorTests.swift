import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// `lanyard doctor` on a real API server, for pods that are broken in different ways. There is no kubelet: what one would say
    /// of a container, the test says.
    @Suite(.serialized) struct DoctorCommand {
        private static let secret = "AKIAS3CR3T"

        private static func run(
            _ plane: ControlPlane, _ arguments: String..., kubeconfig: String? = nil
        ) async throws -> CommandResult {
            try await Command.run(
                plane.lanyard, ["doctor", "--kubeconfig", kubeconfig ?? plane.kubeconfig] + arguments)
        }

        /// What is said of a pod: the likeliest cause and the exit code.
        private static func cause(
            _ plane: ControlPlane, _ object: String, in namespace: String
        ) async throws -> (reason: String, next: String, exitCode: Int32) {
            let result = try await run(plane, object, "-n", namespace, "-o", "json")
            #expect(result.errors.isEmpty, "\(result.errors)")
            #expect(!result.output.contains(secret))
            let report = try JSONValue(parsing: Array(result.output.utf8))
            let first = report.at("causes", "0")
            return (first?["reason"]?.string ?? "", first?["next"]?.string ?? "", result.exitCode)
        }

        @Test("each broken pod has its own cause and its next command, and a pod that is well has none")
        func findsCauses() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await plane.apply(Manifest.bedrock(in: namespace))
            try await plane.apply(Manifest.pod("early", in: namespace))
            try await Operator.running { plane, _ in
                let stored = """
                    containers:
                      - {name: app, image: "app:1", envFrom: [{secretRef: {name: keys}}]}
                    """.replacing("\n", with: "\n  ")
                let nowhere = """
                    containers:
                      - name: app
                        image: "app:1"
                        env: [{name: AWS_WEB_IDENTITY_TOKEN_FILE, value: /app/token}]
                    """.replacing("\n", with: "\n  ")
                let manifests = [
                    """
                    apiVersion: v1
                    kind: Secret
                    metadata: {name: keys, namespace: \(namespace)}
                    stringData: {AWS_ACCESS_KEY_ID: \(Self.secret), AWS_SECRET_ACCESS_KEY: \(Self.secret)}
                    ---

                    """,
                    Manifest.pod("stored", in: namespace, spec: stored),
                    Manifest.pod("nowhere", in: namespace, spec: nowhere),
                    Manifest.pod("left-alone", in: namespace, labels: ["lanyard.dev/inject": "false"]),
                    Manifest.pod("unasked", in: namespace).replacing(
                        "serviceAccountName: llm", with: "serviceAccountName: default"),
                    Manifest.pod("well", in: namespace), Manifest.pod("waiting", in: namespace),
                    Manifest.deployment(in: namespace),
                ]
                try await plane.apply(manifests.joined())
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False")
                let status =
                    #"{"status": {"containerStatuses": [{"name": "app", "image": "app:1", "imageID": "", "ready": false,"#
                    + #""restartCount": 0, "state": {"waiting": {"reason": "ErrImagePull", "message": "no such image"}}}]}}"#
                try await plane.kubectl(
                    "patch", "pod", "waiting", "-n", namespace, "--subresource=status", "--type=merge", "-p", status)

                let restart = "delete and create again pod/"
                for (pod, reason, next) in [
                    ("early", "NotInjected", restart), ("stored", "StoredCredential", "take AWS_ACCESS_KEY_ID and "),
                    ("nowhere", "NoCredential", "change the pod's template, then \(restart)nowhere"),
                    ("left-alone", "Exempt", "remove lanyard.dev/inject from"),
                    ("unasked", "NotAsked", "lanyard explain PROVIDER \(namespace)/default"),
                    ("waiting", "NotStarted", "kubectl describe pod waiting -n \(namespace)"),
                ] {
                    let found = try await Self.cause(plane, "pod/\(pod)", in: namespace)
                    #expect(found.reason == reason && found.exitCode == 1, "\(pod): \(found)")
                    #expect(found.next.contains(next), "\(pod): \(found.next)")
                }
                let well = try await Self.run(plane, "pod/well", "-n", namespace)
                #expect(well.exitCode == 0, "\(well.output)")
                for line in [
                    "pod \(namespace)/well, Pending\n", "\n  aws-bedrock by irsa, as \(Manifest.role)\n",
                    "\nis: injected, and as it would be now (aws-bedrock=irsa)\n",
                    "\n  aws-bedrock: the identity counts (irsa): nothing that the SDK reads first is set\n",
                    "/token: volume aws-iam-token, audience sts.amazonaws.com, a token of 86400 s, mode 0644, owner root\n",
                    "sub system:serviceaccount:\(namespace):llm, aud sts.amazonaws.com, for \(Manifest.role)\n",
                    "\nnothing is wrong that can be seen from here\n",
                    "next: lanyard verify \(namespace)/llm tries it\n",
                ] { #expect(well.output.contains(line), "\(line) in \(well.output)") }

                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "lanyard.dev/aws-region=us-east-1", "-n", namespace)
                let stale = try await Self.cause(plane, "deployment/app", in: namespace)
                #expect(stale.reason == "Stale" && stale.exitCode == 1)
                #expect(stale.next == "kubectl rollout restart deployment/app -n \(namespace)")
                let chosen = try await Self.run(plane, "deploy/app", "-n", namespace)
                #expect(chosen.output.contains("\nof Deployment \(namespace)/app: its only pod, which is not ready\n"))

                // A workload stands for the ServiceAccount as which it runs.
                for (command, options, said) in [
                    ("heal", ["--dry-run"], "Deployment \(namespace)/app: no pod is to be replaced\n"),
                    ("explain", [], "# AWS Bedrock for ServiceAccount \(namespace)/llm on Amazon EKS.\n"),
                    ("status", [], "\n\(namespace)/llm is not ready ("),
                ] as [(String, [String], String)] {
                    let arguments = [command, "deployment/app", "-n", namespace, "--kubeconfig", plane.kubeconfig]
                    let result = try await Command.run(plane.lanyard, arguments + options)
                    #expect(result.exitCode == 0 && result.output.contains(said), "\(result)")
                }
            }
        }

        @Test("with the right to read pods alone it says what it cannot tell, and fails for nothing else")
        func toleratesLackOfRights() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await plane.apply(
                Manifest.bedrock(in: namespace) + Manifest.pod(in: namespace)
                    + """
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: Role
                    metadata: {name: pods, namespace: \(namespace)}
                    rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
                    ---
                    apiVersion: rbac.authorization.k8s.io/v1
                    kind: RoleBinding
                    metadata: {name: pods, namespace: \(namespace)}
                    roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: pods}
                    subjects: [{kind: ServiceAccount, name: llm, namespace: \(namespace)}]
                    """)
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let kubeconfig = folder.appendingPathComponent("kubeconfig").path
            var configuration = try JSONValue(
                parsing: Array(
                    try await plane.kubectl("config", "view", "--raw", "--minify", "-o", "json").output.utf8))
            let token = try await plane.kubectl("create", "token", "llm", "-n", namespace).output
            configuration["users"] = [
                [
                    "name": configuration.at("users", "0", "name") ?? "user",
                    "user": ["token": .string(String(token.prefix { $0 != "\n" }))],
                ]
            ]
            try configuration.serializedString().write(toFile: kubeconfig, atomically: true, encoding: .utf8)
            let seen = try await Self.run(plane, "pod/pod", "-n", namespace, kubeconfig: kubeconfig)
            #expect(seen.exitCode == 0 && seen.errors.isEmpty, "\(seen)")
            for line in [
                "not read: get serviceaccounts \(namespace)/llm: no right; what the pod should have is not known\n",
                "not read: get namespaces \(namespace): no right; ",
                "not read: list events in namespace \(namespace): no right; ",
                "perhaps (NotKnown): ServiceAccount \(namespace)/llm cannot be read",
                "next: kubectl auth can-i get serviceaccounts -n \(namespace)\n",
            ] { #expect(seen.output.contains(line), "\(line) in \(seen.output)") }
            let absent = try await Self.run(plane, "pod/nobody", "-n", namespace, kubeconfig: kubeconfig)
            #expect(absent.exitCode == 1 && absent.output.isEmpty && absent.errors.contains("NotFound"))
            let denied = try await Self.run(plane, "deployment/app", "-n", namespace, kubeconfig: kubeconfig)
            #expect(denied.exitCode == 1 && denied.errors.contains("Forbidden"))
        }

        @Test("with --verify it makes a token and asks the provider; that this machine cannot reach it is no cause")
        func triesTrust() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.pod(in: namespace))
            let result = try await Command.run(
                plane.lanyard,
                [
                    "doctor", "--kubeconfig", plane.kubeconfig, "pod/pod", "-n", namespace, "--verify", "--config", "-",
                    "-o", "json",
                ],
                input: """
                    {platform: eks, issuer: {public: true}, verify: {endpoints: {aws-bedrock: "https://127.0.0.1:1"}}}
                    """)
            #expect(result.exitCode == 1 && result.errors.isEmpty, "\(result)")
            #expect(!result.output.contains("eyJ"))
            let report = try JSONValue(parsing: Array(result.output.utf8))
            #expect(report.at("trials", "0", "reason") == "Unreachable", "\(result.output)")
            #expect(report.at("trials", "0", "endpoint") == "https://127.0.0.1:1/")
            #expect(
                report.at("trials", "0", "claims", "sub") == .string("system:serviceaccount:\(namespace):llm"))
            #expect((report["causes"]?.array ?? []).compactMap { $0["reason"]?.string } == ["NotInjected"])
        }

        @Test(
            "what is no pod and no workload is a mistake of the caller's",
            arguments: [
                (["sa/llm", "-n", "ai"], "name a pod or a workload"), (["ai/llm"], "name a pod or a workload"),
                (["pod/..", "-n", "ai"], "is not usable as a Pod's name"),
                (["pod/a", "--platform", "moon"], "--platform moon is not known"), ([], "Missing expected argument"),
            ] as [([String], String)])
        func refuses(arguments: [String], message: String) async throws {
            let plane = try ControlPlane.require()
            let result = try await Command.run(plane.lanyard, ["doctor"] + arguments)
            #expect(result.exitCode == 2 && result.output.isEmpty)
            #expect(result.errors.contains(message), "\(result.errors)")
        }
    }
}
