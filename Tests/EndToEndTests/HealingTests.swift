import JSON
import Testing

extension EndToEndTests {
    /// Pods that nobody injected, replaced through a real API server's eviction by a real controller. There is no kubelet, so
    /// the test says which pods are ready.
    @Suite(.serialized) struct Healing {
        @Test("pods made while the operator was stopped are replaced, one at a time and within a disruption budget")
        func heals() async throws {
            let namespace = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace(labels: ["lanyard.dev/heal": "restart"])
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                return namespace
            }
            let plane = try ControlPlane.require()
            try await plane.kubectl("scale", "deployment/app", "--replicas=3", "-n", namespace)
            _ = try await plane.pods(of: "app", in: namespace, count: 3)
            let budgets = try await plane.kubectl("api-versions").output.contains("policy/v1\n")
            try await plane.apply(
                """
                apiVersion: \(budgets ? "policy/v1" : "policy/v1beta1")
                kind: PodDisruptionBudget
                metadata: {name: app, namespace: \(namespace)}
                spec: {minAvailable: 3, selector: {matchLabels: {app: app}}}
                """)
            try await plane.makeReady(in: namespace)

            let settings = Operator.Settings(
                configuration: """
                    {platform: eks, issuer: {public: true}, healing: {enabled: true, intervalSeconds: 1}}
                    """)
            try await Operator.running(settings) { plane, running in
                // The budget allows none to go, which is told and kept.
                try await eventually("the eviction is refused") {
                    let phase = try await plane.healing(in: namespace)?["phase"]
                    guard phase == "Refused" else { throw CommandFailure(description: "\(phase ?? "no record")") }
                }
                #expect(try await plane.uninjected(in: namespace) == 2)
                let said = try await Command.run(
                    plane.lanyard, ["heal", "\(namespace)/llm", "--dry-run", "--kubeconfig", plane.kubeconfig])
                #expect(said.exitCode == 0 && said.output.contains("the API server refused the last eviction"))

                try await plane.kubectl("delete", "poddisruptionbudget", "app", "-n", namespace)
                try await eventually(within: .seconds(60), "all pods are replaced") {
                    let left = try await plane.uninjected(in: namespace)
                    try await plane.makeReady(in: namespace)
                    let phase = try await plane.healing(in: namespace)?["phase"]
                    guard left == 0, phase == "Replaced" else {
                        throw CommandFailure(description: "\(left) left, \(phase ?? "no record")")
                    }
                }
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let metrics = try await running.get("/metrics").body
                #expect(metrics.contains("lanyard_healed_pods_total{outcome=\"evicted\"} 2\n"))
                #expect(metrics.contains("lanyard_healed_pods_total{outcome=\"replaced\"} 2\n"))
                #expect(metrics.contains("lanyard_healing_stopped 0\n"))
                try await eventually("events tell of it") {
                    let events = try await plane.get("events", "-n", namespace).at("items")?.array ?? []
                    let reasons = Set(
                        events.filter { $0.at("involvedObject", "kind") == "Deployment" }
                            .compactMap { $0["reason"]?.string })
                    guard reasons.isSuperset(of: ["EvictionRefused", "PodEvicted", "PodReplaced"]) else {
                        throw CommandFailure(description: "\(reasons)")
                    }
                }
            }
        }
    }
}

extension ControlPlane {
    /// Says of every pod of the workload what a kubelet would.
    fileprivate func makeReady(in namespace: String) async throws {
        let pods = try await get("pods", "-n", namespace, "-l", "app=app").at("items")?.array ?? []
        for pod in pods where pod.condition("Ready")?["status"] != "True" {
            guard let name = pod.at("metadata", "name")?.string else { continue }
            // It may go meanwhile.
            _ = try await tryKubectl([
                "patch", "pod", name, "-n", namespace, "--subresource=status", "--type=merge", "-p",
                #"{"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}"#,
            ])
        }
    }

    fileprivate func uninjected(in namespace: String) async throws -> Int {
        let pods = try await get("pods", "-n", namespace, "-l", "app=app").at("items")?.array ?? []
        return pods.count { $0.annotations["lanyard.dev/plan"] == nil }
    }

    fileprivate func healing(in namespace: String) async throws -> JSONValue? {
        try await get("wid", "llm", "-n", namespace).at("status", "healing", "0")
    }
}
