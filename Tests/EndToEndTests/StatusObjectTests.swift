import Foundation
import JSON
import Testing

extension EndToEndTests {
    /// What kubectl shows of a WorkloadIdentity, and what its definition keeps of it.
    @Suite(.serialized) struct StatusObject {
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
                #expect(providers[0]["identity"]?.string == Manifest.role)
                #expect(providers[0]["subject"]?.string == "system:serviceaccount:\(namespace):llm")
                #expect(providers[0]["audience"] == "sts.amazonaws.com")
                #expect(providers[0]["issuer"] == identity.at("status", "issuer", "url"))
                #expect(
                    providers[1]["message"]?.string?.contains("cloud.google.com/workload-identity-provider") == true)

                let wide = try await plane.kubectl("get", "wid", "-n", namespace, "-o", "wide").output
                let header = wide.split(separator: "\n").first?.split(separator: " ").map(String.init) ?? []
                #expect(header.suffix(5) == ["AGE", "MECHANISM", "IDENTITY", "VERIFIED", "MESSAGE"])
                #expect(wide.contains(" irsa,-  ") && wide.contains(" \(Manifest.role),- "))
                let message = try #require(identity.condition("Ready")?["message"]?.string)
                #expect(wide.contains(message) && !message.contains("\(namespace)/llm"))

                let events = try await plane.kubectl("get", "events", "-n", namespace).output
                #expect(events.contains("NoMechanism"))
            }
        }

        @Test(
            "a Deployment whose container expects its token where nothing puts it is not ready; one with a stored key is told"
        )
        func tellsOfContainers() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                func deployment(_ name: String, _ variable: String, _ value: String) -> String {
                    Manifest.deployment(name, in: namespace).replacing(
                        "image: \"app:1\"", with: "image: \"app:1\", env: [{name: \(variable), value: \(value)}]")
                }
                try await plane.apply(
                    Manifest.bedrock(in: namespace)
                        + deployment("lacking", "AWS_WEB_IDENTITY_TOKEN_FILE", "/opt/token")
                        + deployment("keyed", "AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"))
                let lacking = try await plane.condition(
                    Status.ready, of: "deployment/lacking", in: namespace, is: "False", reason: "PodsLackCredentials")
                let message = try #require(lacking["message"]?.string)
                #expect(message.hasPrefix("1 of 1 pod has no credential of aws-bedrock that can work (lacking-"))
                #expect(message.contains("aws-bedrock: container app: AWS_WEB_IDENTITY_TOKEN_FILE is /opt/token"))
                _ = try await plane.condition(Status.ready, of: "deployment/keyed", in: namespace, is: "True")
                _ = try await plane.condition(
                    "Ready", of: "wid/llm", in: namespace, is: "False", reason: "PodsLackCredentials")
                for (name, reason) in [("lacking", "CredentialFileMissing"), ("keyed", "StaticCredential")] {
                    try await eventually("\(name) is reported with \(reason), and its events tell of it") {
                        let status = try await plane.get("wid/llm", "-n", namespace)["status"]
                        let workload = status?["workloads"]?.array?.first { $0["name"]?.string == name }
                        let described = try await plane.kubectl("describe", "deployment", name, "-n", namespace).output
                        guard workload?.at("problems", "0", "reason")?.string == reason, described.contains(reason)
                        else { throw CommandFailure(description: "\(status ?? ""), \(described)") }
                    }
                }
            }
        }

        @Test(
            "of a pod's stamp the reports say what it lacks, what is not known of it, and what is wrong with its containers"
        )
        func followsStamps() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let pods = try await plane.pods(of: "app", in: namespace)
                let pod = try #require(pods.first?.at("metadata", "name")?.string)

                // What a webhook writes into a pod whose container has a stored key, and nothing that works.
                let key = "aws-bedrock: container app: AWS_ACCESS_KEY_ID is set; remove it"
                try await plane.kubectl(
                    "annotate", "--overwrite", "pod", pod, "-n", namespace,
                    "lanyard.dev/injected=aws-bedrock=lacking", "lanyard.dev/problems=StaticCredential: \(key)")
                for (type, object) in [("Ready", "wid/llm"), (Status.ready, "deployment/app")] {
                    let lacking = try await plane.condition(
                        type, of: object, in: namespace, is: "False", reason: "PodsLackCredentials")
                    #expect(
                        lacking["message"]?.string
                            == "1 of 1 pod has no credential of aws-bedrock that can work (\(pod)): \(key)")
                }
                let status = try await plane.get("wid/llm", "-n", namespace)["status"]
                #expect(
                    status?["workloads"] == [
                        [
                            "kind": "Deployment", "name": "app",
                            "problems": [["reason": "StaticCredential", "message": .string(key)]],
                        ]
                    ])
                #expect(
                    status?.at("pods", "attention")
                        == [["name": .string(pod), "state": "Lacking", "providers": ["aws-bedrock"]]])
                try await eventually("the Deployment's events tell of it") {
                    let described = try await plane.kubectl("describe", "deployment/app", "-n", namespace).output
                    let events = described.components(separatedBy: "Events:").last ?? ""
                    guard events.contains("StaticCredential"), events.contains(key) else {
                        throw CommandFailure(description: described)
                    }
                }
                #expect(try await plane.kubectl("describe", "wid/llm", "-n", namespace).output.contains(key))

                // As earlier releases stamped what they left to the user's own identity.
                try await plane.kubectl("annotate", "pod", pod, "-n", namespace, "lanyard.dev/injected-")
                for (type, object) in [("Ready", "wid/llm"), (Status.ready, "deployment/app")] {
                    _ = try await plane.condition(
                        type, of: object, in: namespace, is: "Unknown", reason: "PodsOfEarlierRelease")
                }

                // A warning stays to be seen, and makes nothing unready.
                try await plane.kubectl("annotate", "pod", pod, "-n", namespace, "lanyard.dev/injected=aws-bedrock=own")
                for (type, object) in [("Ready", "wid/llm"), (Status.ready, "deployment/app")] {
                    _ = try await plane.condition(type, of: object, in: namespace, is: "True")
                }
                let kept = try await plane.get("wid/llm", "-n", namespace).at("status", "workloads", "0", "problems")
                #expect(kept == [["reason": "StaticCredential", "message": .string(key)]])
                let events = try await plane.get(
                    "events.events.k8s.io", "-n", namespace, "--field-selector", "reason=StaticCredential")
                #expect(events["items"]?.array?.count == 1)
            }
        }

        @Test("another role is told with the old one and the new one, and pods that run are told to be restarted")
        func tellsIdentity() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace) + Manifest.deployment(in: namespace))
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "True")
                let other = "arn:aws:iam::111122223333:role/other"
                try await plane.kubectl(
                    "annotate", "--overwrite", "sa/llm", "eks.amazonaws.com/role-arn=\(other)", "-n", namespace)
                _ = try await plane.condition("Ready", of: "wid/llm", in: namespace, is: "False", reason: "PodsStale")
                try await eventually("there is an event") {
                    let described = try await plane.kubectl("describe", "sa/llm", "-n", namespace).output
                    guard described.contains("aws-bedrock: \(Manifest.role) before, now \(other)") else {
                        throw CommandFailure(description: described)
                    }
                }
            }
        }

        /// Every field that a status may have.
        private static let full: JSONValue = [
            "platform": "eks", "evidence": "issuer",
            "issuer": ["url": "https://issuer.example.com", "reach": "public"],
            "components": ["EKS Pod Identity agent"], "objects": [["kind": "ExternalSecret", "name": "lanyard-llm-1"]],
            "summary": ["providers": "aws-bedrock", "mechanisms": "irsa", "identities": "arn", "pods": "1/6"],
            "providers": [
                [
                    "name": "aws-bedrock", "ready": true, "reason": "Ready", "mechanism": "irsa", "tier": "native",
                    "reach": "sdk-default", "identity": "arn", "issuer": "https://issuer.example.com",
                    "subject": "system:serviceaccount:ai:llm", "audience": "sts.amazonaws.com", "message": "m",
                ]
            ],
            "pods": [
                "total": 6, "current": 1, "stale": 2, "notInjected": 1, "lacking": 1, "unknown": 1,
                "attention": [["name": "app-1", "state": "Lacking", "providers": ["aws-bedrock"]]], "others": 4,
            ],
            "workloads": [
                ["kind": "Deployment", "name": "app", "problems": [["reason": "StaticCredential", "message": "m"]]]
            ],
            "warnings": ["w"],
            "healing": [
                [
                    "kind": "Deployment", "name": "app", "pod": "app-1", "podUID": "u", "cause": "NotInjected",
                    "phase": "Evicted", "time": "2026-11-28T00:00:00Z", "remaining": 2, "failures": 1, "message": "m",
                ]
            ],
            "injection": ["by": "webhook", "reason": "m"],
            "verification": [
                "plan": "0123456789ab", "lastTrialTime": "2026-11-28T00:00:00Z",
                "results": [
                    [
                        "provider": "aws-bedrock", "mechanism": "irsa", "identity": "arn", "status": "False",
                        "pod": "app-1",
                        "outcome": "Failed", "reason": "TrustPolicyMismatch", "message": "m", "fix": "aws",
                        "denied": true, "denials": 4, "firstDenialTime": "2026-11-28T00:00:00Z",
                        "lastProofTime": "2026-11-28T00:00:00Z",
                    ]
                ],
            ],
            "conditions": [
                [
                    "type": "Ready", "status": "Unknown", "reason": "PodsOfEarlierRelease", "message": "m",
                    "lastTransitionTime": "2026-11-28T00:00:00Z",
                ]
            ],
        ]

        @Test("every field of a status survives the installed definition, which names all that a status may have")
        func keepsFields() async throws {
            let plane = try ControlPlane.require()
            try await plane.kubectl("apply", "-f", "\(plane.repository)/manifests/crd.yaml")
            let namespace = try await plane.namespace()
            let object: JSONValue = [
                "apiVersion": "lanyard.dev/v1alpha1", "kind": "WorkloadIdentity",
                "metadata": ["name": "full", "namespace": .string(namespace)], "status": Self.full,
            ]
            try await plane.apply(object.serializedString())
            let patch: JSONValue = ["status": Self.full]
            try await plane.kubectl(
                "patch", "wid", "full", "-n", namespace, "--subresource=status", "--type=merge", "-p",
                patch.serializedString())
            let present = try await plane.get("wid", "full", "-n", namespace)["status"]
            #expect(present?.fields == Self.full.fields)

            let definition = try await plane.get("crd", "workloadidentities.lanyard.dev")
            let schema = definition.at("spec", "versions", "0", "schema", "openAPIV3Schema", "properties", "status")
            // What Lanyard's conditions do not have.
            #expect(schema?.schemaFields.subtracting(Self.full.fields) == ["conditions.observedGeneration"])
        }
    }
}

extension JSONValue {
    /// The paths of all fields below this value, whatever their values.
    fileprivate var fields: Set<String> {
        var fields: Set<String> = []
        for (key, value) in object ?? [:] {
            fields.insert(key)
            fields.formUnion(value.fields.map { "\(key).\($0)" })
        }
        for element in array ?? [] { fields.formUnion(element.fields) }
        return fields
    }

    /// The same of all that a schema names.
    fileprivate var schemaFields: Set<String> {
        var fields: Set<String> = self["items"]?.schemaFields ?? []
        for (key, schema) in self["properties"]?.object ?? [:] {
            fields.insert(key)
            fields.formUnion(schema.schemaFields.map { "\(key).\($0)" })
        }
        return fields
    }
}
