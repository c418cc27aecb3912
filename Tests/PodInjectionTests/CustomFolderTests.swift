import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// A container's own path to a credential is a place, and not another identity.
@Suite struct CustomFolderTests {
    static let azureFile = "/var/run/secrets/azure/tokens/azure-identity-token"
    static let googleFile = "/var/run/secrets/workload-identity/google-application-credentials.json"

    static func container(
        _ variables: [String: String], name: String = "app", mounts: [String: String] = [:]
    ) -> JSONValue {
        var container: JSONValue = ["name": .string(name), "image": "app:1"]
        container["env"] = .array(
            variables.sorted { $0.key < $1.key }.map { ["name": .string($0.key), "value": .string($0.value)] })
        if !mounts.isEmpty {
            container["volumeMounts"] = .array(
                mounts.sorted { $0.key < $1.key }.map { ["mountPath": .string($0.key), "name": .string($0.value)] })
        }
        return container
    }

    /// What became of a pod.
    struct Outcome {
        var pod: JSONValue
        var injection: Injection
        var refusal: String?

        var stamp: String { injection.stamp.summary }
        var reasons: Set<Problem.Reason> { Set(injection.problems.map(\.reason)) }

        func volume(_ name: String) -> JSONValue? {
            pod["spec"]?["volumes"]?.array?.first { $0["name"]?.string == name }
        }

        func mounts(_ container: Int = 0) -> [String] {
            (pod["spec"]?["containers"]?.array?[container]["volumeMounts"]?.array ?? []).map {
                "\($0["name"]?.string ?? "")=\($0["mountPath"]?.string ?? "")"
            }
        }
    }

    static func inject(
        _ pod: JSONValue, _ annotations: [String: String], on platform: Platform = .selfManaged
    ) throws -> Outcome {
        var labelled = pod
        labelled["metadata"]?["labels"] = ["lanyard.dev/inject": "required"]
        let context = PodContext(pod: labelled)
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations, pod: context,
            facts: .offline(platform, isPublic: true), configuration: Configuration())
        let injection = Injection(of: plan, into: labelled)
        let result = try labelled.applying(injection.patch)
        #expect(Injection(of: plan, into: result).patch.isEmpty, "applied again it changes nothing")
        return Outcome(
            pod: result, injection: injection,
            refusal: UnmetRequirement(of: context, plan: plan, injection: injection)?.refusal)
    }

    static func pod(_ containers: JSONValue..., volumes: JSONValue? = nil, os: String? = nil) -> JSONValue {
        InjectionTests.pod(
            volumes: volumes, containers: containers, spec: os.map { ["os": ["name": .string($0)]] } ?? [:])
    }

    // MARK: The folder

    @Test("a token is put where the container expects it, in a volume of the name that Azure's webhook knows")
    func putsToken() throws {
        let variables = [
            "AZURE_CLIENT_ID": InjectionTests.azure["azure.workload.identity/client-id"] ?? "",
            "AZURE_TENANT_ID": InjectionTests.azure["azure.workload.identity/tenant-id"] ?? "",
            "AZURE_FEDERATED_TOKEN_FILE": Self.azureFile,
        ]
        for platform in Platform.allCases {
            let outcome = try Self.inject(Self.pod(Self.container(variables)), InjectionTests.azure, on: platform)
            #expect(outcome.stamp == "azure-openai=azure-workload-identity")
            #expect(outcome.refusal == nil && outcome.injection.problems.isEmpty)
            let source = outcome.volume("azure-identity-token")?["projected"]?["sources"]?.array?.first
            #expect(source?["serviceAccountToken"]?["audience"] == "api://AzureADTokenExchange")
            #expect(source?["serviceAccountToken"]?["path"] == "azure-identity-token")
            #expect(outcome.mounts() == ["azure-identity-token=/var/run/secrets/azure/tokens"])
            #expect(outcome.volume("lanyard-azure-openai") == nil)
        }
    }

    @Test("a credential file is put there, too, and the token that it names where it names it")
    func putsFile() throws {
        let pod = Self.pod(Self.container(["GOOGLE_APPLICATION_CREDENTIALS": Self.googleFile]))
        let outcome = try Self.inject(pod, InjectionTests.google)
        #expect(outcome.stamp == "google-vertex=gcp-workload-identity-federation" && outcome.refusal == nil)
        let folder = try #require(outcome.mounts().last?.split(separator: "=").first.map(String.init))
        #expect(folder.hasPrefix("lanyard-at-") && folder.utf8.count == "lanyard-at-".utf8.count + 8)
        let item = outcome.volume(folder)?["projected"]?["sources"]?.array?[0]["downwardAPI"]?["items"]?.array?[0]
        #expect(item?["path"] == "google-application-credentials.json")
        #expect(outcome.mounts().contains("lanyard-google-vertex=/var/run/secrets/lanyard.dev/google-vertex"))
        let file = outcome.pod["metadata"]?["annotations"]?["lanyard.dev/google-vertex-credentials"]?.string
        #expect(file?.contains("/var/run/secrets/lanyard.dev/google-vertex/token") == true)
    }

    @Test("files of several providers in one folder are one volume, mounted once")
    func sharesFolder() throws {
        let account = InjectionTests.azure.merging(InjectionTests.aws) { $1 }
        let variables = [
            "AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/tokens/azure",
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/tokens/aws", "AWS_REGION": "eu-central-1",
        ]
        let outcome = try Self.inject(Self.pod(Self.container(variables)), account)
        #expect(outcome.stamp == "aws-bedrock=aws-web-identity,azure-openai=azure-workload-identity")
        #expect(outcome.mounts().count == 1 && outcome.refusal == nil)
        let name = try #require(outcome.mounts()[0].split(separator: "=").first.map(String.init))
        let sources = outcome.volume(name)?["projected"]?["sources"]?.array ?? []
        #expect(sources.compactMap { $0["serviceAccountToken"]?["path"]?.string } == ["aws", "azure"])
    }

    @Test("each container has its own folder, and those that name none Lanyard's")
    func separatesFolders() throws {
        let outcome = try Self.inject(
            Self.pod(
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/a/token"]),
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/run/secrets/b/token"], name: "b"),
                Self.container([:], name: "c")),
            InjectionTests.azure)
        #expect(outcome.stamp == "azure-openai=azure-workload-identity")
        #expect(outcome.mounts(0)[0].hasSuffix("=/var/run/secrets/a"))
        #expect(outcome.mounts(1)[0].hasSuffix("=/run/secrets/b"))
        #expect(outcome.mounts(2) == ["lanyard-azure-openai=/var/run/secrets/lanyard.dev/azure-openai"])
    }

    @Test("one folder under two names is one volume")
    func knowsLink() throws {
        let outcome = try Self.inject(
            Self.pod(
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/a/token"]),
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/run/secrets//a/./token"], name: "b")),
            InjectionTests.azure)
        let names = (0...1).map { outcome.mounts($0)[0].split(separator: "=")[0] }
        #expect(names[0] == names[1])
        #expect(outcome.pod["spec"]?["volumes"]?.array?.count == 1)
    }

    @Test("a role beside a token's place is the user's choice, whatever else is there")
    func keepsRole() throws {
        let outcome = try Self.inject(
            Self.pod(
                Self.container([
                    "AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/other", "AWS_REGION": "eu-central-1",
                    "AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
                ])),
            InjectionTests.aws, on: .aks)
        #expect(outcome.stamp == "aws-bedrock=aws-web-identity" && outcome.reasons == [.userValueKept])
        // By the name that EKS' webhook would give it.
        #expect(outcome.mounts() == ["aws-iam-token=/var/run/secrets/eks.amazonaws.com/serviceaccount"])
    }

    @Test("on Windows the same place may be written in several ways")
    func knowsWindows() throws {
        for path in [
            #"C:\var\run\secrets\azure\mine\token"#, #"c:/Var/Run/secrets/azure/mine/token"#,
            "/var/run/secrets/azure/mine/token",
        ] {
            let outcome = try Self.inject(
                Self.pod(Self.container(["AZURE_FEDERATED_TOKEN_FILE": path]), os: "windows"), InjectionTests.azure)
            #expect(outcome.stamp == "azure-openai=azure-workload-identity", "\(path)")
            #expect(outcome.mounts()[0].lowercased().hasSuffix(#"=c:\var\run\secrets\azure\mine"#), "\(path)")
        }
        let elsewhere = try Self.inject(
            Self.pod(Self.container(["AZURE_FEDERATED_TOKEN_FILE": #"D:\run\secrets\a\token"#]), os: "windows"),
            InjectionTests.azure)
        #expect(elsewhere.stamp == "azure-openai=own" && elsewhere.reasons == [.pathUnknown])
    }

    // MARK: Other webhooks

    @Test("a container that another webhook adds later gets its file into the volume that is there")
    func completesFolder() throws {
        let account = InjectionTests.azure.merging(InjectionTests.aws) { $1 }
        let first = try Self.inject(
            Self.pod(
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/tokens/azure", "AWS_REGION": "x"])),
            account)
        var pod = first.pod
        let later = Self.container(
            ["AWS_WEB_IDENTITY_TOKEN_FILE": "/var/run/secrets/tokens/aws", "AWS_REGION": "x"], name: "later")
        let present = pod["spec"]?["containers"]?.array ?? []
        pod["spec"]?["containers"] = .array(present + [later])
        let second = try Self.inject(pod, account)
        let paths = second.injection.patch.json.array?.compactMap { $0["path"]?.string } ?? []
        #expect(paths.contains { $0.hasPrefix("/spec/volumes/") && $0.hasSuffix("/projected/sources/-") })
        #expect(second.refusal == nil)
        #expect(second.mounts(1).contains { $0.hasSuffix("=/var/run/secrets/tokens") })
    }

    @Test("Azure's webhook, where it comes afterwards, finds all of it done")
    func agreesWithAzure() throws {
        let outcome = try Self.inject(
            Self.pod(Self.container(["AZURE_FEDERATED_TOKEN_FILE": Self.azureFile])), InjectionTests.azure, on: .aks)
        // Versions before 1.6 add a volume unless one has a token of that file's name, and then mount by the volume's name
        // unless a mount of that name is there.
        let volumes = outcome.pod["spec"]?["volumes"]?.array ?? []
        let hasToken = volumes.contains { volume in
            (volume["projected"]?["sources"]?.array ?? []).contains {
                $0["serviceAccountToken"]?["path"] == "azure-identity-token"
            }
        }
        #expect(hasToken && outcome.mounts().contains { $0.hasPrefix("azure-identity-token=") })
    }

    // MARK: What cannot be

    struct Case: CustomTestStringConvertible {
        var what: String
        var variables: [String: String]
        var mounts: [String: String] = [:]
        var volumes: JSONValue?
        var account = InjectionTests.azure
        var platform = Platform.selfManaged
        var stamp: String
        var reason: Problem.Reason
        var testDescription: String { what }
    }

    static let other = "/var/run/secrets/mine/token"

    @Test(
        "what a container says of its file decides whether it is its own, or lacking",
        arguments: [
            Case(
                what: "a mount of its own covers the path", variables: ["AZURE_FEDERATED_TOKEN_FILE": other],
                mounts: ["/var/run/secrets/mine": "mine"], stamp: "azure-openai=own", reason: .userValueKept),
            Case(
                what: "the file itself is mounted", variables: ["AZURE_FEDERATED_TOKEN_FILE": other],
                mounts: [other: "mine"], stamp: "azure-openai=own", reason: .userValueKept),
            Case(
                what: "a token in the image", variables: ["AZURE_FEDERATED_TOKEN_FILE": "/app/token"],
                stamp: "azure-openai=lacking", reason: .credentialFileMissing),
            Case(
                what: "an empty path", variables: ["AZURE_FEDERATED_TOKEN_FILE": ""],
                stamp: "azure-openai=lacking", reason: .credentialFileMissing),
            Case(
                what: "the folder of all secrets", variables: ["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/token"],
                stamp: "azure-openai=lacking", reason: .credentialFileMissing),
            Case(
                what: "the folder of the API server's token",
                variables: ["AZURE_FEDERATED_TOKEN_FILE": "/run/secrets/kubernetes.io/serviceaccount/azure"],
                stamp: "azure-openai=lacking", reason: .credentialFileMissing),
            Case(
                what: "a folder above another mount", variables: ["AZURE_FEDERATED_TOKEN_FILE": other],
                mounts: ["/run/secrets/mine/deeper": "mine"], stamp: "azure-openai=lacking",
                reason: .credentialFileMissing),
            Case(
                what: "a volume of that name is of another kind", variables: ["AZURE_FEDERATED_TOKEN_FILE": azureFile],
                volumes: [["name": "azure-identity-token", "emptyDir": [:]]], stamp: "azure-openai=lacking",
                reason: .credentialFileMissing),
            Case(
                what: "a volume of that name, of another kind, is mounted there",
                variables: ["AZURE_FEDERATED_TOKEN_FILE": azureFile],
                mounts: ["/var/run/secrets/azure/tokens": "azure-identity-token"],
                volumes: [["name": "azure-identity-token", "emptyDir": [:]]], stamp: "azure-openai=own",
                reason: .userValueKept),
            Case(
                what: "a variable in the path",
                variables: ["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/$(X)/token"],
                stamp: "azure-openai=own", reason: .pathUnknown),
            Case(
                what: "a path that leads upwards", variables: ["AZURE_FEDERATED_TOKEN_FILE": "/var/run/secrets/a/../t"],
                stamp: "azure-openai=own", reason: .pathUnknown),
            Case(
                what: "a relative path", variables: ["AZURE_FEDERATED_TOKEN_FILE": "token"],
                stamp: "azure-openai=own", reason: .pathUnknown),
            Case(
                what: "a key in the image", variables: ["GOOGLE_APPLICATION_CREDENTIALS": "/app/key.json"],
                account: InjectionTests.google, stamp: "google-vertex=own", reason: .staticCredential),
            Case(
                what: "on GKE a file that nothing puts there",
                variables: ["GOOGLE_APPLICATION_CREDENTIALS": googleFile],
                account: ["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"], platform: .gke,
                stamp: "google-vertex=lacking", reason: .credentialFileMissing),
            Case(
                what: "a role without a token",
                variables: ["AWS_ROLE_ARN": "arn:aws:iam::999999999999:role/other", "AWS_REGION": "eu-central-1"],
                account: InjectionTests.aws, stamp: "aws-bedrock=lacking", reason: .userValueKept),
            Case(
                what: "a token's file in the way of Pod Identity",
                variables: ["AWS_WEB_IDENTITY_TOKEN_FILE": other, "AWS_REGION": "eu-central-1"],
                account: ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"], platform: .eks,
                stamp: "aws-bedrock=lacking", reason: .credentialFileMissing),
        ])
    func decides(_ this: Case) throws {
        let pod = Self.pod(Self.container(this.variables, mounts: this.mounts), volumes: this.volumes)
        let outcome = try Self.inject(pod, this.account, on: this.platform)
        #expect(outcome.stamp == this.stamp)
        #expect(outcome.reasons.contains(this.reason))
        // One mistake, one message.
        if this.reason == .credentialFileMissing { #expect(outcome.reasons == [this.reason]) }
        // The problem stays to be seen on the pod, and `required` refuses what would lack something.
        #expect(outcome.injection.stamp.problems.contains { $0.hasPrefix("\(this.reason): ") })
        #expect((outcome.refusal != nil) == this.stamp.hasSuffix("=lacking"))
        #expect(outcome.refusal.map { refusal in this.variables.keys.contains { refusal.contains($0) } } ?? true)
    }

    @Test("of two files in one place the second is lacking, and the first is there")
    func refusesSecond() throws {
        let account = InjectionTests.azure.merging(InjectionTests.aws) { $1 }
        let variables = [
            "AZURE_FEDERATED_TOKEN_FILE": Self.other, "AWS_WEB_IDENTITY_TOKEN_FILE": Self.other, "AWS_REGION": "x",
        ]
        let outcome = try Self.inject(Self.pod(Self.container(variables)), account)
        #expect(outcome.stamp == "aws-bedrock=aws-web-identity,azure-openai=lacking")
        #expect(outcome.refusal?.contains("AZURE_FEDERATED_TOKEN_FILE") == true)
    }

    @Test("one container of several that lacks it makes the pod lacking, and the others have it")
    func tellsOne() throws {
        let outcome = try Self.inject(
            Self.pod(
                Self.container([:]), Self.container(["AZURE_FEDERATED_TOKEN_FILE": "/app/token"], name: "b")),
            InjectionTests.azure)
        #expect(outcome.stamp == "azure-openai=lacking")
        #expect(outcome.mounts() == ["lanyard-azure-openai=/var/run/secrets/lanyard.dev/azure-openai"])
        #expect(outcome.mounts(1).isEmpty)
        #expect(outcome.refusal?.contains("container b") == true)
    }

    @Test("an ephemeral container gets no folder that the running pod has not")
    func sparesRunningPods() throws {
        var pod = Self.pod(
            Self.container(["AZURE_FEDERATED_TOKEN_FILE": Self.azureFile]), Self.container([:], name: "b"))
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: InjectionTests.azure,
            pod: PodContext(pod: pod), facts: .offline(.selfManaged, isPublic: true), configuration: Configuration())
        pod = try pod.applying(Injection(of: plan, into: pod).patch)
        for (path, isServed) in [(Self.azureFile, true), (Self.other, false)] {
            var attached = pod
            attached["spec"]?["ephemeralContainers"] = [
                Self.container(["AZURE_FEDERATED_TOKEN_FILE": path], name: "debug")
            ]
            let injection = Injection(of: plan, intoEphemeralContainersOf: attached, before: pod)
            #expect(injection.injected.isEmpty == !isServed)
            #expect(injection.patch.operations.isEmpty == !isServed)
        }
    }
}
