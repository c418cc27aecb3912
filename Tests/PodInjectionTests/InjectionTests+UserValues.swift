import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// What the user set stays.
extension InjectionTests {
    @Test("another role in a container is the user's choice: nothing is added there, and without a token it is lacking")
    func keepsOtherRole() {
        let injection = Self.inject(Self.pod(env: [["name": "AWS_ROLE_ARN", "value": "arn:other"]]), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.patch.json.array?.count == 1)
        #expect(injection.patch.json.array?.first?["value"]?["lanyard.dev/injected"] == "aws-bedrock=lacking")
        #expect(injection.problems.map(\.reason).contains(.userValueKept))
    }

    @Test("a group that the user began with our own value is completed")
    func completesGroup() throws {
        let role = try #require(Self.aws.values.first)
        let pod = Self.pod(env: [["name": "AWS_ROLE_ARN", "value": .string(role)]])
        let result = try pod.applying(Self.inject(pod, Self.aws).patch)
        let container = try #require(result["spec"]?["containers"]?.array?.first)
        #expect(
            container["env"]?.array?.compactMap { $0["name"]?.string } == [
                "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE",
            ])
        #expect(container["volumeMounts"]?.array?.count == 1)
    }

    @Test("a region that the user set in either variable keeps both from being added")
    func keepsRegion() throws {
        var configuration = Configuration()
        configuration.aws.region = "us-east-1"
        let pod = Self.pod(env: [["name": "AWS_REGION", "value": "eu-west-1"]])
        let result = try pod.applying(Self.inject(pod, Self.aws, configuration: configuration).patch)
        let names = result["spec"]?["containers"]?.array?.first?["env"]?.array?.compactMap { $0["name"]?.string }
        #expect(names == ["AWS_REGION", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"])
    }

    @Test("of Azure's variables each one is the user's or ours")
    func completesAzure() throws {
        let pod = Self.pod(env: [["name": "AZURE_CLIENT_ID", "value": "mine"]])
        let env = try pod.applying(Self.inject(pod, Self.azure).patch)["spec"]?["containers"]?.array?.first?["env"]?
            .array
        #expect(env?.first?["value"] == "mine")
        #expect(
            env?.compactMap { $0["name"]?.string }
                == ["AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST"])
    }

    @Test("a token file of the user's own needs no mount")
    func mountsOnlyWhatIsRead() {
        let pod = Self.pod(env: [["name": "AZURE_FEDERATED_TOKEN_FILE", "value": "/mine"]])
        let injection = Self.inject(pod, Self.azure)
        #expect(injection.injected.isEmpty)
        #expect(injection.patch.json.serializedString().contains("volume") == false)
    }

    @Test("a value from elsewhere counts as the user's")
    func respectsValueFrom() {
        let source: JSONValue = ["secretKeyRef": ["name": "s", "key": "k"]]
        let injection = Self.inject(Self.pod(env: [["name": "AWS_ROLE_ARN", "valueFrom": source]]), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.contains { $0.reason == .userValueKept })
    }

    @Test("what envFrom may define is a warning, not a guess")
    func warnsOfEnvFrom() throws {
        let container: JSONValue = ["name": "app", "envFrom": [["configMapRef": ["name": "settings"]]]]
        let injection = Self.inject(Self.pod(containers: [container]), Self.aws)
        #expect(injection.injected.count == 1)
        let problem = try #require(injection.problems.first { $0.reason == .environmentUnknown })
        #expect(
            problem.message == """
                aws-bedrock: container app: what ConfigMap settings in envFrom defines is not known: a stored key in it, such as \
                AWS_BEARER_TOKEN_BEDROCK, would win over the identity, and Lanyard's value of AWS_ROLE_ARN, \
                AWS_WEB_IDENTITY_TOKEN_FILE wins over one in it; check its keys
                """)
    }

    @Test(
        "a stored credential that would win over the identity is a warning",
        arguments: [
            ("AWS_ACCESS_KEY_ID", aws), ("AWS_BEARER_TOKEN_BEDROCK", aws), ("AZURE_CLIENT_SECRET", azure),
        ])
    func warnsOfStaticCredential(variable: String, annotations: [String: String]) throws {
        let injection = Self.inject(Self.pod(env: [["name": .string(variable), "value": "x"]]), annotations)
        let problem = try #require(injection.problems.first { $0.reason == .staticCredential })
        #expect(problem.message.contains("container app: \(variable) is set"))
        #expect(injection.injected.count == 1)
    }

    @Test("with EKS Pod Identity a proxy without an exception for the agent is a warning")
    func warnsOfProxy() throws {
        let identity = ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]
        let proxy: JSONValue = ["name": "HTTP_PROXY", "value": "http://proxy:3128"]
        let injection = Self.inject(Self.pod(env: [proxy]), identity)
        let problem = try #require(injection.problems.first { $0.reason == .tokenSentToProxy })
        #expect(problem.field == "HTTP_PROXY" && injection.injected.count == 1)
        let exception: JSONValue = ["name": "NO_PROXY", "value": "localhost,169.254.170.23"]
        let excepted = Self.inject(Self.pod(env: [proxy, exception]), identity)
        #expect(!excepted.problems.contains { $0.reason == .tokenSentToProxy })
    }

    @Test("on GKE a file named by GOOGLE_APPLICATION_CREDENTIALS would win over the metadata server")
    func warnsOfCredentialFileOnGKE() {
        let pod = Self.pod(env: [["name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/key.json"]])
        let injection = Self.inject(pod, ["lanyard.dev/providers": "google-vertex"], on: .gke)
        #expect(injection.problems.contains { $0.reason == .staticCredential })
    }

    @Test("EKS Pod Identity's variables keep the web identity out, since boto3 would prefer it")
    func yieldsToPodIdentity() {
        let env: JSONValue = [
            ["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://169.254.170.23/v1/credentials"]
        ]
        let injection = Self.inject(Self.pod(env: env), Self.aws)
        #expect(injection.injected.isEmpty)
        #expect(injection.problems.map(\.reason) == [.anotherIdentity])
    }
}
