import JSON
import Testing

extension EndToEndTests {
    /// The objects from which the API server's own policy injects, kept on a real API server with the rights of the manifests.
    /// This one is too old for the policy itself, which hack/check-policy tries.
    @Suite(.serialized) struct PlanSets {
        @Test("each namespace has one object with its identities' plans, which follows them and goes with the last")
        func keeps() async throws {
            let settings = Operator.Settings(
                configuration: "{platform: self-managed, issuer: {public: true}, injection: {policy: true}}")
            try await Operator.running(settings) { plane, running in
                let namespace = try await plane.namespace()
                let role = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]
                let stored = [
                    "lanyard.dev/vault-path.groq": "secret/data/ai/groq", "lanyard.dev/vault-role": "llm",
                    "lanyard.dev/secret-delivery": "vault-csi",
                ]
                try await plane.apply(
                    Manifest.serviceAccount("llm", in: namespace, role)
                        + "\n---\n" + Manifest.serviceAccount("worker", in: namespace, role)
                        + "\n---\n" + Manifest.serviceAccount("stored", in: namespace, stored))
                func plans() async throws -> JSONObject {
                    let found = try await plane.get("credentialplansets", "-n", namespace).at("items")?.array ?? []
                    return found.first?.at("spec", "plans")?.object ?? [:]
                }
                func has(_ names: Set<String>) async throws {
                    let present = try await Set(plans().keys)
                    guard present == names else { throw CommandFailure(description: "\(present)") }
                }
                try await eventually("the object has both") { try await has(["llm", "worker"]) }

                // The API server has kept all of it: what a pod gets from the webhook stands there.
                let plan = try #require(try await plans()["llm"])
                let pod = try await plane.kubectl(
                    "apply", "--dry-run=server", "-o", "json", "-f", "-", input: Manifest.pod(in: namespace))
                let injected = try JSONValue(parsing: Array(pod.output.utf8))
                #expect(plan["hash"] == injected.at("metadata", "annotations", "lanyard.dev/plan"))
                #expect(plan["injected"] == injected.at("metadata", "annotations", "lanyard.dev/injected"))
                let token = plan.at("volumes", "0", "projected", "sources", "0", "serviceAccountToken")
                #expect(token?["audience"] == "sts.amazonaws.com" && token?["expirationSeconds"] == 86400)

                try await plane.kubectl(
                    "annotate", "serviceaccount", "worker", "-n", namespace, "eks.amazonaws.com/role-arn-")
                try await eventually("one is left") { try await has(["llm"]) }
                // An object alone injects nothing.
                let reason = "the API server has no MutatingAdmissionPolicy in admissionregistration.k8s.io/v1"
                try await eventually("the report says who injects, and why") {
                    let way = try await plane.get("wid", "llm", "-n", namespace).at("status", "injection")
                    guard way?["by"] == "webhook", way?["reason"]?.string?.hasPrefix(reason) == true else {
                        throw CommandFailure(description: "\(way ?? .null)")
                    }
                }
                let said = try await Command.run(
                    plane.lanyard, ["status", "-n", namespace, "--kubeconfig", plane.kubeconfig])
                #expect(said.output.contains("the API server itself injects into plain pods of 0 of"), "\(said.output)")
                #expect(said.output.contains("left to the webhook: \(reason)"), "\(said.output)")
                try await eventually("nothing lags behind") {
                    let metrics = try await running.get("/metrics").body
                    guard metrics.contains("lanyard_plan_sets_behind 0\n") else {
                        throw CommandFailure(description: "something does")
                    }
                    guard metrics.contains("lanyard_policy_in_place 0\n") else {
                        throw CommandFailure(description: "the policy is said to be in place")
                    }
                }

                try await plane.kubectl("delete", "serviceaccount", "llm", "-n", namespace)
                try await eventually("the object is gone") {
                    let found = try await plane.get("credentialplansets", "-n", namespace).at("items")?.array ?? []
                    guard found.isEmpty else { throw CommandFailure(description: "\(found.count)") }
                }
            }
        }

        @Test(
            "the definition takes no volume but projected tokens and annotations, and none that others might know",
            arguments: [
                "volumes: [{name: lanyard-x, hostPath: {path: /}, projected: {sources: [{secret: {name: x}}]}}]",
                "volumes: [{name: other, projected: {sources: []}}]",
                "volumes: [{name: lanyard-x, projected: {sources: [{serviceAccountToken: {expirationSeconds: 600, path: x}}]}}]",
                "mounts: [{mount: {name: lanyard-x, mountPath: /etc, readOnly: true}}]",
                "mounts: [{mount: {name: lanyard-x, mountPath: /var/run/secrets/lanyard.dev/x, readOnly: false}}]",
            ])
        func isNarrow(part: String) async throws {
            let plane = try ControlPlane.require()
            try await plane.kubectl("apply", "-f", "\(plane.repository)/manifests/plan-sets.yaml")
            try await plane.kubectl(
                "wait", "--for=condition=Established", "crd/credentialplansets.lanyard.dev", "--timeout=30s")
            let namespace = try await plane.namespace()
            let tried = try await plane.tryKubectl(
                ["create", "--validate=false", "-f", "-"],
                input: """
                    apiVersion: lanyard.dev/v1alpha1
                    kind: CredentialPlanSet
                    metadata: {name: lanyard, namespace: \(namespace)}
                    spec: {plans: {llm: {hash: x, injected: x, \(part)}}}
                    """)
            #expect(tried.exitCode != 0 && tried.errors.contains("spec.plans.llm"), "\(tried.output)\(tried.errors)")
        }
    }
}
