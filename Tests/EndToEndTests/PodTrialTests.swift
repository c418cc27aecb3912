import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// Trust that pods try themselves, as a real API server admits them. There is no kubelet: what it would mount and run, the test
    /// does.
    @Suite(.serialized) struct PodTrial {
        private static func settings(_ endpoint: ProviderEndpoint) -> Operator.Settings {
            Operator.Settings(
                configuration: """
                    platform: eks
                    issuer: {public: true}
                    verify:
                      endpoints: {aws-bedrock: "\(endpoint.url)", openai: "\(endpoint.url)"}
                      image: registry.example.com/lanyard:test
                      imagePullSecret: registry
                    """, logLevel: "trace")
        }

        /// Runs what the container would, with tokens that are bound to the pod.
        ///
        /// - Returns: its termination message and its log.
        private static func run(
            _ pod: JSONValue, of account: String, in namespace: String, _ plane: ControlPlane
        ) async throws -> (message: String, log: String) {
            let container = try #require(pod.at("spec", "initContainers")?.array?.last)
            #expect(container["command"] == ["/usr/local/bin/lanyard", "verify-in-pod"])
            let name = try #require(pod.at("metadata", "name")?.string)
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            for source in pod.volume("lanyard-verify")?.at("projected", "sources")?.array ?? [] {
                let token = try #require(source["serviceAccountToken"])
                let made = try await plane.kubectl(
                    "create", "token", account, "-n", namespace, "--audience", token["audience"]?.string ?? "",
                    "--bound-object-kind", "Pod", "--bound-object-name", name)
                try made.output.trimmingCharacters(in: .whitespacesAndNewlines).write(
                    to: folder.appendingPathComponent(token["path"]?.string ?? ""), atomically: false, encoding: .utf8)
            }
            let message = folder.appendingPathComponent("message")
            let result = try await Command.run(
                plane.lanyard, ["verify-in-pod", "--tokens", folder.path, "--message", message.path],
                environment: ["LANYARD_TRIAL": container.at("env", "0", "value")?.string ?? ""])
            #expect(result.exitCode == 0 && result.errors.isEmpty, "\(result.errors)")
            let text = try String(contentsOf: message, encoding: .utf8)
            #expect(result.output == text + "\n")
            return (text, result.output + result.errors)
        }

        /// What a kubelet would write of it.
        private static func report(
            _ message: String, of pod: String, in namespace: String, _ plane: ControlPlane
        ) async throws {
            let time = Date.now.formatted(.iso8601)
            let status: JSONValue = [
                "status": [
                    "initContainerStatuses": [
                        [
                            "name": "lanyard-verify", "image": "i", "imageID": "i", "ready": true, "restartCount": 0,
                            "state": [
                                "terminated": ["exitCode": 0, "message": .string(message), "finishedAt": .string(time)]
                            ],
                        ]
                    ]
                ]
            ]
            try await plane.kubectl(
                "patch", "pod", pod, "-n", namespace, "--subresource=status", "--type=merge", "-p",
                status.serializedString())
        }

        private static func verified(
            _ account: String, in namespace: String, of plane: ControlPlane, is status: String, _ reason: String
        ) async throws -> String {
            try await eventually(within: .seconds(100), "\(account) is Verified=\(status) \(reason)") {
                let found = try await plane.get("wid", account, "-n", namespace).condition("Verified")
                guard let found, found["status"]?.string == status, found["reason"]?.string == reason else {
                    throw CommandFailure(description: "it is \(found.map { "\($0)" } ?? "absent")")
                }
                return found["message"]?.string ?? ""
            }
        }

        private static func pod(_ name: String, of account: String, in namespace: String, spec: String? = nil) -> String
        {
            Manifest.pod(
                name, in: namespace, annotations: ["lanyard.dev/verify": "true"],
                spec: spec ?? "containers: [{name: app, image: \"app:1\"}]"
            ).replacing("serviceAccountName: llm", with: "serviceAccountName: \(account)")
        }

        @Test(
            "what a pod tried with its own tokens is a condition; a container of its author's own is not believed",
            .timeLimit(.minutes(5)))
        func tells() async throws {
            let namespace = try await ControlPlane.require().namespace()
            let aws = ["eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/aws-region": "eu-central-1"]
            let openAI = [
                "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
            ]
            try await ProviderEndpoint.running { endpoint in
                endpoint.trust("system:serviceaccount:\(namespace):good")
                try await Operator.running(Self.settings(endpoint)) { plane, running in
                    try await plane.apply(
                        Manifest.serviceAccount("good", in: namespace, aws.merging(openAI) { $1 })
                            + Manifest.serviceAccount("bad", in: namespace, aws)
                            + Manifest.serviceAccount("forger", in: namespace, aws))
                    let forged = """
                        initContainers: [{name: lanyard-verify, image: "mine:1", command: [lanyard, verify-in-pod]}]
                          containers: [{name: app, image: "app:1"}]
                        """
                    let applied = try await plane.apply(
                        Self.pod("good", of: "good", in: namespace) + Self.pod("bad", of: "bad", in: namespace)
                            + Self.pod("forger", of: "forger", in: namespace, spec: forged))
                    #expect(applied.errors.contains("the pod has another container lanyard-verify"))
                    var shown = ""
                    for name in ["good", "bad"] {
                        let pod = try await plane.get("pod", name, "-n", namespace)
                        #expect(pod.at("spec", "imagePullSecrets") == [["name": "registry"]])
                        let said = try await Self.run(pod, of: name, in: namespace, plane)
                        shown += said.message + said.log
                        try await Self.report(said.message, of: name, in: namespace, plane)
                        let exchange = #""provider":"aws-bedrock","mechanism":"irsa","outcome":"Verified""#
                        #expect(said.message.contains(exchange) == (name == "good"))
                    }
                    let forgery = """
                        {"results":[{"provider":"aws-bedrock","mechanism":"irsa","outcome":"Verified","reason":"Verified"}]}
                        """
                    try await Self.report(forgery, of: "forger", in: namespace, plane)

                    let good = try await Self.verified("good", in: namespace, of: plane, is: "True", "Verified")
                    #expect(good.hasSuffix("aws-bedrock by irsa, openai by openai-federation"))
                    let bad = try await Self.verified(
                        "bad", in: namespace, of: plane, is: "False", "TrustPolicyMismatch")
                    #expect(bad.contains("in pod bad: ") && bad.contains("system:serviceaccount:\(namespace):bad"))
                    #expect(bad.hasSuffix("next: lanyard explain aws-bedrock \(namespace)/bad"))
                    let record = try await plane.get("wid", "bad", "-n", namespace)
                        .at("status", "verification", "results", "0")
                    #expect(record?["pod"] == "bad" && record?["denied"] == true)
                    #expect(try await plane.get("wid", "forger", "-n", namespace).condition("Verified") == nil)

                    // The doctor says the same, from the pod alone.
                    let configuration = """
                        platform: eks
                        issuer: {public: true}
                        verify: {endpoints: {aws-bedrock: "\(endpoint.url)"}, image: registry.example.com/lanyard:test}
                        """
                    let doctor = try await Command.run(
                        plane.lanyard,
                        ["doctor", "--kubeconfig", plane.kubeconfig, "pod/bad", "-n", namespace, "--config", "-"],
                        input: configuration)
                    #expect(doctor.output.contains("tried in the pod at 20"), "\(doctor.output)")
                    #expect(doctor.output.contains("TrustPolicyMismatch"))
                    #expect(doctor.exitCode == 1)

                    let tokens = endpoint.tokens
                    #expect(tokens.count == 3)
                    let objects = try await plane.kubectl("get", "wid,events,pods", "-n", namespace, "-o", "json")
                        .output
                    for text in [running.log, objects, shown, doctor.output] {
                        #expect(!text.contains(ProviderEndpoint.secret))
                        for part in tokens.flatMap({ $0.split(separator: ".").dropFirst() }) {
                            #expect(!text.contains(part))
                        }
                    }
                }
            }
        }

        @Test("the command ends well whatever it finds, and says what: so the pod starts")
        func endsWell() async throws {
            let plane = try ControlPlane.require()
            let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try "a.b.c".write(to: folder.appendingPathComponent("token-0"), atomically: false, encoding: .utf8)
            let path = folder.appendingPathComponent("message").path
            func exchange(_ url: String, audience: String) -> String {
                """
                {"provider":"aws-bedrock","mechanism":"irsa","exchange":{"service":"aws-sts","url":"\(url)",\
                "identity":"i","role":"i","audience":"\(audience)"}}
                """
            }
            let port = try Operator.freePort()
            let entries = [
                exchange("http://127.0.0.1:\(port)/", audience: "a"), exchange("http://127.0.0.1:1/", audience: "b"),
            ]
            let trial = "[\(entries.joined(separator: ","))]"
            for (variable, reasons) in [
                (trial, ["Unreachable", "TokenMissing"]), ("", []), ("[{}]", []),
            ] as [(String, [String])] {
                try? FileManager.default.removeItem(atPath: path)
                let result = try await Command.run(
                    plane.lanyard, ["verify-in-pod", "--tokens", folder.path, "--message", path],
                    environment: ["LANYARD_TRIAL": variable])
                #expect(result.exitCode == 0)
                let message = (try? String(contentsOfFile: path, encoding: .utf8)) ?? "{}"
                let results = try JSONValue(parsing: Array(message.utf8)).at("results")?.array ?? []
                #expect(results.map { $0["reason"]?.string ?? "" } == reasons, "\(message)")
                #expect(result.errors.isEmpty == !reasons.isEmpty)
            }
            // Where it cannot be written.
            let result = try await Command.run(
                plane.lanyard, ["verify-in-pod", "--tokens", folder.path, "--message", "/proc/none"],
                environment: ["LANYARD_TRIAL": "[\(exchange("http://127.0.0.1:1/", audience: "b"))]"])
            #expect(result.exitCode == 0 && result.output.contains("results"))
        }
    }
}
