import JSON
import Testing

extension EndToEndTests {
    /// What people see when they apply ServiceAccounts and workloads.
    @Suite(.serialized) struct Validation {
        private static let enforce = ["lanyard.dev/policy": "enforce"]
        private static let badRole = "eks.amazonaws.com/role-arn is \"bedrock\"; write an IAM role's ARN"

        @Test("kubectl apply prints every problem of all objects at once, and applies them")
        func warns() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                let account = Manifest.serviceAccount(
                    in: namespace, ["eks.amazonaws.com/role-arn": "bedrock", "lanyard.dev/aws-regoin": "eu-central-1"])
                let deployment = Manifest.workload(
                    "Deployment", in: namespace,
                    metadata: "annotations: {lanyard.dev/providers: openai}",
                    template: "annotations: {lanyard.dev/skip-container: app, lanyard.dev/providers: opnai}")
                let result = try await plane.apply(account + deployment)
                let problems = [
                    "lanyard: ServiceAccount \(namespace)/llm: \(Self.badRole)",
                    "lanyard: ServiceAccount \(namespace)/llm: lanyard.dev/aws-regoin is not a key that Lanyard knows; "
                        + "did you mean lanyard.dev/aws-region?",
                    "lanyard: Deployment \(namespace)/app: the pod: lanyard.dev/skip-container is not a key that Lanyard "
                        + "knows; did you mean lanyard.dev/skip-containers?",
                    "lanyard: Deployment \(namespace)/app: the pod: lanyard.dev/providers names \"opnai\", which is not a "
                        + "provider; did you mean openai?",
                    "lanyard: Deployment \(namespace)/app: lanyard.dev/providers has no effect on the "
                        + "Deployment itself; put it on spec.template.metadata.annotations",
                ]
                for problem in problems {
                    #expect(result.errors.count(of: "Warning: \(problem)") == 1, "\(problem) in \(result.errors)")
                }
                #expect(result.output.contains("deployment.apps/app created"))

                // By itself a Deployment says why its pods get nothing, and leaves the rest to the ServiceAccount.
                let again = try await plane.apply(
                    deployment.replacing("skip-container: app", with: "skip-containers: app"))
                #expect(again.errors.contains("Warning: \(problems[0])"))
                #expect(!again.errors.contains("aws-regoin"))
            }
        }

        @Test("in a strict namespace errors are refused, all in one message that says what to write")
        func refuses() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace(labels: Self.enforce)
                let bad = Manifest.serviceAccount(
                    in: namespace,
                    [
                        "eks.amazonaws.com/role-arn": "bedrock", "azure.workload.identity/client-id": "me",
                        "lanyard.dev/aws-regoin": "x",
                    ])
                let refused = try await plane.tryKubectl(["apply", "-f", "-"], input: bad)
                #expect(refused.exitCode != 0)
                #expect(
                    refused.errors.contains(
                        "admission webhook \"workload-validator.lanyard.dev\" denied the request: ServiceAccount "
                            + "\(namespace)/llm is denied, because Namespace \(namespace) is labelled "
                            + "lanyard.dev/policy=enforce:\n1. "), "\(refused.errors)")
                #expect(refused.errors.contains(Self.badRole))
                #expect(refused.errors.contains("azure.workload.identity/client-id is \"me\"; write a UUID"))
                #expect(
                    refused.errors.contains("Warning: lanyard: ServiceAccount \(namespace)/llm: lanyard.dev/aws-regoin")
                )
                let absent = try await plane.tryKubectl(["get", "sa", "llm", "-n", namespace])
                #expect(absent.exitCode != 0)

                // Warnings refuse nothing.
                let fixed = Manifest.serviceAccount(
                    in: namespace, ["eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/aws-regoin": "x"])
                #expect(try await plane.apply(fixed).errors.contains("lanyard.dev/aws-regoin"))

                let broken = Manifest.workload(
                    "Deployment", in: namespace, template: "annotations: {eks.amazonaws.com/role-arn: bedrock}")
                let misplaced = try await plane.tryKubectl(["apply", "-f", "-"], input: broken)
                #expect(misplaced.exitCode == 0, "a key on the wrong object is a warning: \(misplaced.errors)")
                let workload = Manifest.workload(
                    "StatefulSet", in: namespace, template: "annotations: {lanyard.dev/providers: opnai}")
                let named = try await plane.tryKubectl(["apply", "-f", "-"], input: workload)
                #expect(named.exitCode != 0)
                #expect(
                    named.errors.contains(
                        "StatefulSet \(namespace)/app is denied, because Namespace \(namespace) is labelled "
                            + "lanyard.dev/policy=enforce: StatefulSet \(namespace)/app: the pod: lanyard.dev/providers "
                            + "names \"opnai\""), "\(named.errors)")
            }
        }

        @Test("what was wrong before can be scaled, rolled out and fixed in a strict namespace, but not made worse")
        func ratchets() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                let workload = Manifest.workload(
                    "Deployment", in: namespace, template: "annotations: {lanyard.dev/providers: opnai}")
                try await plane.apply(
                    Manifest.serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": "bedrock"]) + workload)
                try await plane.kubectl("label", "namespace", namespace, "lanyard.dev/policy=enforce")

                try await plane.kubectl("scale", "deployment/app", "--replicas=3", "-n", namespace)
                let scaled = try await plane.kubectl(
                    "patch", "deployment/app", "-n", namespace, "--type=merge", "-p", "{\"spec\":{\"replicas\":2}}")
                #expect(scaled.errors.contains(Self.badRole) && scaled.errors.contains("opnai"))
                try await plane.kubectl("set", "image", "deployment/app", "app=app:2", "-n", namespace)
                try await eventually("the new ReplicaSet, which is the Deployment's, is made and scaled") {
                    let sets = try await plane.get("replicasets", "-n", namespace).at("items")?.array ?? []
                    let isNew = sets.contains {
                        $0.at("spec", "template", "spec", "containers", "0", "image") == "app:2"
                    }
                    guard isNew else { throw CommandFailure(description: "\(sets.count) ReplicaSets") }
                }
                let worse = try await plane.tryKubectl(
                    ["apply", "-f", "-"], input: workload.replacing("opnai", with: "\"opnai,antropic\""))
                #expect(worse.exitCode != 0)
                #expect(worse.errors.contains("denied, because") && worse.errors.contains("did you mean anthropic?"))
                #expect(worse.errors.contains("Warning: lanyard: ServiceAccount \(namespace)/llm: \(Self.badRole)"))

                // The ServiceAccount itself: labels may change, and so may a value, if for the better.
                try await plane.kubectl("label", "sa/llm", "team=ai", "-n", namespace)
                let alsoBad = try await plane.tryKubectl(
                    ["annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=worse", "-n", namespace])
                #expect(alsoBad.exitCode != 0)
                let fixed = try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=\(Manifest.role)", "-n", namespace)
                #expect(!fixed.errors.contains("lanyard"))
                try await plane.kubectl("delete", "deployment/app", "-n", namespace, "--cascade=foreground")
            }
        }

        @Test("a Deployment is not held to what the same apply has fixed on its ServiceAccount")
        func looksAgain() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                for number in 0..<5 {
                    let name = "app-\(number)"
                    let workload = Manifest.workload("Deployment", name, in: namespace, serviceAccount: name)
                    try await plane.apply(
                        Manifest.serviceAccount(name, in: namespace, ["eks.amazonaws.com/role-arn": "bedrock"]))
                    try await plane.kubectl(
                        "label", "--overwrite", "namespace", namespace, "lanyard.dev/policy=enforce")
                    let good = ["eks.amazonaws.com/role-arn": Manifest.role, "lanyard.dev/aws-region": "us-east-1"]
                    let fixed = try await plane.apply(Manifest.serviceAccount(name, in: namespace, good) + workload)
                    #expect(!fixed.errors.contains("lanyard"), "\(fixed.errors)")
                    try await plane.kubectl("label", "namespace", namespace, "lanyard.dev/policy-")
                }
            }
        }

        @Test("workloads of every kind are validated, and what a CronJob makes is not validated again")
        func judgesEveryKind() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace))
                for kind in ["Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job"] {
                    let result = try await plane.apply(
                        Manifest.workload(
                            kind, kind.lowercased(), in: namespace, template: "annotations: {lanyard.dev/foo: bar}"))
                    #expect(
                        result.errors.contains(
                            "Warning: lanyard: \(kind) \(namespace)/\(kind.lowercased()): the pod: lanyard.dev/foo"),
                        "\(kind): \(result.errors)")
                }
                let cronJob = Manifest.cronJob(
                    try await plane.cronJobVersion(), in: namespace, template: "annotations: {lanyard.dev/foo: bar}")
                let result = try await plane.apply(cronJob)
                #expect(
                    result.errors.contains("Warning: lanyard: CronJob \(namespace)/nightly: the pod: lanyard.dev/foo"))
                let uid = try await plane.get("cronjob", "nightly", "-n", namespace).at("metadata", "uid")?.string
                let owner =
                    "{apiVersion: batch/v1, kind: CronJob, name: nightly, uid: \(try #require(uid)), controller: true}"
                let job = Manifest.workload(
                    "Job", "made", in: namespace, metadata: "ownerReferences: [\(owner)]",
                    template: "annotations: {lanyard.dev/foo: bar}")
                // Attack D6: anybody can write such an owner.
                let forged = try await plane.kubectl("create", "--dry-run=server", "-f", "-", input: job)
                #expect(forged.errors.contains("Warning: lanyard: Job \(namespace)/made: the pod: lanyard.dev/foo"))
                let made = try await plane.kubectl(
                    "create", "--as=system:serviceaccount:kube-system:cronjob-controller", "-f", "-", input: job)
                #expect(made.errors.isEmpty, "\(made.errors)")
            }
        }

        @Test("a ServiceAccount that is not there is a warning, in a strict namespace, too")
        func warnsOfAbsence() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace(labels: Self.enforce)
                let result = try await plane.apply(
                    Manifest.workload(
                        "Deployment", in: namespace, template: "annotations: {lanyard.dev/providers: openai}"))
                #expect(
                    result.errors.contains(
                        "Warning: lanyard: Deployment \(namespace)/app: ServiceAccount \(namespace)/llm was not found"
                    ))
            }
        }

        @Test("a workload can be strict by itself, and a policy that is misspelt is told")
        func readsPolicies() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace(labels: ["lanyard.dev/policy": "enforced"])
                let warned = try await plane.apply(
                    Manifest.serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": "bedrock"]))
                #expect(
                    warned.errors.contains(
                        "Warning: lanyard: Namespace \(namespace): the label lanyard.dev/policy is \"enforced\" and has no "
                            + "effect; write \"enforce\""), "\(warned.errors)")
                let strict = Manifest.workload(
                    "Deployment", in: namespace, metadata: "annotations: {lanyard.dev/policy: enforce}")
                let refused = try await plane.tryKubectl(["apply", "-f", "-"], input: strict)
                #expect(refused.exitCode != 0)
                #expect(
                    refused.errors.contains("is denied, because it has the annotation lanyard.dev/policy=enforce"),
                    "\(refused.errors)")
                #expect(refused.errors.contains(Self.badRole))
            }
        }

        @Test("what asks for nothing is applied without a word, in a strict namespace, too")
        func leavesOthersAlone() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace(labels: Self.enforce)
                let result = try await plane.apply(
                    Manifest.serviceAccount(in: namespace, ["example.com/team": "shop"])
                        + Manifest.workload("Deployment", in: namespace)
                        + Manifest.workload("Job", in: namespace, serviceAccount: "default")
                        + Manifest.cronJob(try await plane.cronJobVersion(), in: namespace))
                #expect(result.errors.isEmpty, "\(result.errors)")
                let account = try await plane.get("sa", "llm", "-n", namespace)
                #expect(account.annotations.keys.filter { $0.hasPrefix("lanyard.dev/") }.isEmpty)
            }
        }

        @Test(
            "registrations that were installed are made to trust the certificates; without the injector's it is unready"
        )
        func trusts() async throws {
            let plane = try ControlPlane.require()
            let registrations = [
                "mutatingwebhookconfiguration/pod-injector.lanyard.dev",
                "validatingwebhookconfiguration/workload-validator.lanyard.dev",
            ]
            // What other tests have registered has another target.
            func remove() async throws {
                for registration in registrations {
                    try await plane.kubectl("delete", "--ignore-not-found", registration)
                }
            }
            try await remove()
            do {
                try await plane.kubectl("apply", "-f", "\(plane.repository)/manifests/webhook.yaml")
                try await Operator.running(Operator.Settings(registersItself: false)) { plane, running in
                    for registration in registrations {
                        let webhooks = try await plane.get(registration)["webhooks"]?.array ?? []
                        #expect(!webhooks.isEmpty)
                        for webhook in webhooks {
                            #expect(webhook.at("clientConfig", "caBundle")?.string?.isEmpty == false)
                            #expect(webhook.at("clientConfig", "service", "name") == "lanyard-webhook")
                        }
                    }
                }
                // Somebody was tired of the warnings.
                try await plane.kubectl("delete", registrations[1])
                try await Operator.running(Operator.Settings(registersItself: false)) { _, running in
                    #expect(running.logTail.contains("there is no ValidatingWebhookConfiguration workload-validator"))
                    let metrics = try await running.get("/metrics").body
                    for line in [#"name="workload-validator.lanyard.dev"} 0"#, #"name="pod-injector.lanyard.dev"} 1"#] {
                        #expect(metrics.contains("\nlanyard_webhook_registered{\(line)\n"))
                    }
                }
                try await plane.kubectl("delete", registrations[0])
                try await Operator.running(Operator.Settings(registersItself: false), isReady: false) { _, running in
                    try await eventually("the missing registration is named") {
                        let (_, body) = try await running.get("/readyz?verbose")
                        guard body.contains("there is no MutatingWebhookConfiguration pod-injector.lanyard.dev")
                        else { throw CommandFailure(description: body) }
                    }
                }
            } catch {
                try await remove()
                throw error
            }
            try await remove()
        }

        @Test("while the operator is away everything is applied, in a strict namespace, too")
        func outlivesOperator() async throws {
            let namespace = try await Operator.running { plane, _ in
                try await plane.namespace(labels: Self.enforce)
            }
            let plane = try ControlPlane.require()
            let result = try await plane.apply(
                Manifest.serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": "bedrock"]))
            #expect(result.output.contains("serviceaccount/llm created"))
        }
    }
}

extension Manifest {
    /// A workload that makes its pods from `spec.template`.
    ///
    /// - Parameters:
    ///   - metadata: more of the workload's own metadata, as YAML in flow style.
    ///   - template: more of the template's metadata, likewise.
    fileprivate static func workload(
        _ kind: String, _ name: String = "app", in namespace: String, serviceAccount: String = "llm",
        metadata: String = "annotations: {}", template: String = "annotations: {}"
    ) -> String {
        let version =
            switch kind {
            case "Job": "batch/v1"
            case "ReplicationController": "v1"
            default: "apps/v1"
            }
        let selector = kind == "ReplicationController" ? "{app: \(name)}" : "{matchLabels: {app: \(name)}}"
        let spec = kind == "Job" ? "" : "selector: \(selector)"
        return """
            apiVersion: \(version)
            kind: \(kind)
            metadata: {name: \(name), namespace: \(namespace), \(metadata)}
            spec:
              \(kind == "StatefulSet" ? "serviceName: x" : "")
              \(spec)
              template:
                metadata: {labels: {app: \(name)}, \(template)}
                spec:
                  serviceAccountName: \(serviceAccount)
                  \(kind == "Job" ? "restartPolicy: Never" : "")
                  containers: [{name: app, image: "app:1"}]
            ---

            """
    }

    fileprivate static func cronJob(
        _ version: String, in namespace: String, template: String = "annotations: {}"
    ) -> String {
        """
        apiVersion: \(version)
        kind: CronJob
        metadata: {name: nightly, namespace: \(namespace)}
        spec:
          schedule: "0 0 1 1 *"
          jobTemplate:
            spec:
              template:
                metadata: {\(template)}
                spec: {serviceAccountName: llm, restartPolicy: Never, containers: [{name: a, image: "a:1"}]}
        ---

        """
    }
}

extension String {
    /// How often a text stands in this one.
    fileprivate func count(of text: String) -> Int { ranges(of: text).count }
}
