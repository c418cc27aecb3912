import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// What clusters that used the clouds' own webhooks find again: keys, precedence, defaults, limits and variables. The EKS
/// webhook's own cases are in EKSWebhookTests; here is what they leave out.
@Suite struct PeerWebhookTests {
    private static let eks = InjectionTests.aws
    private static let azure = InjectionTests.azure
    private static let google = InjectionTests.google
    private static let alibaba = [
        "pod-identity.alibabacloud.com/role-name": "llm", "lanyard.dev/alibaba-oidc-provider-arn": provider,
    ]
    private static let provider = "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1"

    private struct Outcome {
        var pod: JSONValue
        var problems: [Problem]

        func container(_ index: Int = 0) -> JSONValue? { pod["spec"]?["containers"]?.array?[index] }
        func names(_ index: Int = 0) -> [String] {
            container(index)?["env"]?.array?.compactMap { $0["name"]?.string } ?? []
        }
        func value(_ name: String, _ index: Int = 0) -> String? {
            container(index)?["env"]?.array?.first { $0["name"]?.string == name }?["value"]?.string
        }
        var lifetime: Int? {
            pod["spec"]?["volumes"]?.array?.first?["projected"]?["sources"]?.array?.first?["serviceAccountToken"]?[
                "expirationSeconds"]?.integer
        }
        func says(_ reason: Problem.Reason) -> Bool { problems.contains { $0.reason == reason } }
    }

    private func inject(
        _ account: [String: String], on platform: Platform, pod: JSONValue = InjectionTests.pod(),
        configuration: Configuration = Configuration()
    ) throws -> Outcome {
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: account,
            pod: PodContext(pod: pod), facts: .offline(platform, isPublic: true), configuration: configuration)
        let injection = Injection(of: plan, into: pod)
        return Outcome(pod: try pod.applying(injection.patch), problems: plan.problems + injection.problems)
    }

    // MARK: Lifetimes

    struct Lifetime: CustomTestStringConvertible {
        var vendor: String
        var account: String?
        var pod: String?
        var seconds: Int
        var problem: Problem.Reason?

        var testDescription: String { "\(vendor): \(account ?? "-") on the ServiceAccount, \(pod ?? "-") on the pod" }
    }

    private static let lifetimes: [Lifetime] = [
        .init(vendor: "eks", seconds: 86400),
        .init(vendor: "eks", account: "10000", seconds: 10000),
        .init(vendor: "eks", account: "10000", pod: "3600", seconds: 3600),
        .init(vendor: "eks", pod: "600", seconds: 600),
        .init(vendor: "eks", pod: "599", seconds: 600, problem: .outOfRange),
        .init(vendor: "eks", pod: "-1", seconds: 600, problem: .outOfRange),
        .init(vendor: "eks", pod: "86401", seconds: 86400, problem: .outOfRange),
        .init(vendor: "eks", account: "1h", seconds: 86400, problem: .invalidValue),
        .init(vendor: "azure", seconds: 3600),
        .init(vendor: "azure", account: "5000", seconds: 5000),
        .init(vendor: "azure", account: "5000", pod: "7200", seconds: 7200),
        .init(vendor: "azure", pod: "3600", seconds: 3600),
        .init(vendor: "azure", pod: "86400", seconds: 86400),
        .init(vendor: "azure", pod: "3599", seconds: 3600, problem: .outOfRange),
        .init(vendor: "azure", account: "86401", seconds: 86400, problem: .outOfRange),
        .init(vendor: "azure", pod: "long", seconds: 3600, problem: .invalidValue),
        .init(vendor: "azure", account: "", seconds: 3600, problem: .invalidValue),
        .init(vendor: "google", seconds: 3600),
        .init(vendor: "google", account: "43200", seconds: 43200),
        .init(vendor: "google", account: "43200", pod: "7200", seconds: 7200),
        .init(vendor: "google", pod: "3599", seconds: 3600, problem: .outOfRange),
        .init(vendor: "google", pod: "86401", seconds: 86400, problem: .outOfRange),
        .init(vendor: "google", pod: "a day", seconds: 3600, problem: .invalidValue),
        .init(vendor: "alibaba", seconds: 3600),
        .init(vendor: "alibaba", account: "43200", seconds: 43200),
        .init(vendor: "alibaba", account: "599", seconds: 600, problem: .outOfRange),
        .init(vendor: "alibaba", account: "43201", seconds: 43200, problem: .outOfRange),
        .init(vendor: "alibaba", account: "x", seconds: 3600, problem: .invalidValue),
    ]

    @Test("a token's lifetime is the pod's, else the ServiceAccount's, else the default", arguments: lifetimes)
    func choosesLifetime(lifetime: Lifetime) throws {
        let vendors: [String: (key: String, account: [String: String], platform: Platform)] = [
            "eks": ("eks.amazonaws.com/token-expiration", Self.eks, .eks),
            "azure": ("azure.workload.identity/service-account-token-expiration", Self.azure, .aks),
            "google": ("cloud.google.com/token-expiration", Self.google, .eks),
            "alibaba": ("pod-identity.alibabacloud.com/service-account-token-expiration", Self.alibaba, .ack),
        ]
        let vendor = try #require(vendors[lifetime.vendor])
        var account = vendor.account
        account[vendor.key] = lifetime.account
        let pod = InjectionTests.pod(annotations: lifetime.pod.map { [vendor.key: $0] } ?? [:])
        let outcome = try inject(account, on: vendor.platform, pod: pod)
        #expect(outcome.lifetime == lifetime.seconds)
        for reason in [Problem.Reason.outOfRange, .invalidValue] {
            #expect(outcome.says(reason) == (lifetime.problem == reason))
        }
    }

    // MARK: Identities that are there already

    @Test(
        "a pod that another webhook has given its identity is left as it is, told so, and not without credentials",
        arguments: [
            (
                azure, Platform.aks,
                [
                    "AZURE_CLIENT_ID": "11111111-2222-3333-4444-555555555555", "AZURE_TENANT_ID": "t",
                    "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/azure/tokens/azure-identity-token",
                    "AZURE_AUTHORITY_HOST": "https://login.microsoftonline.com/",
                ], true
            ),
            (google, .eks, ["GOOGLE_APPLICATION_CREDENTIALS": "/var/run/secrets/azure/tokens/google.json"], true),
            (eks, .eks, ["AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/x"], false),
        ] as [([String: String], Platform, [String: String], Bool)])
    func leavesOtherIdentity(
        account: [String: String], platform: Platform, variables: [String: String], isWhole: Bool
    ) throws {
        let environment: [JSONValue] = variables.sorted { $0.key < $1.key }.map {
            ["name": .string($0.key), "value": .string($0.value)]
        }
        let mounts: JSONValue = [["name": "theirs", "mountPath": "/var/run/secrets/azure/tokens"]]
        let pod: JSONValue = [
            "spec": ["containers": [["name": "app", "env": .array(environment), "volumeMounts": mounts]]]
        ]
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: account,
            pod: PodContext(pod: pod), facts: .offline(platform, isPublic: true), configuration: Configuration())
        let injection = Injection(of: plan, into: pod)
        #expect(injection.injected.isEmpty)
        #expect(injection.leftOut.isEmpty == isWhole)
        #expect(injection.problems.contains { $0.reason == .userValueKept })
    }

    // MARK: Containers

    @Test(
        "a vendor's list of containers is read as its webhook reads it",
        arguments: [
            ("eks.amazonaws.com/skip-containers", "a,b", ["c"]),
            ("eks.amazonaws.com/skip-containers", " a , b ", ["c"]),
            ("eks.amazonaws.com/skip-containers", "\"a\",\"b\"", ["c"]),
            ("azure.workload.identity/skip-containers", "a;b", ["c"]),
            ("azure.workload.identity/skip-containers", " a ; b ;", ["c"]),
            ("cloud.google.com/skip-containers", "a, b", ["c"]),
            ("pod-identity.alibabacloud.com/skip-containers", "a,b", ["c"]),
            ("pod-identity.alibabacloud.com/only-containers", "a,b", ["a", "b"]),
        ])
    func readsLists(key: String, list: String, served: [String]) throws {
        let containers: [JSONValue] = ["a", "b", "c"].map { ["name": .string($0)] }
        let pod = InjectionTests.pod(annotations: [key: list], containers: containers)
        let vendor = String(key.prefix { $0 != "." })
        let (account, platform): ([String: String], Platform) =
            switch vendor {
            case "eks": (Self.eks, .eks)
            case "azure": (Self.azure, .aks)
            case "cloud": (Self.google, .eks)
            default: (Self.alibaba, .ack)
            }
        let outcome = try inject(account, on: platform, pod: pod)
        let got = outcome.pod["spec"]?["containers"]?.array?.filter { $0["env"] != nil }.compactMap {
            $0["name"]?.string
        }
        #expect(got == served)
        #expect(!outcome.says(.unknownContainer))
    }

    @Test("a vendor's list covers that vendor's provider, and Lanyard's covers the others")
    func separatesLists() throws {
        let pod = InjectionTests.pod(
            annotations: ["pod-identity.alibabacloud.com/only-containers": "a", "lanyard.dev/include-containers": "b"],
            containers: [["name": "a"], ["name": "b"]])
        let outcome = try inject(Self.alibaba.merging(Self.azure) { $1 }, on: .ack, pod: pod)
        #expect(outcome.names(0).allSatisfy { $0.hasPrefix("ALIBABA_") } && !outcome.names(0).isEmpty)
        #expect(outcome.names(1).allSatisfy { $0.hasPrefix("AZURE_") } && !outcome.names(1).isEmpty)
    }

    // MARK: EKS

    @Test(
        "regional STS is the ServiceAccount's choice, and the configuration's if it has none",
        arguments: [
            (nil, false, false), (nil, true, true), ("true", false, true), ("true", true, true),
            ("false", false, false),
            ("false", true, false), ("perhaps", true, true), ("perhaps", false, false),
        ] as [(String?, Bool, Bool)])
    func choosesSTS(annotation: String?, setting: Bool, isRegional: Bool) throws {
        var account = Self.eks
        account["eks.amazonaws.com/sts-regional-endpoints"] = annotation
        var configuration = Configuration()
        configuration.aws.stsRegionalEndpoints = setting
        let outcome = try inject(account, on: .eks, configuration: configuration)
        #expect(outcome.names().contains("AWS_STS_REGIONAL_ENDPOINTS") == isRegional)
        #expect(outcome.says(.invalidValue) == (annotation == "perhaps"))
    }

    @Test("an empty list of volumes is appended to, and Pod Identity's file has Windows' path on Windows")
    func coversGaps() throws {
        let pod = InjectionTests.pod(volumes: [], spec: ["os": ["name": "windows"]])
        let outcome = try inject(["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"], on: .eks, pod: pod)
        #expect(outcome.pod["spec"]?["volumes"]?.array?.count == 1)
        #expect(
            outcome.value("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE")
                == #"C:\var\run\secrets\pods.eks.amazonaws.com\serviceaccount\eks-pod-identity-token"#)
    }

    // MARK: Azure

    @Test("Azure's variables come in the order of its webhook, without its label on the pod")
    func ordersAzure() throws {
        let outcome = try inject(Self.azure, on: .aks)
        #expect(
            outcome.names() == [
                "AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_FEDERATED_TOKEN_FILE", "AZURE_AUTHORITY_HOST",
            ])
        #expect(outcome.value("AZURE_AUTHORITY_HOST") == "https://login.microsoftonline.com/")
    }

    @Test("the tenant is the ServiceAccount's, else the configuration's; an empty one counts as absent")
    func choosesTenant() throws {
        var configuration = Configuration()
        configuration.azure.tenantID = "cccccccc-bbbb-cccc-dddd-eeeeeeeeeeee"
        #expect(
            try inject(Self.azure, on: .aks, configuration: configuration).value("AZURE_TENANT_ID")
                == Self.azure["azure.workload.identity/tenant-id"])
        let empty = Self.azure.merging(["azure.workload.identity/tenant-id": ""]) { $1 }
        #expect(
            try inject(empty, on: .aks, configuration: configuration).value("AZURE_TENANT_ID")
                == configuration.azure.tenantID)
    }

    @Test("a proxy that Lanyard does not inject is a warning")
    func warnsOfProxy() throws {
        let pod = InjectionTests.pod(annotations: ["azure.workload.identity/inject-proxy-sidecar": "true"])
        let outcome = try inject(Self.azure, on: .aks, pod: pod)
        #expect(outcome.says(.noEffect))
        #expect(outcome.pod["spec"]?["containers"]?.array?.count == 1)
    }

    @Test("beside Azure's own webhook nothing is added twice, whichever of the two is first")
    func standsBesideAzure() throws {
        let before = InjectionTests.pod(
            env: [
                ["name": "AZURE_CLIENT_ID", "value": "11111111-2222-3333-4444-555555555555"],
                ["name": "AZURE_TENANT_ID", "value": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"],
                [
                    "name": "AZURE_FEDERATED_TOKEN_FILE",
                    "value": "/var/run/secrets/azure/wi/token/azure-identity-token",
                ],
                ["name": "AZURE_AUTHORITY_HOST", "value": "https://login.microsoftonline.com/"],
            ],
            mounts: [["name": "azure-workload-identity-reserved-0a", "mountPath": "/var/run/secrets/azure/wi"]])
        let outcome = try inject(Self.azure, on: .aks, pod: before)
        #expect(outcome.container() == before["spec"]?["containers"]?.array?.first)
        #expect(outcome.pod["spec"]?["volumes"] == nil)
    }

    // MARK: Google

    @Test(
        "Google's credential file, byte by byte",
        arguments: [
            (
                nil,
                #"{"type":"external_account","audience":"//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/clusters/providers/prod","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token","credential_source":{"file":"/var/run/secrets/lanyard.dev/google-vertex/token","format":{"type":"text"}}}"#
            ),
            (
                "llm@proj.iam.gserviceaccount.com",
                #"{"type":"external_account","audience":"//iam.googleapis.com/projects/123/locations/global/workloadIdentityPools/clusters/providers/prod","subject_token_type":"urn:ietf:params:oauth:token-type:jwt","token_url":"https://sts.googleapis.com/v1/token","service_account_impersonation_url":"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/llm@proj.iam.gserviceaccount.com:generateAccessToken","credential_source":{"file":"/var/run/secrets/lanyard.dev/google-vertex/token","format":{"type":"text"}}}"#
            ),
        ] as [(String?, String)])
    func writesCredentialFile(email: String?, file: String) throws {
        var account = Self.google
        account["cloud.google.com/service-account-email"] = email
        let annotations = try inject(account, on: .eks).pod["metadata"]?["annotations"]
        #expect(annotations?["lanyard.dev/google-vertex-credentials"]?.string == file)
    }

    @Test("project and region come for SDKs and for gcloud, and none of them is ever empty")
    func setsProject() throws {
        var account = Self.google
        account["lanyard.dev/gcp-location"] = "europe-west4"
        #expect(
            try inject(account, on: .eks).names() == [
                "GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_PROJECT", "GOOGLE_CLOUD_LOCATION",
                "CLOUDSDK_COMPUTE_REGION", "CLOUDSDK_CORE_PROJECT",
            ])
        account["lanyard.dev/gcp-location"] = "global"
        #expect(try !inject(account, on: .eks).names().contains("CLOUDSDK_COMPUTE_REGION"))
        account["cloud.google.com/service-account-email"] = nil
        let bare = try inject(account, on: .eks)
        #expect(bare.names() == ["GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CLOUD_LOCATION"])
        #expect(bare.says(.variableMissing))
    }

    @Test("the user's credential file and project stay, with a word about the file")
    func keepsUsersFile() throws {
        let file = InjectionTests.pod(env: [["name": "GOOGLE_APPLICATION_CREDENTIALS", "value": "/mine.json"]])
        let kept = try inject(Self.google, on: .eks, pod: file)
        #expect(kept.names() == ["GOOGLE_APPLICATION_CREDENTIALS"] && kept.says(.staticCredential))
        let project = InjectionTests.pod(env: [["name": "CLOUDSDK_CORE_PROJECT", "value": "mine"]])
        #expect(try inject(Self.google, on: .eks, pod: project).value("CLOUDSDK_CORE_PROJECT") == "mine")
    }

    @Test("an account to impersonate without a provider is not enough, and is not passed over in silence")
    func needsProvider() throws {
        let email = ["cloud.google.com/service-account-email": "llm@proj.iam.gserviceaccount.com"]
        let outcome = try inject(email, on: .eks)
        #expect(outcome.names().isEmpty)
        #expect(
            outcome.problems.first { $0.reason == .noMechanism }?.message.contains(
                "cloud.google.com/workload-identity-provider") == true)
    }

    // MARK: Alibaba

    @Test("RRSA's variables come from the role's name, with the private endpoint of STS where it is asked for")
    func setsEndpoint() throws {
        let asked = Self.alibaba.merging([
            "pod-identity.alibabacloud.com/inject-sts-endpoint": "true", "lanyard.dev/alibaba-region": "cn-hangzhou",
        ]) { $1 }
        let outcome = try inject(asked, on: .ack)
        #expect(outcome.value("ALIBABA_CLOUD_ROLE_ARN") == "acs:ram::1234567890123456:role/llm")
        #expect(outcome.value("ALIBABA_CLOUD_OIDC_PROVIDER_ARN") == Self.provider)
        #expect(outcome.value("ALIBABA_CLOUD_STS_ENDPOINT") == "sts-vpc.cn-hangzhou.aliyuncs.com")
        #expect(outcome.value("ALIBABA_CLOUD_STS_REGION") == "cn-hangzhou")
        #expect(outcome.value("ALIBABA_CLOUD_VPC_ENDPOINT_ENABLED") == "true")
        #expect(!outcome.says(.noEffect))

        let elsewhere = try inject(asked, on: .eks)
        #expect(elsewhere.value("ALIBABA_CLOUD_STS_ENDPOINT") == nil && elsewhere.says(.noEffect))
        var nowhere = asked
        nowhere["lanyard.dev/alibaba-region"] = nil
        #expect(try inject(nowhere, on: .ack).says(.noEffect))
    }
}
