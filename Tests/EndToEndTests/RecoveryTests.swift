import Foundation
import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct Recovery {
        @Test("the API server dies and comes back: the operator goes on, and no status is wrong")
        func survivesRestart() async throws {
            try await Operator.running { plane, running in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                try await plane.script("stop-apiserver")
                try await plane.script("start-apiserver")
                try await running.waitUntilReady(within: .seconds(60))
                // What is changed from now on is noticed, so the watches are back.
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=broken", "-n", namespace)
                _ = try await eventually(within: .seconds(60), "the change is noticed") {
                    try await plane.condition(
                        Status.ready, of: "deployment/app", in: namespace, is: "False", reason: "InvalidValue")
                }
                try await plane.apply(Manifest.bedrock(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                try await plane.apply(Manifest.pod(in: namespace))
                #expect(try await plane.get("pod", "pod", "-n", namespace).variables["AWS_ROLE_ARN"] == Manifest.role)
            }
        }

        @Test("what happened while the API server was away and its history compacted is caught up with")
        func survivesCompaction() async throws {
            try await Operator.running { plane, running in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Status.ready, of: "deployment/app", in: namespace, is: "True")
                // Changes, and then the history in which a watch could have found them is gone.
                for number in 0..<20 {
                    try await plane.kubectl("annotate", "--overwrite", "sa/llm", "team=\(number)", "-n", namespace)
                }
                try await plane.script("compact")
                try await plane.script("restart-apiserver")
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=broken", "-n", namespace)
                _ = try await eventually(within: .seconds(60), "the change is noticed") {
                    try await plane.condition(
                        Status.ready, of: "deployment/app", in: namespace, is: "False", reason: "InvalidValue")
                }
                try await running.waitUntilReady(within: .seconds(60))
            }
        }

        @Test("a caBundle that somebody empties is filled in again at once, and a registration that is deleted is told")
        func restoresTrust() async throws {
            try await Operator.running { plane, running in
                for _ in 0..<3 {
                    try await plane.kubectl(
                        "patch", "mutatingwebhookconfiguration", Self.injector, "--type=json", "-p",
                        #"[{"op": "replace", "path": "/webhooks/0/clientConfig/caBundle", "value": ""}]"#)
                    // Far sooner than anything that looks from time to time.
                    _ = try await eventually(within: .seconds(5), "the caBundle is back") {
                        let caBundle = try await plane.caBundle(of: Self.injector)
                        if caBundle.isEmpty { throw CommandFailure(description: "empty") }
                    }
                }
                let metrics = try await running.get("/metrics").body
                #expect(metrics.contains("lanyard_webhook_trusted 1"))
                #expect(metrics.contains(#"lanyard_webhook_registered{name="\#(Self.injector)"} 1"#))
            }
        }

        @Test("when the Secret is deleted, the certificate of each replica stays trusted by the registration")
        func keepsTrust() async throws {
            try await Operator.running { plane, first in
                try await Operator.running(Operator.Settings(registersItself: false)) { _, second in
                    for _ in 0..<2 {
                        try await plane.kubectl(
                            "delete", "secret", "lanyard-webhook-certificates", "-n", "lanyard-system")
                        for _ in 0..<10 {
                            let caBundle = try await plane.caBundle(of: Self.injector)
                            for port in [first.webhookPort, second.webhookPort] {
                                #expect(try await Self.isTrusted(port, by: caBundle))
                            }
                        }
                        _ = try await eventually(within: .seconds(5), "the Secret is back") {
                            try await plane.get(
                                "secret", "lanyard-webhook-certificates", "-n", "lanyard-system")
                        }
                    }
                }
            }
        }

        private static let injector = "pod-injector.lanyard.dev"

        /// By a connection of its own.
        private static func isTrusted(_ port: Int, by caBundle: String) async throws -> Bool {
            let file = FileManager.default.temporaryDirectory.appendingPathComponent("ca-\(UUID().uuidString)")
            try Data(base64Encoded: caBundle)?.write(to: file)
            defer { try? FileManager.default.removeItem(at: file) }
            let result = try await Command.run(
                "/usr/bin/env",
                ["openssl", "s_client", "-connect", "127.0.0.1:\(port)", "-CAfile", file.path, "-verify_return_error"])
            return result.exitCode == 0
        }
    }
}

extension ControlPlane {
    /// In Base64, of the first entry.
    fileprivate func caBundle(of registration: String) async throws -> String {
        let object = try await get("mutatingwebhookconfiguration", registration)
        return object.at("webhooks", "0", "clientConfig", "caBundle")?.string ?? ""
    }
}
