import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// A rotation of the keys that verify ServiceAccounts' tokens, on an API server that is given another one.
    @Suite(.serialized) struct KeyRotation {
        private static let settings = Operator.Settings.platform("self-managed")
        private static let annotations = [
            "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
        ]

        private static func keys(
            _ plane: ControlPlane, _ arguments: String..., input: String = ""
        ) async throws -> CommandResult {
            try await Command.run(
                plane.lanyard, ["keys", "--kubeconfig", plane.kubeconfig] + arguments, input: input)
        }

        /// The condition, once it has this status and reason: the operator looks every 15 seconds.
        private static func condition(
            in namespace: String, of plane: ControlPlane, is status: String, _ reason: String
        ) async throws -> String {
            try await eventually(within: .seconds(60), "KeysTrusted=\(status) \(reason)") {
                let found = try await plane.get("wid/llm", "-n", namespace).condition("KeysTrusted")
                guard let found, found["status"]?.string == status, found["reason"]?.string == reason else {
                    throw CommandFailure(description: "it is \(found.map { "\($0)" } ?? "absent")")
                }
                return found["message"]?.string ?? ""
            }
        }

        private static func forget(_ plane: ControlPlane) async throws {
            try await plane.kubectl(
                "delete", "configmap", "lanyard-uploaded-keys", "-n", "lanyard-system", "--ignore-not-found")
        }

        @Test(
            "a key is added: stale is told, with the command; it is uploaded and noted: all is well, also without the old"
        )
        func rotation() async throws {
            try await Operator.running(Self.settings) { plane, running in
                try await Self.forget(plane)
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.serviceAccount(in: namespace, Self.annotations))
                let unknown = try await Self.condition(in: namespace, of: plane, is: "Unknown", "UploadedKeysNotNoted")
                #expect(unknown.contains("lanyard keys --provider openai"))
                func upload() async throws -> JSONValue {
                    let set = try await Self.keys(plane, "--provider", "openai", "-o", "json")
                    #expect(set.exitCode == 0)
                    let noted = try await Self.keys(
                        plane, "--provider", "openai", "--uploaded", "-f", "-", input: set.output)
                    #expect(noted.exitCode == 0, "\(noted.errors)")
                    return try JSONValue(parsing: Array(set.output.utf8))
                }
                let first = try await upload()
                #expect(first["keys"]?.array?.count == 1)
                _ = try await Self.condition(in: namespace, of: plane, is: "True", "KeysCurrent")

                try await plane.script("add-key")
                let stale = try await Self.condition(in: namespace, of: plane, is: "False", "UploadedKeysStale")
                #expect(stale.hasPrefix("openai: OpenAI does not have all of the cluster's keys"))
                #expect(stale.contains("lanyard keys --provider openai"))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                #expect(
                    try await running.get("/metrics").body.contains(#"lanyard_issuer_keys_stale{provider="openai"} 1"#))
                #expect(running.log.contains("the uploaded keys are stale"))
                let script = try await Self.keys(plane, "--provider", "openai")
                #expect(script.exitCode == 0 && script.output.contains("UploadedKeysStale: openai"))
                // The file that was uploaded before does not have the new key.
                let old = try await Self.keys(
                    plane, "--provider", "openai", "--uploaded", "-f", "-", input: first.serializedString())
                #expect(old.exitCode == 0 && old.errors.contains("the cluster has others by now"))

                #expect(try await upload()["keys"]?.array?.count == 2)
                _ = try await Self.condition(in: namespace, of: plane, is: "True", "KeysCurrent")
                #expect(
                    try await running.get("/metrics").body.contains(#"lanyard_issuer_keys_stale{provider="openai"} 0"#))
                _ = try await eventually("the events") {
                    let events = try await plane.get("events", "-n", namespace).at("items")?.array ?? []
                    let reasons = events.compactMap { $0["reason"]?.string }
                    guard reasons.contains("UploadedKeysStale"), reasons.contains("KeysCurrent") else {
                        throw CommandFailure(description: "\(reasons)")
                    }
                }

                try await plane.script("remove-key")
                try await running.waitUntilReady(within: .seconds(60))
                let left = try await Self.keys(plane, "--provider", "openai")
                #expect(left.output.contains("All of these keys were uploaded."))
                _ = try await Self.condition(in: namespace, of: plane, is: "True", "KeysCurrent")
                try await Self.forget(plane)
            }
        }

        @Test("the documents to host are the API server's, with the URL where they will be")
        func documents() async throws {
            let plane = try ControlPlane.require()
            let printed = try await Self.keys(plane, "-o", "json", "--issuer-url", "https://keys.example/cluster")
            let json = try JSONValue(parsing: Array(printed.output.utf8))
            #expect(json.at("openid-configuration", "issuer") == "https://keys.example/cluster")
            #expect(json.at("openid-configuration", "jwks_uri") == "https://keys.example/cluster/openid/v1/jwks")
            #expect(json.at("openid-configuration", "id_token_signing_alg_values_supported") == ["RS256"])
            let published = try await plane.kubectl("get", "--raw", "/openid/v1/jwks").output
            #expect(json["jwks"] == (try JSONValue(parsing: Array(published.utf8))))
            let script = try await Self.keys(plane)
            #expect(script.output.contains("AWS") && script.output.contains("aws s3 cp"))
        }

        @Test(
            "what makes no sense is a usage error",
            arguments: [
                ["--provider", "ibm-watsonx"], ["--uploaded"], ["--uploaded", "--provider", "aws-bedrock"],
                ["-f", "x"],
                ["--uploaded", "--provider", "openai", "-f", "/nowhere"], ["--issuer-url", "http://a"],
            ])
        func usage(arguments: [String]) async throws {
            let plane = try ControlPlane.require()
            let result = try await Command.run(plane.lanyard, ["keys", "--kubeconfig", plane.kubeconfig] + arguments)
            #expect(result.exitCode == 2 && result.output.isEmpty, "\(result.errors)")
        }
    }
}
