import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// `lanyard clean-up` on a real API server.
    @Suite(.serialized) struct CleanUp {
        private static func run(_ plane: ControlPlane, _ options: String...) async throws -> CommandResult {
            try await Command.run(
                plane.lanyard, ["clean-up", "--kubeconfig", plane.kubeconfig, "-n", "lanyard-system"] + options)
        }

        @Test("it refuses while an operator is alive, and removes what one that is gone has left")
        func cleanUp() async throws {
            let namespace = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                try await plane.kubectl(
                    "wait", "--for=condition=lanyard.dev/CredentialsReady", "deployment/app", "-n", namespace,
                    "--timeout=30s")
                let refused = try await Self.run(plane, "--dry-run")
                #expect(refused.exitCode == 1 && refused.output.isEmpty)
                #expect(refused.errors.contains("the operator is alive: "), "\(refused.errors)")
                return namespace
            }
            let plane = try ControlPlane.require()
            let trial = try await Self.run(plane, "--dry-run")
            #expect(trial.exitCode == 0, "\(trial.errors)")
            let done = try await Self.run(plane)
            #expect(done.exitCode == 0, "\(done.errors)")
            #expect(done.output == trial.output.replacingOccurrences(of: "would remove ", with: "removed "))
            for line in [
                "MutatingWebhookConfiguration pod-injector.lanyard.dev",
                "ValidatingWebhookConfiguration workload-validator.lanyard.dev",
                "condition lanyard.dev/CredentialsReady of Deployment \(namespace)/app",
                "WorkloadIdentity \(namespace)/llm",
                "Lease lanyard-system/lanyard-controller",
                "Secret lanyard-system/lanyard-webhook-certificates",
            ] {
                #expect(done.output.contains("removed \(line)\n"), "\(line)")
            }
            let deployment = try await plane.get("deployment", "app", "-n", namespace)
            let conditions = deployment.at("status", "conditions")?.array ?? []
            #expect(!conditions.isEmpty && !conditions.contains { $0["type"] == "lanyard.dev/CredentialsReady" })
            #expect(try await plane.kubectl("get", "wid", "-A", "-o", "name").output.isEmpty)
            let again = try await Self.run(plane)
            #expect(again.exitCode == 0 && again.output.isEmpty, "\(again.errors)")
        }
    }
}
