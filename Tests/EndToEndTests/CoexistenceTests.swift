import JSON
import Testing

extension EndToEndTests {
    /// Lanyard beside a cloud's own webhook, before it or after it in the chain.
    @Suite(.serialized) struct Coexistence {
        /// Where in the chain the other webhook stands, and whether it is called again.
        struct Chain: CustomTestStringConvertible {
            var name: String
            var reinvocation: String

            var testDescription: String { "\(name), reinvoked \(reinvocation)" }

            static let all = ["aa-peer", "zz-peer"].flatMap { name in
                ["Never", "IfNeeded"].map { Chain(name: name, reinvocation: $0) }
            }
        }

        @Test("beside the EKS webhook a pod comes out as from Lanyard alone", arguments: Chain.all)
        func agreesWithEKS(chain: Chain) async throws {
            try await Operator.running { plane, _ in
                try await plane.withWebhook(.eks, named: chain.name, reinvocation: chain.reinvocation) {
                    let namespace = try await plane.namespace()
                    try await plane.apply(Manifest.bedrock(in: namespace))
                    try await plane.apply(
                        Manifest.pod("alone", in: namespace, spec: Self.spec)
                            + Manifest.pod("both", in: namespace, labels: ["peer": "here"], spec: Self.spec))
                    let alone = try await plane.get("pod", "alone", "-n", namespace)
                    let both = try await plane.get("pod", "both", "-n", namespace)
                    #expect(both.annotations[PeerWebhook.mark] != nil)
                    #expect(Injected(both) == Injected(alone))
                    #expect(both.annotations["lanyard.dev/plan"] == alone.annotations["lanyard.dev/plan"])
                    try Self.expectUnambiguous(both)
                }
            }
        }

        @Test(
            "beside Azure's webhook a pod has one identity, and its token file is a mounted token", arguments: Chain.all
        )
        func agreesWithAzure(chain: Chain) async throws {
            try await Operator.running(.platform("aks")) { plane, _ in
                try await plane.withWebhook(.azure, named: chain.name, reinvocation: chain.reinvocation) {
                    let namespace = try await plane.namespace()
                    let azure = [
                        "azure.workload.identity/client-id": Manifest.azureClient,
                        "azure.workload.identity/tenant-id": Manifest.azureTenant,
                    ]
                    try await plane.apply(
                        Manifest.serviceAccount(in: namespace, azure)
                            + Manifest.pod(in: namespace, labels: ["peer": "here"], spec: Self.spec))
                    let pod = try await plane.get("pod", "pod", "-n", namespace)
                    #expect(pod.annotations[PeerWebhook.mark] != nil)
                    try Self.expectUnambiguous(pod)
                    for container in Injected.containers(of: pod) {
                        #expect(
                            container.variables.keys.sorted() == [
                                "AZURE_AUTHORITY_HOST", "AZURE_CLIENT_ID", "AZURE_FEDERATED_TOKEN_FILE",
                                "AZURE_TENANT_ID",
                            ])
                        #expect(container.variables["AZURE_CLIENT_ID"] == Manifest.azureClient)
                        let file = try #require(container.variables["AZURE_FEDERATED_TOKEN_FILE"])
                        let mount = try #require(container.mounts.first { file.hasPrefix($0.value + "/") })
                        let token = pod.volume(mount.key)?.at("projected", "sources", "0", "serviceAccountToken")
                        #expect(token?["audience"] == "api://AzureADTokenExchange")
                        #expect((token?["path"]?.string).map { "\(mount.value)/\($0)" } == file)
                    }
                }
            }
        }

        /// A cloud's webhook, and the same identity asked of Lanyard.
        struct Cloud: CustomTestStringConvertible {
            var platform: String
            var webhook: PeerWebhook
            var annotations: [String: String]
            /// The variable that names the file by which the SDK gets its credentials.
            var fileVariable: String

            var testDescription: String { platform }

            static let google = Cloud(
                platform: "self-managed", webhook: .google,
                annotations: [
                    "cloud.google.com/workload-identity-provider":
                        "projects/123456789012/locations/global/workloadIdentityPools/clusters/providers/own",
                    "cloud.google.com/service-account-email": "llm@my-project.iam.gserviceaccount.com",
                ],
                fileVariable: "GOOGLE_APPLICATION_CREDENTIALS")
            static let alibaba = Cloud(
                platform: "ack", webhook: .alibaba,
                annotations: [
                    "pod-identity.alibabacloud.com/role-name": "llm",
                    "lanyard.dev/alibaba-oidc-provider-arn": Manifest.alibabaProvider,
                ],
                fileVariable: "ALIBABA_CLOUD_OIDC_TOKEN_FILE")
        }

        @Test(
            "beside Google's and ACK's webhooks a pod has one identity, by a file that is mounted",
            arguments: [Cloud.google, .alibaba],
            [Chain(name: "aa-peer", reinvocation: "IfNeeded"), Chain(name: "zz-peer", reinvocation: "IfNeeded")])
        func agreesWithOthers(cloud: Cloud, chain: Chain) async throws {
            try await Operator.running(.platform(cloud.platform)) { plane, _ in
                try await plane.withWebhook(cloud.webhook, named: chain.name, reinvocation: chain.reinvocation) {
                    let namespace = try await plane.namespace()
                    try await plane.apply(
                        Manifest.serviceAccount(in: namespace, cloud.annotations)
                            + Manifest.pod(in: namespace, labels: ["peer": "here"], spec: Self.spec))
                    let pod = try await plane.get("pod", "pod", "-n", namespace)
                    #expect(pod.annotations[PeerWebhook.mark] != nil)
                    try Self.expectUnambiguous(pod)
                    for container in Injected.containers(of: pod) {
                        let file = try #require(container.variables[cloud.fileVariable])
                        let mount = try #require(container.mounts.first { file.hasPrefix($0.value + "/") })
                        #expect(pod.volume(mount.key) != nil)
                    }
                }
            }
        }

        private static let spec = """
            initContainers: [{name: warm-up, image: "app:1"}]
              containers: [{name: app, image: "app:1"}, {name: proxy, image: "proxy:1"}]
            """

        /// No name and no path twice: the API server refuses some of these, and programs take any of them.
        private static func expectUnambiguous(_ pod: JSONValue) throws {
            let volumes = pod.at("spec", "volumes")?.array?.compactMap { $0["name"]?.string } ?? []
            #expect(Set(volumes).count == volumes.count)
            for list in ["initContainers", "containers"] {
                for container in try #require(pod.at("spec", list)?.array) {
                    let names = container["env"]?.array?.compactMap { $0["name"]?.string } ?? []
                    #expect(Set(names).count == names.count)
                    let paths = container["volumeMounts"]?.array?.compactMap { $0["mountPath"]?.string } ?? []
                    #expect(Set(paths).count == paths.count)
                }
            }
        }
    }
}

/// What webhooks have given to a pod, whatever the order in which they came.
private struct Injected: Equatable {
    struct Container: Equatable {
        var variables: [String: String]
        /// Paths by volume, without the pod's own token, whose volume has a random name.
        var mounts: [String: String]
    }

    var containers: [Container]
    var volumes: [String: JSONValue]

    init(_ pod: JSONValue) {
        containers = Self.containers(of: pod)
        volumes = [:]
        for volume in pod.at("spec", "volumes")?.array ?? [] {
            if let name = volume["name"]?.string, !Self.isOwnToken(name) { volumes[name] = volume }
        }
    }

    static func containers(of pod: JSONValue) -> [Container] {
        ["initContainers", "containers"].flatMap { pod.at("spec", $0)?.array ?? [] }.map { container in
            var variables: [String: String] = [:]
            for variable in container["env"]?.array ?? [] {
                if let name = variable["name"]?.string { variables[name] = variable["value"]?.string }
            }
            var mounts: [String: String] = [:]
            for mount in container["volumeMounts"]?.array ?? [] {
                if let name = mount["name"]?.string, !isOwnToken(name) { mounts[name] = mount["mountPath"]?.string }
            }
            return Container(variables: variables, mounts: mounts)
        }
    }

    /// The API server's own: `kube-api-access-…`, or the ServiceAccount's name and `-token-…` before that.
    private static func isOwnToken(_ volume: String) -> Bool {
        volume.hasPrefix("kube-api-access-") || volume.contains("-token-")
    }
}
