import Foundation
import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct Metrics {
        private struct Family: Equatable {
            var type = ""
            var labels: Set<String> = []
            var help = ""
        }

        /// The table of `docs/operations.md`, by name.
        private static func documented() throws -> [String: Family] {
            let text = try String(contentsOfFile: "docs/operations.md", encoding: .utf8)
            let section = try #require(text.components(separatedBy: "\n## ").first { $0.hasPrefix("Metrics\n") })
            var families: [String: Family] = [:]
            for line in section.split(separator: "\n") where line.hasPrefix("| `") {
                let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
                guard cells.count == 4 else { continue }
                let labels = cells[2].split(separator: " ").map { $0.filter { $0 != "`" } }.filter { $0 != "–" }
                families[cells[0].filter { $0 != "`" }] = Family(type: cells[1], labels: Set(labels), help: cells[3])
            }
            return families
        }

        /// What `/metrics` shows, by name.
        private static func shown(_ exposition: String) -> [String: Family] {
            var families: [String: Family] = [:]
            for line in exposition.split(separator: "\n") {
                let words = line.split(separator: " ", maxSplits: 3).map(String.init)
                if line.hasPrefix("# HELP ") {
                    families[words[2], default: Family()].help = words[3]
                } else if line.hasPrefix("# TYPE ") {
                    families[words[2], default: Family()].type = words[3]
                } else if let sample = line.firstMatch(of: #/^([a-z_]+?)(?:_bucket|_sum|_count)?(?:\{(.*)\})? /#) {
                    let whole = line.prefix { $0 != "{" && $0 != " " }
                    let name = families[String(whole)] == nil ? String(sample.output.1) : String(whole)
                    for label in (sample.output.2 ?? "").matches(of: /([a-z_]+)="/) where label.output.1 != "le" {
                        families[name, default: Family()].labels.insert(String(label.output.1))
                    }
                }
            }
            return families
        }

        @Test("what /metrics shows is what the documentation says, in both directions")
        func agreesWithDocumentation() async throws {
            let namespace = try await ControlPlane.require().namespace()
            try await ProviderEndpoint.running { endpoint in
                endpoint.trust("system:serviceaccount:\(namespace):llm")
                // Healing, the policy and trust have metrics where they are enabled.
                let settings = Operator.Settings(
                    configuration: """
                        {platform: eks, issuer: {public: true}, healing: {enabled: true}, injection: {policy: true}, verify: \
                        {endpoints: {aws-bedrock: "\(endpoint.url)"}, scheduled: [{namespace: \(namespace), \
                        serviceAccount: llm}], intervalSeconds: 10}}
                        """)
                try await agrees(settings, namespace)
            }
        }

        private func agrees(_ settings: Operator.Settings, _ namespace: String) async throws {
            try await Operator.running(settings) { plane, running in
                try await plane.letVerify(["llm"], in: namespace)
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                // One whose keys were uploaded: its series comes when the keys are looked at next.
                let openAI = [
                    "lanyard.dev/openai-identity-provider-id": "idp-123",
                    "lanyard.dev/openai-service-account-id": "sa-456",
                ]
                try await plane.apply(
                    Manifest.serviceAccount("keys", in: namespace, openAI) + """
                        apiVersion: v1
                        kind: ConfigMap
                        metadata: {name: lanyard-uploaded-keys, namespace: lanyard-system}
                        data: {openai: ""}
                        """)
                let exposition = try await eventually(within: .seconds(60), "all is counted") {
                    let (_, body) = try await running.get("/metrics")
                    // A pod comes some time after its Deployment, and a counter shows once something was counted.
                    for family in [
                        "pods", "identities", "injections_total", "definition_current", "issuer_keys_stale",
                        "trust_verified", "credential_age_seconds", "credential_refresh_total",
                    ] {
                        guard body.contains("\nlanyard_\(family)") else { throw CommandFailure(description: body) }
                    }
                    return body
                }
                let (shown, documented) = (Self.shown(exposition), try Self.documented())
                #expect(Set(shown.keys).symmetricDifference(documented.keys) == [])
                for (name, family) in documented { #expect(shown[name] == family, "\(name)") }
                #expect(exposition.contains("\nleader_election_master_status{name=\"lanyard-controller\"} 1\n"))
                #expect(
                    exposition.contains(
                        #"lanyard_injections_total{mechanism="irsa",outcome="injected",provider="aws-bedrock"} "#))
                let named = exposition.split(separator: "\n").filter { $0.contains(namespace) }
                #expect(named.allSatisfy { $0.hasPrefix("lanyard_trust_verified{") })
                try await plane.kubectl("delete", "configmap", "lanyard-uploaded-keys", "-n", "lanyard-system")
            }
        }

        @Test("the log says of each pod what it got, and of each identity that it is ready no more")
        func logs() async throws {
            try await Operator.running { plane, running in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=bedrock", "-n", namespace)
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False")
                func lines(_ message: String) throws -> [JSONValue] {
                    try running.log.split(separator: "\n").map { try JSONValue(parsing: Array($0.utf8)) }
                        .filter { $0["msg"]?.string == message && $0["namespace"]?.string == namespace }
                }
                let changes = try await eventually("both changes are logged") {
                    let changes = try lines("readiness changed")
                    guard changes.last?["ready"] == "False" else { throw CommandFailure(description: "\(changes)") }
                    return changes
                }
                #expect(changes.first?["ready"] == "True" && changes.first?["ready.old"] == "Unknown")
                #expect(changes.last?["reason"] == "InvalidValue")
                let injected = try await eventually("the injection is logged") {
                    guard let line = try lines("credentials injected").first else {
                        throw CommandFailure(description: running.log)
                    }
                    return line
                }
                #expect(injected["owner"]?.string?.hasPrefix("ReplicaSet app-") == true)
                #expect(injected["name"]?.string?.hasPrefix("app-") == true)
                #expect(injected["providers"] == "aws-bedrock=irsa" && injected["serviceaccount"] == "llm")
                #expect(injected["review.uid"]?.string?.isEmpty == false)
                #expect(injected["review.user"]?.string?.count == 12)
            }
        }
    }
}
