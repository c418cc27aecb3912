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
                let mended = try await plane.condition(Self.ready, of: "deployment/app", in: namespace, is: "True")
                #expect(mended["message"]?.string == "aws-bedrock by irsa")
                #expect(mended["lastTransitionTime"]?.string != nil && mended["lastUpdateTime"]?.string != nil)
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

        @Test("a change of the identity makes running pods stale, until they are made anew")
        func countsStalePods() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace, replicas: 2))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "lanyard.dev/aws-region=us-east-1", "-n", namespace)
                let stale = try await plane.condition(
                    "Injected", of: "wid/llm", in: namespace, is: "False", reason: "PodsStale")
                #expect(stale["message"]?.string?.hasPrefix("2 of 2 pods") == true)
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
                #expect(missed["message"]?.string?.hasPrefix("2 of 3 pods were created without injection") == true)
                let identity = try await plane.get("wid", "llm", "-n", namespace)
                #expect(identity.at("status", "pods", "notInjected")?.integer == 2)
                #expect(identity.at("status", "summary", "pods")?.string == "1/3")
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
                #expect(printed.output.hasPrefix("platform eks (configuration), issuer https://"))
                #expect(
                    rows.contains([namespace, "llm", "aws-bedrock", "irsa", "sdk-default", "yes", "Ready", "1/1"]))
                #expect(rows.contains([namespace, "llm", "openai", "no", "NoMechanism", "1/1"]))
                #expect(printed.output.contains("\n\(namespace)/llm: Compatible is False: "))

                let json = try await Command.run(plane.lanyard, arguments + ["-o", "json"])
                let identities = try JSONValue(parsing: Array(json.output.utf8))["identities"]?.array
                #expect(identities?.map { $0["serviceAccount"] } == ["llm"])
                let everywhere = try await Command.run(
                    plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig, "--all-namespaces"])
                #expect(everywhere.output.contains(namespace))
                let nothing = try await Command.run(
                    plane.lanyard, ["status", "--kubeconfig", plane.kubeconfig, "-n", "default"])
                #expect(nothing.exitCode == 0 && nothing.output.isEmpty)
                #expect(nothing.errors == "no ServiceAccount in namespace default asks for a provider\n")
            }
        }

        @Test("kubectl get wid shows the platform, the providers, readiness and its reason, and the pods")
        func printsColumns() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                let annotations = [
                    "eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/aws-region": "eu-central-1",
                    "iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com",
                ]
                try await plane.apply(
                    Manifest.serviceAccount(in: namespace, annotations) + Manifest.deployment(in: namespace))
                _ = try await plane.condition(
                    "Compatible", of: "wid/llm", in: namespace, is: "False", reason: "NoMechanism")
                _ = try await plane.pods(of: "app", in: namespace)
                _ = try await eventually("the pod is counted") {
                    let table = try await plane.kubectl("get", "wid", "-n", namespace).output
                    let rows = table.split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
                    guard rows.count == 2,
                        rows[0] == ["NAME", "PLATFORM", "PROVIDERS", "READY", "REASON", "PODS", "AGE"],
                        rows[1].dropLast() == [
                            "llm", "eks", "aws-bedrock,google-vertex", "False", "NoMechanism", "1/1",
                        ]
                    else { throw CommandFailure(description: table) }
                }
                let identity = try await plane.get("wid", "llm", "-n", namespace)
                let account = try await plane.get("sa", "llm", "-n", namespace)
                #expect(
                    identity.at("metadata", "ownerReferences", "0", "uid")?.string
                        == account.at("metadata", "uid")?.string)
                let providers = try #require(identity.at("status", "providers")?.array)
                #expect(providers.map { $0["name"]?.string } == ["aws-bedrock", "google-vertex"])
                #expect(providers.map { $0["ready"]?.bool } == [true, false])
                #expect(providers[0]["mechanism"] == "irsa" && providers[0]["tier"] == "native")
                #expect(
                    providers[1]["message"]?.string?.contains("cloud.google.com/workload-identity-provider") == true)

                let events = try await plane.kubectl("get", "events", "-n", namespace).output
                #expect(events.contains("NoMechanism"))
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
