import JSON
import Testing

extension EndToEndTests {
    /// Keys that get to pods through objects of other operators, whose definitions alone are installed here.
    @Suite(.serialized) struct SecretDelivery {
        private static let settings = Operator.Settings(
            configuration: settings())

        private static func settings(podsMayAskIn namespaces: [String] = []) -> String {
            """
            {platform: eks, issuer: {public: true}, vault: {allowedPaths: ["secret/data/ai/*"]},
             externalSecrets: {store: vault, podAnnotations: [\(namespaces.joined(separator: ", "))]}}
            """
        }

        private static func key(by delivery: String) -> [String: String] {
            [
                "lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm",
                "lanyard.dev/secret-delivery": delivery,
            ]
        }

        private static func account(_ delivery: String, in namespace: String) -> String {
            Manifest.serviceAccount(in: namespace, key(by: delivery))
        }

        @Test(
            "without the definition the binding is blocked and says so; once it is installed, pods get their key",
            arguments: [
                ("vault-csi", Definition.secretProviderClass), ("external-secret", Definition.externalSecret),
            ])
        func waitsForDefinition(delivery: String, definition: Definition) async throws {
            let plane = try ControlPlane.require()
            try await plane.kubectl("delete", "crd", definition.name, "--ignore-not-found")
            try await Operator.running(Self.settings) { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Self.account(delivery, in: namespace))
                _ = try await plane.condition("Compatible", of: "wid/llm", in: namespace, is: "False")
                let blocked = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False")
                #expect(blocked["message"]?.string?.contains("\(definition.kind) is not installed") == true)

                try await plane.apply(definition.manifest)
                _ = try await plane.condition("Compatible", of: "wid/llm", in: namespace, is: "True")
                try await plane.apply(Manifest.pod(in: namespace))
                let pod = try await plane.get("pod/pod", "-n", namespace)
                let object = try await plane.onlyObject(definition, in: namespace)
                let name = object.at("metadata", "name")
                switch definition {
                case .secretProviderClass:
                    let volume = pod.volume("lanyard-openai")
                    #expect(volume?.at("csi", "driver") == "secrets-store.csi.k8s.io")
                    #expect(volume?.at("csi", "volumeAttributes", "secretProviderClass") == name)
                    #expect(pod.mountPath(of: "lanyard-openai") == "/var/run/secrets/lanyard.dev/openai")
                case .externalSecret:
                    let variable = pod.at("spec", "containers", "0", "env", "0")
                    #expect(variable?["name"] == "OPENAI_API_KEY")
                    #expect(variable?.at("valueFrom", "secretKeyRef", "name") == name)
                    #expect(object.at("spec", "target", "name") == name)
                }
                #expect(object.at("metadata", "ownerReferences", "0", "kind") == "WorkloadIdentity")
            }
        }

        @Test(
            "a pod that alone asks for a key gets the object that it refers to, and takes it away with it",
            arguments: [
                ("vault-csi", Definition.secretProviderClass), ("external-secret", Definition.externalSecret),
            ])
        func servesPodThatAsks(delivery: String, definition: Definition) async throws {
            let plane = try ControlPlane.require()
            try await plane.apply(definition.manifest)
            let namespace = try await plane.namespace()
            let settings = Operator.Settings(configuration: Self.settings(podsMayAskIn: [namespace]))
            try await Operator.running(settings) { plane, _ in
                try await plane.apply(Manifest.serviceAccount(in: namespace, [:]))
                try await plane.apply(Manifest.pod(in: namespace, annotations: Self.key(by: delivery)))
                let object = try await plane.onlyObject(definition, in: namespace)
                let pod = try await plane.get("pod/pod", "-n", namespace)
                #expect(pod.annotations["lanyard.dev/injected"] == "openai=\(delivery)")
                let name = try #require(object.at("metadata", "name")?.string)
                #expect(pod.serializedString().contains("\"\(name)\""))
                let identity = try await plane.condition("Injected", of: "wid/llm", in: namespace, is: "True")
                #expect(identity["message"] == "All pods carry the current plan (1)")
                let report = try await plane.get("wid/llm", "-n", namespace)
                #expect(report.at("status", "summary", "providers") == "openai")

                try await plane.kubectl("delete", "pod/pod", "-n", namespace, "--grace-period=0", "--force")
                // The garbage collector takes a while to notice new kinds.
                try await eventually(within: .seconds(60), "the object and the report go with the pod") {
                    let left = try await plane.get("\(definition.name),wid", "-n", namespace)["items"]?.array ?? []
                    guard left.isEmpty else { throw CommandFailure(description: "\(left)") }
                }
            }
        }

        /// Attack D4.
        @Test("who may only create pods gets no object and no key, and is told what to do")
        func ignoresPod() async throws {
            try await Operator.running(Self.settings) { plane, _ in
                try await plane.apply(Definition.externalSecret.manifest)
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.serviceAccount(in: namespace, [:]))
                let result = try await plane.apply(
                    Manifest.pod(in: namespace, annotations: Self.key(by: "external-secret")))
                #expect(
                    result.errors.contains(
                        "kubectl annotate --overwrite serviceaccount llm -n \(namespace) lanyard.dev/"))
                let pod = try await plane.get("pod/pod", "-n", namespace)
                #expect(pod.annotations["lanyard.dev/injected"] == nil && pod.variables.isEmpty)
                #expect(try await plane.objects(.externalSecret, in: namespace).isEmpty)
            }
        }

        /// Attack D5.
        @Test("an object that somebody made first is left as it is, and told until it is removed")
        func leavesForeignObject() async throws {
            try await Operator.running(Self.settings) { plane, _ in
                try await plane.apply(Definition.externalSecret.manifest)
                let first = try await plane.namespace()
                try await plane.apply(Self.account("external-secret", in: first))
                var foreign = try await plane.onlyObject(.externalSecret, in: first)
                let name = try #require(foreign.at("metadata", "name")?.string)
                try await plane.kubectl("delete", "sa/llm", "-n", first)
                try await eventually("the object goes with its ServiceAccount") {
                    let left = try await plane.objects(.externalSecret, in: first)
                    guard left.isEmpty else { throw CommandFailure(description: "\(left)") }
                }
                foreign["metadata"] = ["name": .string(name), "namespace": .string(first)]
                foreign["spec"]?["dataFrom"] = [["extract": ["key": "other"]]]
                try await plane.apply(foreign.serializedString())
                try await plane.apply(Self.account("external-secret", in: first))
                let told = try await plane.condition(
                    "Ready", of: "wid/llm", in: first, is: "False", reason: "ObjectNotOurs")
                #expect(told["message"]?.string?.contains("kubectl delete externalsecret \(name) -n \(first)") == true)
                let kept = try await plane.onlyObject(.externalSecret, in: first)
                #expect(kept.at("spec", "dataFrom") != nil && kept.at("metadata", "ownerReferences") == nil)

                try await plane.kubectl("delete", "externalsecret", name, "-n", first)
                try await plane.kubectl("annotate", "sa/llm", "example.com/look=again", "-n", first)
                try await eventually("Lanyard makes its own") {
                    let own = try await plane.onlyObject(.externalSecret, in: first)
                    guard own.at("spec", "dataFrom") == nil, own.at("metadata", "ownerReferences") != nil else {
                        throw CommandFailure(description: "\(own)")
                    }
                }
            }
        }

        @Test("pods and templates of controllers that are not followed get the objects that they refer to")
        func servesOtherControllers() async throws {
            let plane = try ControlPlane.require()
            try await plane.apply(Definition.secretProviderClass.manifest)
            let alone = try await plane.namespace()
            let owned = try await plane.namespace()
            let settings = Operator.Settings(configuration: Self.settings(podsMayAskIn: [alone, owned]))
            try await Operator.running(settings) { plane, _ in
                let annotations = JSONValue.object(JSONObject(Self.key(by: "vault-csi")))
                try await plane.apply(
                    Manifest.serviceAccount(in: alone, [:])
                        + Manifest.scaled("ReplicaSet", in: alone, replicas: 1, annotations: annotations))
                _ = try await plane.onlyObject(.secretProviderClass, in: alone)

                try await plane.kubectl("create", "configmap", "rollout", "-n", owned)
                let rollout = try await plane.get("configmap/rollout", "-n", owned)
                let owner: JSONValue = [
                    "apiVersion": "v1", "kind": "ConfigMap", "name": "rollout", "controller": true,
                    "uid": rollout.at("metadata", "uid") ?? .null,
                ]
                try await plane.apply(
                    Manifest.serviceAccount(in: owned, [:])
                        + Manifest.scaled(
                            "Deployment", in: owned, replicas: 0, annotations: annotations, owners: [owner]))
                _ = try await plane.onlyObject(.secretProviderClass, in: owned)
                let report = try await plane.get("wid/llm", "-n", owned)
                #expect(report.at("status", "workloads") == [["kind": "Deployment", "name": "app"]])
            }
        }

        @Test("an object goes when its key is no longer asked for, but not while a pod of the old plan may need it")
        func removesObjects() async throws {
            try await Operator.running(Self.settings) { plane, _ in
                try await plane.apply(Definition.secretProviderClass.manifest)
                let namespace = try await plane.namespace()
                try await plane.apply(Self.account("vault-csi", in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let first = try await plane.onlyObject(.secretProviderClass, in: namespace).at("metadata", "name")

                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "lanyard.dev/vault-path.openai=secret/data/ai/other", "-n",
                    namespace)
                _ = try await plane.condition(
                    "Injected", of: "wid/llm", in: namespace, is: "False", reason: "PodsStale")
                try await eventually("old and new object are there") {
                    let names = try await plane.objects(.secretProviderClass, in: namespace)
                    guard names.count == 2 else { throw CommandFailure(description: "\(names)") }
                }
                try await plane.kubectl(
                    "delete", "pods", "-l", "app=app", "-n", namespace, "--grace-period=0", "--force", "--wait=false")
                let second = try await eventually("only the new object is there") {
                    try await plane.onlyObject(.secretProviderClass, in: namespace).at("metadata", "name")
                }
                #expect(first != second)

                try await plane.kubectl("delete", "sa/llm", "-n", namespace)
                try await eventually("the objects go with the ServiceAccount") {
                    let names = try await plane.objects(.secretProviderClass, in: namespace)
                    guard names.isEmpty else { throw CommandFailure(description: "\(names)") }
                }
            }
        }

        @Test("what the External Secrets Operator says against a key is said of the ServiceAccount, until it is fixed")
        func reportsSync() async throws {
            try await Operator.running(Self.settings) { plane, _ in
                try await plane.apply(Definition.externalSecret.manifest)
                let namespace = try await plane.namespace()
                try await plane.apply(Self.account("external-secret", in: namespace))
                _ = try await plane.condition(
                    "Ready", of: "wid/llm", in: namespace, is: "False", reason: "SecretNotSynced")
                let object = try await plane.onlyObject(.externalSecret, in: namespace)
                let name = try #require(object.at("metadata", "name")?.string)
                // What the operator of ExternalSecrets would write.
                func says(_ status: String, _ message: String) async throws {
                    let condition: JSONValue = [
                        "type": "Ready", "status": .string(status), "message": .string(message),
                    ]
                    let patch: JSONValue = ["status": ["conditions": [condition]]]
                    try await plane.kubectl(
                        "patch", "externalsecret", name, "-n", namespace, "--type=merge", "-p",
                        patch.serializedString())
                    // Any change of the ServiceAccount has it looked at again, before its turn comes.
                    try await plane.kubectl(
                        "annotate", "--overwrite", "sa/llm", "example.com/said=\(status)", "-n", namespace)
                }
                try await says("False", "no such path")
                try await eventually("the reason is shown") {
                    let status = try await plane.get("wid/llm", "-n", namespace)
                    let message = status.condition("Ready")?["message"]?.string ?? ""
                    guard message.contains("no such path") else { throw CommandFailure(description: message) }
                }
                try await says("True", "synced")
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
            }
        }
    }
}

/// A kind of another operator's, with nothing behind it.
enum Definition: String {
    case secretProviderClass = "secretproviderclasses.secrets-store.csi.x-k8s.io"
    case externalSecret = "externalsecrets.external-secrets.io"

    var name: String { rawValue }
    var kind: String { self == .secretProviderClass ? "SecretProviderClass" : "ExternalSecret" }

    var manifest: String {
        let dot = rawValue.firstIndex(of: ".") ?? rawValue.endIndex
        return """
            apiVersion: apiextensions.k8s.io/v1
            kind: CustomResourceDefinition
            metadata: {name: \(rawValue)}
            spec:
              group: \(rawValue[rawValue.index(after: dot)...])
              scope: Namespaced
              names: {kind: \(kind), plural: \(rawValue[..<dot])}
              versions:
                - name: v1
                  served: true
                  storage: true
                  schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
            ---

            """
    }
}

extension Manifest {
    /// A ReplicaSet or a Deployment whose pods ask by annotations of their own.
    fileprivate static func scaled(
        _ kind: String, in namespace: String, replicas: Int, annotations: JSONValue, owners: [JSONValue] = []
    ) -> String {
        """
        apiVersion: apps/v1
        kind: \(kind)
        metadata: {name: app, namespace: \(namespace), ownerReferences: \(JSONValue.array(owners).serializedString())}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: app}}
          template:
            metadata: {labels: {app: app}, annotations: \(annotations.serializedString())}
            spec:
              serviceAccountName: llm
              containers: [{name: app, image: "app:1"}]
        ---

        """
    }
}

extension ControlPlane {
    fileprivate func objects(_ definition: Definition, in namespace: String) async throws -> [JSONValue] {
        try await get(definition.name, "-n", namespace)["items"]?.array ?? []
    }

    fileprivate func onlyObject(_ definition: Definition, in namespace: String) async throws -> JSONValue {
        try await eventually("one \(definition.kind) in \(namespace)") {
            let objects = try await objects(definition, in: namespace)
            guard objects.count == 1, let object = objects.first else {
                throw CommandFailure(description: "\(objects.compactMap { $0.at("metadata", "name") })")
            }
            return object
        }
    }
}
