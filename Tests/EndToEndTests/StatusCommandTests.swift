import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// `lanyard status` on a real API server.
    @Suite(.serialized) struct StatusCommand {
        private static func run(
            _ plane: ControlPlane, _ arguments: String..., environment: [String: String] = [:]
        ) async throws -> CommandResult {
            try await Command.run(
                plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig] + arguments, environment: environment)
        }

        @Test("lanyard status shows the cluster as the operator sees it, and what each ServiceAccount has and lacks")
        func printsStatus() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                let keys = ["lanyard.dev/providers": "openai", "eks.amazonaws.com/role-arn": Manifest.role]
                try await plane.apply(
                    Manifest.serviceAccount(in: namespace, keys) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False")
                try await eventually("the pod is counted") {
                    let identity = try await plane.get("wid", "llm", "-n", namespace)
                    guard identity.at("status", "summary", "pods") == "1/1" else {
                        throw CommandFailure(description: "\(identity)")
                    }
                }
                let arguments = ["status", "--kubeconfig", plane.kubeconfig, "-n", namespace]
                let printed = try await Command.run(plane.lanyard, arguments)
                #expect(printed.exitCode == 0)
                let rows = printed.output.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(printed.output.hasPrefix("operator: alive; "))
                #expect(printed.output.contains("\nplatform eks (configuration), issuer https://"))
                let start = [namespace, "llm", "False", "NoMechanism", "1/1"]
                #expect(rows.contains(start + ["aws-bedrock", "irsa", "sdk-default", "Ready"]))
                #expect(rows.contains(start + ["openai", "-", "-", "NoMechanism"]))
                #expect(
                    printed.output.contains(
                        "\n\(namespace)/llm is not ready (NoMechanism): openai: no usable mechanism on eks: ")
                )
                #expect(printed.output.hasSuffix("\n\n0 of 1 identity ready\n"))

                let json = try await Command.run(plane.lanyard, arguments + ["-o", "json"])
                let identities = try JSONValue(parsing: Array(json.output.utf8))["identities"]?.array
                #expect(identities?.map { $0["serviceAccount"] } == ["llm"])
                #expect(try JSONValue(parsing: Array(json.output.utf8)).at("operator", "alive") == true)
                let everywhere = try await Command.run(
                    plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig, "--all-namespaces"])
                #expect(everywhere.output.contains(namespace))
                let nothing = try await Command.run(
                    plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig, "-n", "default"])
                #expect(nothing.exitCode == 0 && nothing.output.isEmpty)
                #expect(nothing.errors == "no ServiceAccount in namespace default asks for a provider\n")
            }
        }

        @Test(
            "it agrees with kubectl get wid where the role is good and another key is not",
            arguments: [("lanyard.dev/token-expiration", "1h"), ("lanyard.dev/inject", "no")])
        func agrees(key: String, value: String) async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(
                    Manifest.serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": Manifest.role, key: value]))
                _ = try await plane.condition(
                    "Ready", of: "wid/llm", in: namespace, is: "False", reason: "InvalidValue")
                let table = try await plane.kubectl("get", "wid", "-n", namespace).output
                #expect(table.contains(" False   InvalidValue "))
                let printed = try await Self.run(plane, "-n", namespace).output
                let rows = printed.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                #expect(rows.contains { $0.starts(with: [namespace, "llm", "False", "InvalidValue"]) })
                #expect(
                    printed.contains(
                        "\n\(namespace)/llm is not ready (InvalidValue): \(key) is \"\(value)\"; did you mean "))
                #expect(printed.components(separatedBy: "is \"\(value)\"").count == 2)
            }
        }

        @Test(
            "of one ServiceAccount alone, and with an exit code that says whether all is ready, and with lines that end"
        )
        func narrows() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(
                    Manifest.bedrock(in: namespace)
                        + Manifest.serviceAccount("broken", in: namespace, ["eks.amazonaws.com/role-arn": "x"]))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                _ = try await plane.condition("Ready", of: "wid/broken", in: namespace, is: "False")
                let good = try await Self.run(plane, "llm", "-n", namespace, "--exit-code")
                #expect(good.exitCode == 0 && good.output.hasSuffix("\n1 of 1 identity ready\n"))
                #expect(!good.output.contains("broken"))
                let all = try await Self.run(plane, "-n", namespace, "--exit-code", environment: ["COLUMNS": "60"])
                #expect(all.exitCode == 1 && all.output.hasSuffix("\n1 of 2 identities ready\n"))
                let remarks = all.output.components(separatedBy: "\n\n").dropFirst(2).joined(separator: "\n")
                #expect(remarks.contains("\(namespace)/broken is not ready (InvalidValue):"))
                #expect(remarks.split(separator: "\n").allSatisfy { $0.count <= 60 })
                let absent = try await Self.run(plane, "nobody", "-n", namespace)
                #expect(absent.exitCode == 1 && absent.output.isEmpty)
                #expect(absent.errors.contains("there is no report on ServiceAccount \(namespace)/nobody: "))
                let both = try await Self.run(plane, "llm", "-A")
                #expect(both.exitCode == 2)
            }
        }

        @Test("with nobody there to keep the reports it says so, and all is not ready")
        func noticesDeath() async throws {
            let namespace = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                return namespace
            }
            let plane = try ControlPlane.require()
            let resigned = try await Self.run(plane, "-n", namespace, "--exit-code")
            #expect(resigned.exitCode == 1)
            #expect(
                resigned.output.hasPrefix(
                    "operator: not alive; the last leader gave Lease lanyard-system/lanyard-controller"))
            #expect(resigned.output.hasSuffix("\n1 of 1 identity ready, as long as the operator was alive\n"))
            let elsewhere = try await Self.run(plane, "-n", namespace, "--operator-namespace", "default")
            #expect(elsewhere.exitCode == 0)
            #expect(elsewhere.output.hasPrefix("operator: not alive; there is no Lease default/lanyard-controller. "))

            // As one that was killed leaves it.
            let lease: JSONValue = [
                "spec": [
                    "holderIdentity": "lanyard-abc_1", "leaseDurationSeconds": 8,
                    "renewTime": "2026-01-02T03:04:05.000000Z",
                ]
            ]
            try await plane.kubectl(
                "patch", "lease", "lanyard-controller", "-n", "lanyard-system", "--type=merge", "-p",
                lease.serializedString())
            let killed = try await Self.run(plane, "-n", namespace)
            #expect(
                killed.output.hasPrefix(
                    "operator: not alive; lanyard-abc led, and last said so at 2026-01-02T03:04:05Z. "))
            try await plane.kubectl(
                "patch", "lease", "lanyard-controller", "-n", "lanyard-system", "--type=merge", "-p",
                #"{"spec": {"holderIdentity": ""}}"#)
        }
    }
}
