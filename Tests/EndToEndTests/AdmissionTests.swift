import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct Admission {
        @Test("a pod gets what its ServiceAccount asks for, and kubectl prints what people should know")
        func injectsAndWarns() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace))
                let keys = "containers: [{name: app, image: \"app:1\", env: [{name: AWS_ACCESS_KEY_ID, value: AKIA}]}]"
                let result = try await plane.apply(Manifest.pod(in: namespace, spec: keys))
                #expect(
                    result.errors.contains("Warning: lanyard: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set"))
                let pod = try await plane.get("pod", "pod", "-n", namespace)
                #expect(pod.variables["AWS_ROLE_ARN"] == Manifest.role)
                #expect(pod.variables["AWS_REGION"] == "eu-central-1")
                #expect(pod.variables["AWS_DEFAULT_REGION"] == "eu-central-1")
                #expect(pod.annotations["lanyard.dev/injected"] == "aws-bedrock=irsa")
                #expect(pod.annotations["lanyard.dev/plan"]?.isEmpty == false)
            }
        }

        @Test("a ServiceAccount that comes with its pod in one apply is found, though no watch has told of it")
        func findsNewServiceAccount() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                for number in 0..<5 {
                    let account = Manifest.serviceAccount(
                        "new-\(number)", in: namespace, ["eks.amazonaws.com/role-arn": Manifest.role])
                    let pod = Manifest.pod("pod-\(number)", in: namespace)
                        .replacing("serviceAccountName: llm", with: "serviceAccountName: new-\(number)")
                    try await plane.apply(account + pod)
                    let created = try await plane.get("pod", "pod-\(number)", "-n", namespace)
                    #expect(created.variables["AWS_ROLE_ARN"] == Manifest.role)
                }
            }
        }

        @Test("the API server mints a token for the audience that the pod asks for, and the variable names its file")
        func mintsToken() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                let azure = [
                    "azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555",
                    "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
                ]
                try await plane.apply(Manifest.serviceAccount(in: namespace, azure) + Manifest.pod(in: namespace))
                let pod = try await plane.get("pod", "pod", "-n", namespace)
                let volume = try #require(pod.volume("lanyard-azure-openai"))
                let token = try #require(volume.at("projected", "sources", "0", "serviceAccountToken"))
                let path = try #require(token["path"]?.string)
                let mount = try #require(pod.mountPath(of: "lanyard-azure-openai"))
                #expect(pod.variables["AZURE_FEDERATED_TOKEN_FILE"] == "\(mount)/\(path)")

                let audience = try #require(token["audience"])
                let seconds = try #require(token["expirationSeconds"])
                let request: JSONValue = [
                    "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                    "spec": ["audiences": [audience], "expirationSeconds": seconds],
                ]
                let answer = try await plane.kubectl(
                    "create", "--raw", "/api/v1/namespaces/\(namespace)/serviceaccounts/llm/token", "-f", "-",
                    input: request.serializedString())
                let minted = try JSONValue(parsing: Array(answer.output.utf8))
                let claims = try #require(try minted.at("status", "token")?.string.flatMap(JSONWebToken.claims))
                #expect(claims["aud"] == ["api://AzureADTokenExchange"])
                #expect(claims["sub"]?.string == "system:serviceaccount:\(namespace):llm")
            }
        }

        @Test("applied twice, and through two webhooks, it injects once")
        func injectsOnce() async throws {
            try await Operator.running { plane, running in
                var second = try await plane.get("mutatingwebhookconfiguration", "pod-injector.lanyard.dev")
                second["metadata"] = ["name": "zz-second.lanyard.dev"]
                try await plane.apply(second.serializedString())
                do {
                    let namespace = try await plane.namespace()
                    let google = [
                        "cloud.google.com/workload-identity-provider":
                            "projects/1/locations/global/workloadIdentityPools/pool/providers/prov"
                    ]
                    let manifest = Manifest.bedrock(in: namespace) + Manifest.pod(in: namespace)
                    try await plane.apply(manifest)
                    try await plane.apply(Manifest.serviceAccount("other", in: namespace, google))
                    try await plane.apply(manifest)
                    let pod = try await plane.get("pod", "pod", "-n", namespace)
                    let names = pod.at("spec", "containers", "0", "env")?.array?.compactMap { $0["name"]?.string }
                    #expect(
                        names == ["AWS_DEFAULT_REGION", "AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"])
                    let volumes = pod.at("spec", "volumes")?.array?.compactMap { $0["name"]?.string }
                    #expect(volumes?.filter { $0 == "aws-iam-token" }.count == 1)
                    let mounts = pod.at("spec", "containers", "0", "volumeMounts")?.array
                    #expect(mounts?.filter { $0["name"] == "aws-iam-token" }.count == 1)
                } catch {
                    try await plane.kubectl("delete", "mutatingwebhookconfiguration", "zz-second.lanyard.dev")
                    throw error
                }
                try await plane.kubectl("delete", "mutatingwebhookconfiguration", "zz-second.lanyard.dev")
            }
        }

        @Test("a pod that requires its credentials is refused without them, and says what is wrong")
        func refusesRequired() async throws {
            try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(
                    Manifest.serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": "bedrock"]))
                let required = Manifest.pod(in: namespace, labels: ["lanyard.dev/inject": "required"])
                let refused = try await plane.tryKubectl(["apply", "-f", "-"], input: required)
                #expect(refused.exitCode != 0)
                #expect(refused.errors.contains("eks.amazonaws.com/role-arn is \"bedrock\"; write an IAM role's ARN"))

                try await plane.apply(Manifest.bedrock(in: namespace))
                _ = try await eventually("admitted once the annotation is fixed") { try await plane.apply(required) }
            }
        }

        @Test("what is labelled to be left alone is left alone")
        func leavesAlone() async throws {
            try await Operator.running { plane, _ in
                let left = try await plane.namespace(labels: ["lanyard.dev/inject": "false"])
                try await plane.apply(Manifest.bedrock(in: left) + Manifest.pod(in: left))
                #expect(try await plane.get("pod", "pod", "-n", left).variables.isEmpty)

                let namespace = try await plane.namespace()
                try await plane.apply(
                    Manifest.bedrock(in: namespace)
                        + Manifest.pod(in: namespace, labels: ["lanyard.dev/inject": "false"]))
                #expect(try await plane.get("pod", "pod", "-n", namespace).variables.isEmpty)
            }
        }

        @Test("while the operator is away, pods that require credentials wait and all others start")
        func keepsRegistration() async throws {
            let namespace = try await Operator.running { plane, _ in
                let namespace = try await plane.namespace()
                try await plane.apply(Manifest.bedrock(in: namespace))
                return namespace
            }
            let plane = try ControlPlane.require()
            let required = Manifest.pod("required", in: namespace, labels: ["lanyard.dev/inject": "required"])
            let refused = try await plane.tryKubectl(["apply", "-f", "-"], input: required)
            #expect(refused.exitCode != 0)
            #expect(refused.errors.contains("failed calling webhook"))
            try await plane.apply(Manifest.pod("other", in: namespace))
            #expect(try await plane.get("pod", "other", "-n", namespace).variables.isEmpty)
        }
    }
}
