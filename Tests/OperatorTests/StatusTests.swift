import JSON
import KubernetesModel
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct StatusTests {
    private typealias Fixture = StatusFixture

    private static func json(_ status: WorkloadIdentityStatus, _ present: [Condition] = [], at seconds: Int64 = 1_000)
        -> JSONValue
    {
        status.json(replacing: present, at: Timestamp(seconds: seconds))
    }

    @Test("a status that says the same keeps its times, so that there is nothing to write")
    func keepsTimes() throws {
        let status = Fixture.status(Fixture.aws, pods: [Fixture.pod()])
        let first = Self.json(status)
        let conditions = try (first["conditions"]?.array ?? []).map { try Condition(parsing: $0.serialized()) }
        #expect(conditions.count == 4)
        #expect(Self.json(status, conditions, at: 2_000) == first)
    }

    @Test("the status says which signal showed the platform, who the issuer is, and which objects were made")
    func showsFacts() {
        var status = Fixture.status(Fixture.aws)
        status.secretObjects = [
            SecretObjectReference(SecretObject(kind: .externalSecret, name: "lanyard-llm-openai-1", spec: [:]))
        ]
        let json = Self.json(status)
        #expect(json["evidence"] == "configuration")
        #expect(json["issuer"] == ["url": "https://oidc.eks.eu-west-1.amazonaws.com/id/A", "reach": "public"])
        #expect(json["objects"] == [["kind": "ExternalSecret", "name": "lanyard-llm-openai-1"]])
    }

    /// What each provider has to trust, by the annotations that ask for it.
    private static let trusts: [([String: String], identity: String?, audience: String?)] = [
        (Fixture.aws, Fixture.role, "sts.amazonaws.com"),
        (Fixture.aws(and: ["eks.amazonaws.com/audience": "other"]), Fixture.role, "other"),
        (["lanyard.dev/aws-role-arns": "main=\(Fixture.role)"], "main=\(Fixture.role)", "sts.amazonaws.com"),
        (["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"], nil, "pods.eks.amazonaws.com"),
        (Fixture.azure, "11111111-2222-3333-4444-555555555555", "api://AzureADTokenExchange"),
        (
            [
                "cloud.google.com/workload-identity-provider":
                    "projects/1/locations/global/workloadIdentityPools/pool/providers/name",
                "cloud.google.com/service-account-email": "llm@proj.iam.gserviceaccount.com",
            ], "llm@proj.iam.gserviceaccount.com",
            "https://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/name"
        ),
        (Fixture.alibaba, "acs:ram::1234567890123456:role/llm", "sts.aliyuncs.com"),
        (
            ["lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm"], "llm", nil
        ),
    ]

    @Test("of each provider the status says what it must trust", arguments: trusts.indices)
    func showsTrust(index: Int) throws {
        let (annotations, identity, audience) = Self.trusts[index]
        let json = Self.json(Fixture.status(annotations))
        let provider = try #require(json["providers"]?.array?.first)
        #expect(provider["identity"]?.string == identity)
        #expect(provider["audience"]?.string == audience)
        #expect(provider["subject"] == "system:serviceaccount:ai:llm")
        #expect(provider["issuer"] == "https://oidc.eks.eu-west-1.amazonaws.com/id/A")
        #expect(json["summary"]?["identities"]?.string == identity ?? "-")
    }

    @Test("a store's own rights say nothing of the ServiceAccount, and without a mechanism there is nothing to trust")
    func showsNoTrust() throws {
        var facts = Fixture.facts
        facts.components.hasExternalSecrets = true
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.externalSecrets.storeKind = .secretStore
        let plan = Fixture.plan(
            [
                "lanyard.dev/secret-delivery": "external-secret",
                "lanyard.dev/vault-path.openai": "secret/data/ai/openai",
            ], facts: facts, configuration)
        #expect(plan.outcomes.map(\.outcome.mechanism) == [.externalSecret])
        let stored = WorkloadIdentityStatus(
            of: Fixture.subject, facts: facts, plans: [plan], workloads: [], pods: PodReport([]))
        for status in [stored, Fixture.status(["lanyard.dev/providers": "openai"])] {
            let provider = try #require(Self.json(status)["providers"]?.array?.first)
            for key in ["identity", "issuer", "subject", "audience"] { #expect(provider[key] == nil) }
        }
    }

    @Test("columns of kubectl have one text each: providers, mechanisms and identities in the same order")
    func summarizes() {
        let keys = Fixture.aws(and: Fixture.azure).merging(["lanyard.dev/providers": "openai"]) { $1 }
        #expect(
            Self.json(Fixture.status(keys, pods: [Fixture.pod()]))["summary"]
                == [
                    "providers": "aws-bedrock,azure-openai,openai", "pods": "0/1",
                    "mechanisms": "irsa,azure-workload-identity,-",
                    "identities": "\(Fixture.role),11111111-2222-3333-4444-555555555555,-",
                ])
    }

    @Test("warnings are told without the name of the ServiceAccount, and do not make it unready")
    func showsWarnings() throws {
        let status = Fixture.status(Fixture.aws(and: ["lanyard.dev/token-expiration": "1"]))
        let warnings = try #require(Self.json(status)["warnings"]?.array)
        #expect(warnings.count == 1)
        #expect(warnings.first?.string?.hasPrefix("lanyard.dev/token-expiration is 1") == true)
        #expect(status.ready.status == .true)
    }

    // MARK: Workloads

    private static func workload(_ kind: Workload.Kind, _ name: String) -> Workload {
        var metadata = ObjectMetadata(name: name, namespace: "ai")
        metadata.uid = "uid-\(name)"
        return Workload(kind: kind, metadata: metadata)
    }

    @Test("the problems of pods are their workload's, each once; and a pod's own if nothing made it")
    func gathersProblems() {
        let plan = Fixture.plan(Fixture.aws)
        let key = "StaticCredential: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set"
        let unknown = "EnvironmentUnknown: aws-bedrock: container app: envFrom"
        func pod(_ name: String, _ problems: [String], of owner: (kind: String, name: String)?) -> ObjectMetadata {
            Fixture.pod(name, plan: plan.hash, injected: "aws-bedrock=irsa", problems: problems, of: owner)
        }
        let pods = [
            pod("app-1", [key], of: ("Deployment", "app")), pod("app-2", [key, unknown], of: ("Deployment", "app")),
            pod("argo-1", [unknown], of: ("Rollout", "argo")), pod("bare", [key], of: nil), pod("well", [], of: nil),
        ]
        let workloads = ReportedWorkload.all(
            asking: [Self.workload(.deployment, "app"), Self.workload(.cronJob, "nightly")], pods: pods,
            origin: \.controller)
        let problems: [JSONValue] = [
            ["reason": "StaticCredential", "message": "aws-bedrock: container app: AWS_ACCESS_KEY_ID is set"],
            ["reason": "EnvironmentUnknown", "message": "aws-bedrock: container app: envFrom"],
        ]
        #expect(
            workloads.map(\.json) == [
                ["kind": "Deployment", "name": "app", "problems": .array(problems)],
                ["kind": "CronJob", "name": "nightly"],
                ["kind": "Rollout", "name": "argo", "problems": [problems[1]]],
                ["kind": "Pod", "name": "bare", "problems": [problems[0]]],
            ])
        let status = WorkloadIdentityStatus(
            of: Fixture.subject, facts: Fixture.facts, plans: [plan], workloads: workloads,
            pods: Fixture.report(pods, plan))
        #expect(status.ready.status == .true)
    }

    @Test("ten problems of a workload are kept, and ten pods that nothing made")
    func boundsProblems() {
        let many = (0..<30).map { "Reason\($0): message" }
        let pods = (10..<40).map { Fixture.pod("p\($0)", problems: many) }
        let workloads = ReportedWorkload.all(asking: [], pods: pods, origin: \.controller)
        #expect(workloads.map(\.reference.name) == (10..<20).map { "p\($0)" })
        #expect(workloads.allSatisfy { $0.problems.count == 10 })
    }
}
