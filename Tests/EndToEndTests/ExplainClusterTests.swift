import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// `lanyard explain` for ServiceAccounts of a cluster.
    @Suite(.serialized) struct ExplainCluster {
        private static let groq = [
            "eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/vault-path.groq": "secret/data/ml/groq",
            "lanyard.dev/vault-role": "llm",
        ]

        private func explain(_ arguments: String..., kubeconfig: String) async throws -> CommandResult {
            try await Command.run(CommandLineTests.lanyard, ["explain"] + arguments + ["--kubeconfig", kubeconfig])
        }

        @Test("a ServiceAccount is read from the cluster; without the operator the cluster is asked what it is")
        func readsCluster() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            // What an operator that is no more has reported would be believed.
            _ = try? await plane.kubectl("delete", "wid", "--all", "--all-namespaces")
            try await plane.apply(Manifest.serviceAccount(in: namespace, Self.groq))
            let result = try await explain(
                "\(namespace)/llm", "--platform", "eks", kubeconfig: plane.kubeconfig)
            #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
            #expect(result.output.contains("# ==== aws-bedrock by irsa (native, sdk-default)"))
            #expect(result.output.contains("# ==== groq by vault-agent (vault, needs-code)"))
            #expect(result.output.contains("VAULT_PATH=secret/data/ml/groq"))
            let discovery = try await plane.kubectl("get", "--raw", "/.well-known/openid-configuration").output
            let issuer = try #require(try JSONValue(parsing: Array(discovery.utf8))["issuer"]?.string)
            #expect(result.output.contains("ISSUER=\(issuer)\n"))
            #expect(result.output.contains("# ServiceAccount \(namespace)/llm is the cluster's"))
            let short = try await explain(
                "aws-bedrock", "--serviceaccount", "llm", "-n", namespace, kubeconfig: plane.kubeconfig)
            #expect(short.exitCode == 0, "\(short.errors)")
            let words = short.output.replacing("\n# ", with: " ")
            #expect(words.contains("the platform is what the API server and the nodes show"))
        }

        @Test("with the operator, platform, issuer and mechanisms are as it reports them")
        func believesOperator() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let reported = try await plane.get("wid", "llm", "-n", namespace)
                let result = try await explain("\(namespace)/llm", kubeconfig: plane.kubeconfig)
                #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
                let text = result.output.replacing("\n# ", with: " ")
                #expect(text.contains("as the operator reports in WorkloadIdentity \(namespace)/llm."))
                #expect(text.contains("gets aws-bedrock by irsa, as the operator reports."))
                let issuer = try #require(reported.at("status", "issuer", "url")?.string)
                #expect(text.contains("ISSUER=\(issuer)\n"))

                // Another ServiceAccount's object says what the cluster is, and nothing of this one.
                try await plane.apply(Manifest.serviceAccount("plain", in: namespace, ["example.com/a": "b"]))
                let other = try await explain("openai", "\(namespace)/plain", kubeconfig: plane.kubeconfig)
                #expect(other.exitCode == 0, "\(other.errors)")
                let words = other.output.replacing("\n# ", with: " ")
                #expect(words.contains("as the operator reports in WorkloadIdentity \(namespace)/llm."))
                #expect(words.contains("ServiceAccount \(namespace)/plain does not ask for openai yet."))
            }
        }

        @Test("what is not there, and what may not be read: exit code 1, and what to do")
        func tellsErrors() async throws {
            let plane = try ControlPlane.require()
            let namespace = try await plane.namespace()
            try await plane.apply(Manifest.bedrock(in: namespace))
            let missing = try await explain("\(namespace)/lllm", kubeconfig: plane.kubeconfig)
            #expect(missing.exitCode == 1 && missing.output.isEmpty)
            #expect(missing.errors.contains("there is no ServiceAccount \(namespace)/lllm in the cluster; namespace"))
            #expect(missing.errors.contains("llm"))
            let elsewhere = try await explain("no-such-namespace/llm", kubeconfig: plane.kubeconfig)
            #expect(elsewhere.exitCode == 1)
            #expect(elsewhere.errors.contains("namespace no-such-namespace does not exist, or has none"))
            let hostile = try await explain("\(namespace)/..", kubeconfig: plane.kubeconfig)
            #expect(hostile.exitCode == 2 && hostile.errors.contains("is not usable as a ServiceAccount's name"))

            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            let stranger = folder.appendingPathComponent("kubeconfig").path
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
            try configuration.serializedString().write(toFile: stranger, atomically: true, encoding: .utf8)
            let denied = try await explain("\(namespace)/llm", kubeconfig: stranger)
            #expect(denied.exitCode == 1 && denied.output.isEmpty)
            #expect(denied.errors.contains("Forbidden"), "\(denied.errors)")
            #expect(denied.errors.contains("kubectl get serviceaccount llm -n \(namespace) -o yaml"))
        }
    }
}
