import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct Status {
        static let ready = "lanyard.dev/CredentialsReady"

        @Test("a Deployment's condition says whether its pods have their credentials, and follows the annotations")
        func followsAnnotations() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                try await plane.kubectl(
                    "wait", "--for=condition=\(Self.ready)", "deployment/app", "-n", namespace, "--timeout=20s")

                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=bedrock", "-n", namespace)
                let broken = try await plane.condition(
                    Self.ready, of: "deployment/app", in: namespace, is: "False", reason: "InvalidValue")
                #expect(broken["message"]?.string?.contains("write an IAM role's ARN") == true)
                try await plane.kubectl(
                    "wait", "--for=condition=\(Self.ready)=false", "deployment/app", "-n", namespace, "--timeout=5s")

                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=\(Manifest.role)", "-n", namespace)
                let fixed = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                #expect(fixed["message"]?.string == "aws-bedrock by irsa")
                #expect(fixed["lastTransitionTime"]?.string != nil && fixed["lastUpdateTime"]?.string != nil)
            }
        }

        @Test("the condition survives the Deployment controller's own updates, and goes with the annotation")
        func survivesScaling() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                for replicas in [3, 0, 2] {
                    try await plane.kubectl("scale", "deployment/app", "--replicas=\(replicas)", "-n", namespace)
                    _ = try await eventually("scaled to \(replicas)") {
                        let status = try await plane.get("deployment/app", "-n", namespace)["status"]
                        guard status?["replicas"]?.integer ?? 0 == replicas else {
                            throw CommandFailure(description: "\(status ?? "")")
                        }
                    }
                    _ = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                }
                try await plane.kubectl("annotate", "sa/llm", "eks.amazonaws.com/role-arn-", "-n", namespace)
                try await eventually("the condition is removed") {
                    let condition = try await plane.get("deployment/app", "-n", namespace).condition(Self.ready)
                    if let condition { throw CommandFailure(description: "\(condition)") }
                }
                try await eventually("the WorkloadIdentity is removed") {
                    let found = try await plane.tryKubectl(["get", "wid", "llm", "-n", namespace])
                    if found.exitCode == 0 { throw CommandFailure(description: found.output) }
                }
            }
        }

        @Test("a change of the identity makes running pods stale, until they are created again")
        func countsStalePods() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace, replicas: 2))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "lanyard.dev/aws-region=us-east-1", "-n", namespace)
                let stale = try await plane.condition(
                    "Injected", of: "wid/llm", in: namespace, is: "False", reason: "PodsStale")
                #expect(stale["message"] == "see Ready")
                let ready = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False")
                #expect(
                    ready["message"]?.string?.hasPrefix("2 of 2 pods were created before the last change (") == true)
                _ = try await plane.condition(
                    Self.ready, of: "deployment/app", in: namespace, is: "False", reason: "PodsStale")
                // There is no kubelet to take over new pods, so the old ones are deleted by hand.
                try await plane.kubectl(
                    "delete", "pods", "-l", "app=app", "-n", namespace, "--grace-period=0", "--force", "--wait=false")
                _ = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
            }
        }

        @Test("pods made while the operator was stopped are reported as not injected")
        func reportsMissedPods() async throws {
            let namespace = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                return namespace
            }
            let plane = try ControlPlane.require()
            try await plane.kubectl("scale", "deployment/app", "--replicas=3", "-n", namespace)
            _ = try await plane.pods(of: "app", in: namespace, count: 3)
            try await Operator.running { plane, _ in
                let missed = try await plane.condition(
                    Self.ready, of: "deployment/app", in: namespace, is: "False", reason: "PodsNotInjected")
                let message = try #require(missed["message"]?.string)
                #expect(message.hasPrefix("2 of 3 pods were created without injection ("))
                #expect(message.hasSuffix("): kubectl rollout restart deployment/app -n \(namespace)"))
                let identity = try await plane.condition(
                    "Ready", of: "wid/llm", in: namespace, is: "False", reason: "PodsNotInjected")
                #expect(identity["message"]?.string == message)
                let status = try await plane.get("wid", "llm", "-n", namespace)["status"]
                #expect(status?.at("pods", "notInjected")?.integer == 2)
                #expect(status?.at("summary", "pods")?.string == "1/3")
                let pods = try await plane.pods(of: "app", in: namespace, count: 3)
                let missing = pods.filter { $0.annotations["lanyard.dev/plan"] == nil }
                    .compactMap { $0.at("metadata", "name")?.string }.sorted()
                #expect(missing.count == 2 && message.contains("(\(missing.joined(separator: ", ")))"))
                let attention = status?.at("pods", "attention")?.array ?? []
                #expect(attention.map { $0["name"]?.string } == missing)
                #expect(attention.allSatisfy { $0["state"] == "NotInjected" })
                for object in ["deployment/app", "wid/llm"] {
                    let described = try await plane.kubectl("describe", object, "-n", namespace).output
                    for name in missing { #expect(described.contains(name), "in describe \(object)") }
                }
            }
        }

        @Test("pods that no webhook saw are not injected, though they or their templates carry the plan's stamp")
        func reportsCopiedStamps() async throws {
            let copied = ["lanyard.dev/plan", "lanyard.dev/injected"]
            let (namespace, stamps) = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.pod("injected", in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let pod = try await plane.get("pod/injected", "-n", namespace)
                let stamps = copied.compactMap { name in pod.annotations[name].map { (name, $0) } }
                return (namespace, Dictionary(uniqueKeysWithValues: stamps))
            }
            #expect(stamps.count == copied.count)
            let plane = try ControlPlane.require()
            let template = "annotations: {\(stamps.map { "\($0): \"\($1)\"" }.joined(separator: ", "))}"
            try await plane.apply(
                Manifest.pod("forged", in: namespace, annotations: stamps)
                    + Manifest.deployment(in: namespace, replicas: 2)
                    .replacing("labels: {app: app}}", with: "labels: {app: app}, \(template)}"))
            _ = try await plane.pods(of: "app", in: namespace, count: 2)
            try await Operator.running { plane, _ in
                let forged = try await plane.condition(
                    "Ready", of: "wid/llm", in: namespace, is: "False", reason: "PodsNotInjected")
                #expect(forged["message"]?.string?.hasPrefix("3 of 4 pods were created without injection") == true)
                _ = try await plane.condition(
                    Self.ready, of: "deployment/app", in: namespace, is: "False", reason: "PodsNotInjected")
                // Made again, they are injected whatever the template brings.
                try await plane.kubectl(
                    "delete", "pods", "-l", "app=app", "-n", namespace, "--grace-period=0", "--force", "--wait=false")
                _ = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                try await plane.kubectl(
                    "delete", "pod/forged", "-n", namespace, "--grace-period=0", "--force", "--wait=false")
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
            }
        }

        @Test("DaemonSets have the condition too; StatefulSets and CronJobs are reported on the WorkloadIdentity")
        func coversOtherKinds() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                func workload(_ kind: String) -> String {
                    Manifest.deployment(kind.lowercased(), in: namespace)
                        .replacing("kind: Deployment", with: "kind: \(kind)")
                        .replacing("  replicas: 1\n", with: kind == "DaemonSet" ? "" : "  serviceName: x\n")
                }
                let cronJob = """
                    apiVersion: \(try await plane.cronJobVersion())
                    kind: CronJob
                    metadata: {name: nightly, namespace: \(namespace)}
                    spec:
                      schedule: "0 0 1 1 *"
                      jobTemplate: {spec: {template: {spec: {serviceAccountName: llm, restartPolicy: Never, containers: [{name: a, image: "a:1"}]}}}}
                    """
                try await plane.apply(
                    Manifest.bedrock(in: namespace) + workload("DaemonSet") + workload("StatefulSet") + cronJob)
                _ = try await plane.condition(Self.ready, of: "daemonset/daemonset", in: namespace, is: "True")
                try await eventually("all three are reported") {
                    let workloads = try await plane.get("wid", "llm", "-n", namespace).at("status", "workloads")?.array
                    let kinds = Set((workloads ?? []).compactMap { $0["kind"]?.string })
                    guard kinds == ["DaemonSet", "StatefulSet", "CronJob"] else {
                        throw CommandFailure(description: "\(kinds)")
                    }
                }
            }
        }
    }
}

extension ControlPlane {
    func cronJobVersion() async throws -> String {
        let versions = try await kubectl("api-resources", "--api-group=batch", "--no-headers").output
        return versions.contains("batch/v1 ")
            && versions.split(separator: "\n").contains {
                $0.hasPrefix("cronjobs") && $0.contains("batch/v1 ")
            } ? "batch/v1" : "batch/v1beta1"
    }
}
