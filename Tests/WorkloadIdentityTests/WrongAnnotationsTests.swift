import Testing

@testable import WorkloadIdentity

/// Annotations as people get them wrong. Whoever reads only what is printed, and does that, has none left wrong.
@Suite("Wrong annotations") struct WrongAnnotationsTests {
    struct Case: CustomTestStringConvertible {
        var testDescription: String
        var platform: Platform
        var account: [String: String]
        var pod: [String: String] = [:]
        /// Everything that is printed.
        var messages: [String]

        init(
            _ description: String, on platform: Platform = .eks, _ account: [String: String],
            pod: [String: String] = [:],
            _ messages: String...
        ) {
            testDescription = description
            self.platform = platform
            self.account = account
            self.pod = pod
            self.messages = messages
        }
    }

    private static let role = "arn:aws:iam::111122223333:role/bedrock"
    private static let roleKey = "eks.amazonaws.com/role-arn"
    private static let provider = "cloud.google.com/workload-identity-provider"
    private static let pool = "projects/123456789/locations/global/workloadIdentityPools/clusters/providers"
    private static let stored = Fixture.vaultOpenAI

    private static func with(_ base: [String: String], _ changes: [String: String]) -> [String: String] {
        base.merging(changes) { $1 }
    }

    static let cases: [Case] = [
        Case(
            "a role's name in place of its ARN", [roleKey: "bedrock"],
            "eks.amazonaws.com/role-arn is \"bedrock\"; write an IAM role's ARN, such as \"arn:aws:iam::111122223333:role/NAME\""
        ),
        Case(
            "an account that lacks a digit", [roleKey: "arn:aws:iam::11112222333:role/bedrock"],
            "eks.amazonaws.com/role-arn is \"arn:aws:iam::11112222333:role/bedrock\": the account has 11 digits, and 12 are needed; write an IAM role's ARN, such as \"arn:aws:iam::111122223333:role/NAME\""
        ),
        Case(
            "an ARN without its empty region", [roleKey: "arn:aws:iam:111122223333:role/bedrock"],
            "eks.amazonaws.com/role-arn is \"arn:aws:iam:111122223333:role/bedrock\": the ARN has 5 parts, and 6 are needed; did you mean \"arn:aws:iam::111122223333:role/bedrock\"?"
        ),
        Case(
            "the ARN of a session", on: .gke, [roleKey: "arn:aws:sts::111122223333:assumed-role/bedrock/i-0123"],
            "eks.amazonaws.com/role-arn is \"arn:aws:sts::111122223333:assumed-role/bedrock/i-0123\": it is the ARN of a role's session; did you mean \"arn:aws:iam::111122223333:role/bedrock\"?"
        ),
        Case(
            "an ARN with a region", [roleKey: "arn:aws:iam:us-east-1:111122223333:role/bedrock"],
            "eks.amazonaws.com/role-arn is \"arn:aws:iam:us-east-1:111122223333:role/bedrock\": a role has no region; did you mean \"arn:aws:iam::111122223333:role/bedrock\"?"
        ),
        Case(
            "quotes that were copied along", [roleKey: "\"\(role)\""],
            "eks.amazonaws.com/role-arn is \"\"arn:aws:iam::111122223333:role/bedrock\"\"; did you mean \"arn:aws:iam::111122223333:role/bedrock\"?"
        ),
        Case(
            "a zone in place of a region", with(Fixture.aws, ["lanyard.dev/aws-region": "us-east-1a"]),
            "lanyard.dev/aws-region is \"us-east-1a\"; did you mean \"us-east-1\"?"),
        Case(
            "a region without its hyphens", with(Fixture.aws, ["lanyard.dev/aws-region": "useast1"]),
            "lanyard.dev/aws-region is \"useast1\"; did you mean \"us-east-1\"?"),
        Case(
            "a region in capitals", with(Fixture.aws, ["lanyard.dev/aws-region": "EU-CENTRAL-1"]),
            "lanyard.dev/aws-region is \"EU-CENTRAL-1\"; did you mean \"eu-central-1\"?"),
        Case(
            "a role of GovCloud and a region elsewhere",
            [roleKey: "arn:aws-us-gov:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "us-east-1"],
            "aws-bedrock: the region us-east-1 is in the partition aws, and the role arn:aws-us-gov:iam::111122223333:role/bedrock in aws-us-gov; write a region of aws-us-gov as lanyard.dev/aws-region, such as us-gov-west-1"
        ),
        Case(
            "a misspelt key of Lanyard's", with(Fixture.aws, ["lanyard.dev/aws-regoin": "us-east-1"]),
            "lanyard.dev/aws-regoin is not a key that Lanyard knows; did you mean lanyard.dev/aws-region?"),
        Case(
            "a misspelt key of a vendor's", ["eks.amazonaws.com/rolearn": role],
            "eks.amazonaws.com/rolearn is not a key that Lanyard knows; did you mean eks.amazonaws.com/role-arn?"),
        Case(
            "another domain for EKS' key", ["eks.amazon.com/role-arn": role],
            "eks.amazon.com/role-arn is not a key that Lanyard knows; did you mean eks.amazonaws.com/role-arn?"),
        Case(
            "another domain for Lanyard's key", with(Fixture.aws, ["lanyard.io/aws-region": "us-east-1"]),
            "lanyard.io/aws-region is not a key that Lanyard knows; did you mean lanyard.dev/aws-region?"),
        Case(
            "a misspelt domain of Azure's key",
            [
                "azure.workload-identity/client-id": "11111111-2222-3333-4444-555555555555",
                "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            ],
            "azure.workload-identity/client-id is not a key that Lanyard knows; did you mean azure.workload.identity/client-id?"
        ),
        Case(
            "a client's id without its hyphens", on: .aks,
            with(Fixture.azure, ["azure.workload.identity/client-id": "11111111222233334444555555555555"]),
            "azure.workload.identity/client-id is \"11111111222233334444555555555555\"; did you mean \"11111111-2222-3333-4444-555555555555\"?"
        ),
        Case(
            "a client's id without its tenant's", on: .aks,
            ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"],
            "azure-openai: no usable mechanism on aks: azure-workload-identity needs azure.workload.identity/tenant-id (or set azure.tenantId)"
        ),
        Case(
            "a client's name in place of its id, and no tenant", on: .aks,
            ["azure.workload.identity/client-id": "llm-identity"],
            "azure.workload.identity/client-id is \"llm-identity\"; write a UUID, such as \"00000000-0000-0000-0000-000000000000\"",
            "azure-openai: no usable mechanism on aks: azure-workload-identity needs azure.workload.identity/tenant-id (or set azure.tenantId)"
        ),
        Case(
            "half of a provider's name", with(Fixture.aws, ["lanyard.dev/providers": "bedrock"]),
            "lanyard.dev/providers names \"bedrock\", which is not a provider; did you mean aws-bedrock?"),
        Case(
            "half of another's", on: .gke, ["lanyard.dev/providers": "vertex"],
            "lanyard.dev/providers names \"vertex\", which is not a provider; did you mean google-vertex?"),
        Case(
            "a model's name in place of the provider's", with(Fixture.anthropic, ["lanyard.dev/providers": "claude"]),
            "lanyard.dev/providers names \"claude\", which is not a provider; did you mean anthropic?"),
        Case(
            "a vendor's name in place of the provider's", on: .aks,
            with(Fixture.azure, ["lanyard.dev/providers": "azure"]),
            "lanyard.dev/providers names \"azure\", which is not a provider; did you mean azure-openai?"),
        Case(
            "a misspelt provider among others",
            with(with(Fixture.aws, Fixture.openAI), ["lanyard.dev/providers": "openai,aws-bedrok"]),
            "lanyard.dev/providers names \"aws-bedrok\", which is not a provider; did you mean aws-bedrock?"),
        Case(
            "a provider's name as an audience has it", [provider: "//iam.googleapis.com/\(pool)/prod"],
            "cloud.google.com/workload-identity-provider is \"//iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/clusters/provi…\": the name begins with projects/; did you mean \"projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod\"?"
        ),
        Case(
            "a provider's name as a URL", [provider: "https://iam.googleapis.com/\(pool)/prod"],
            "cloud.google.com/workload-identity-provider is \"https://iam.googleapis.com/projects/123456789/locations/global/workloadIdentityPools/clusters…\": the name begins with projects/; did you mean \"projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod\"?"
        ),
        Case(
            "a provider's id in capitals", [provider: "\(pool)/Prod"],
            "cloud.google.com/workload-identity-provider is \"projects/123456789/locations/global/workloadIdentityPools/clusters/providers/Prod\": the provider's id \"Prod\" has other characters than a-z, 0-9 and \"-\"; did you mean \"projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod\"?"
        ),
        Case(
            "GKE's key on EKS", ["iam.gke.io/gcp-service-account": "llm@proj.iam.gserviceaccount.com"],
            "google-vertex: no usable mechanism on eks: iam.gke.io/gcp-service-account works on gke only; gcp-workload-identity-federation needs cloud.google.com/workload-identity-provider"
        ),
        Case(
            "IBM's key on EKS", Fixture.ibm,
            "ibm-watsonx: no usable mechanism on eks: lanyard.dev/ibm-trusted-profile works on iks only; vault-agent needs lanyard.dev/vault-path.ibm-watsonx and lanyard.dev/vault-role (or set vault.role)"
        ),
        Case(
            "a service account of another domain", on: .gke,
            ["iam.gke.io/gcp-service-account": "llm@proj.iam.googleapis.com"],
            "iam.gke.io/gcp-service-account is \"llm@proj.iam.googleapis.com\": \"proj.iam.googleapis.com\" is not a domain of service accounts; did you mean \"llm@proj.iam.gserviceaccount.com\"?"
        ),
        Case(
            "a zone in place of Google's location", on: .gke,
            ["lanyard.dev/providers": "google-vertex", "lanyard.dev/gcp-location": "us-central1-a"],
            "lanyard.dev/gcp-location is \"us-central1-a\"; did you mean \"us-central1\"?"),
        Case(
            "a prefix in place of an id", with(Fixture.openAI, ["lanyard.dev/openai-identity-provider-id": "idp"]),
            "lanyard.dev/openai-identity-provider-id is \"idp\": nothing follows the prefix; write the id as OpenAI shows it, such as \"idp-123\""
        ),
        Case(
            "half of OpenAI's ids", ["lanyard.dev/openai-identity-provider-id": "idp-123"],
            "openai: no usable mechanism on eks: openai-federation needs lanyard.dev/openai-service-account-id"),
        Case(
            "an id without its prefix", with(Fixture.anthropic, ["lanyard.dev/anthropic-federation-rule-id": "01abc"]),
            "lanyard.dev/anthropic-federation-rule-id is \"01abc\"; write an id that begins with \"fdrl_\""),
        Case(
            "a literal in capitals", with(Fixture.anthropic, ["lanyard.dev/anthropic-workspace-id": "Default"]),
            "lanyard.dev/anthropic-workspace-id is \"Default\"; did you mean \"default\"?"),
        Case(
            "a duration in place of seconds", with(Fixture.aws, ["lanyard.dev/token-expiration": "1h"]),
            "lanyard.dev/token-expiration is \"1h\"; did you mean \"3600\"?"),
        Case(
            "yes in place of true", with(Fixture.aws, ["eks.amazonaws.com/sts-regional-endpoints": "yes"]),
            "eks.amazonaws.com/sts-regional-endpoints is \"yes\"; did you mean \"true\"?"),
        Case(
            "a misspelt mechanism", with(Fixture.aws, ["lanyard.dev/mechanism.aws-bedrock": "irssa"]),
            "lanyard.dev/mechanism.aws-bedrock is \"irssa\"; did you mean \"irsa\"?"),
        Case(
            "a mechanism of another platform", on: .gke,
            with(Fixture.aws, ["lanyard.dev/mechanism.aws-bedrock": "irsa"]),
            "lanyard.dev/mechanism.aws-bedrock is \"irsa\", which does not serve aws-bedrock on gke; write one of \"aws-web-identity\", \"vault-agent\", \"vault-csi\", \"external-secret\""
        ),
        Case(
            "a misspelt delivery", with(stored, ["lanyard.dev/secret-delivery": "vault-agnet"]),
            "lanyard.dev/secret-delivery is \"vault-agnet\"; did you mean \"vault-agent\"?"),
        Case(
            "a path that begins with a slash",
            with(stored, ["lanyard.dev/vault-path.openai": "/secret/data/ai/openai"]),
            "lanyard.dev/vault-path.openai is \"/secret/data/ai/openai\"; did you mean \"secret/data/ai/openai\"?"),
        Case(
            "a path and no role", ["lanyard.dev/vault-path.openai": "secret/data/ai/openai"],
            "openai: no usable mechanism on eks: vault-agent needs lanyard.dev/vault-role (or set vault.role)"),
        Case(
            "a key for pods on the ServiceAccount", with(Fixture.aws, ["eks.amazonaws.com/skip-containers": "proxy"]),
            "eks.amazonaws.com/skip-containers has no effect here; put it on the pod (in a workload: spec.template.metadata.annotations)"
        ),
        Case(
            "a key for the ServiceAccount on the pod", [:], pod: Fixture.aws,
            "the pod: eks.amazonaws.com/role-arn has no effect here; put it on ServiceAccount ai/llm"),
        Case(
            "an availability domain in place of a region", on: .oke,
            ["lanyard.dev/providers": "oracle-genai", "lanyard.dev/oci-region": "us-chicago-1-ad-1"],
            "lanyard.dev/oci-region is \"us-chicago-1-ad-1\"; did you mean \"us-chicago-1\"?"),
        Case(
            "a provider without the region that it needs", on: .oke, ["lanyard.dev/providers": "oracle-genai"],
            "oracle-genai: no usable mechanism on oke: oke-workload-identity needs lanyard.dev/oci-region; vault-agent needs lanyard.dev/vault-path.oracle-genai and lanyard.dev/vault-role (or set vault.role)"
        ),
        Case(
            "semicolons between roles", ["lanyard.dev/aws-role-arns": "app=\(role);worker=\(role)-2"],
            "lanyard.dev/aws-role-arns is \"app=arn:aws:iam::111122223333:role/bedrock;worker=arn:aws:iam::111122223333:role/bedrock-2\"; did you mean \"app=arn:aws:iam::111122223333:role/bedrock,worker=arn:aws:iam::111122223333:role/bedrock-2\"?"
        ),
        Case(
            "a role that calls no model", on: .ack, with(Fixture.alibaba, ["lanyard.dev/vault-role": "llm"]),
            "alibaba-modelstudio: alibaba-rrsa reaches the platform's APIs but no model; add lanyard.dev/vault-path.alibaba-modelstudio"
        ),
    ]

    @Test("each mistake is one message, and what it says is enough to put it right", arguments: cases)
    func areFixedByWhatIsPrinted(wrong: Case) throws {
        let plan = Self.plan(wrong.account, wrong.pod, on: wrong.platform)
        let problems = plan.problems.filter { !Self.notes.contains($0.reason) }
        #expect(problems.map(\.message) == wrong.messages)

        var reader = Reader(account: wrong.account, pod: wrong.pod)
        for problem in problems { try reader.follow(problem) }
        let fixed = Self.plan(reader.account, reader.pod, on: wrong.platform)
        #expect(fixed.problems.filter { !Self.notes.contains($0.reason) }.map(\.message) == [])
        #expect(!fixed.bindings.isEmpty && fixed.bindings.allSatisfy(\.isReady))
    }

    @Test(
        "no message repeats the name of the object that it stands on, or goes on for longer than anybody reads",
        arguments: cases)
    func areBrief(wrong: Case) {
        for message in wrong.messages {
            #expect(!message.contains("ServiceAccount ai/llm:"))
            #expect(message.count <= 400)
        }
    }

    @Test("there are as many as were promised")
    func areEnough() { #expect(Self.cases.count >= 35) }

    private static func plan(_ account: [String: String], _ pod: [String: String], on platform: Platform) -> Plan {
        Fixture.plan(account, on: platform, pod: PodContext(annotations: pod))
    }

    /// What is said of a mechanism whenever it is used.
    private static let notes: Set<Problem.Reason> = [
        .applicationMustPass, .applicationMustSource, .singleUseToken, .clusterMustBeEnhanced, .issuerUnverified,
        .roleNotReadByAllSDKs,
    ]
}

/// Somebody who knows their own accounts, and nothing of Lanyard but what it prints.
private struct Reader {
    var account: [String: String]
    var pod: [String: String]

    /// What people know of what is theirs.
    private static let known = [
        "azure.workload.identity/tenant-id": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "cloud.google.com/workload-identity-provider":
            "projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod",
        "lanyard.dev/openai-service-account-id": "sa-456",
        "lanyard.dev/vault-path.ibm-watsonx": "secret/data/ai/watsonx", "lanyard.dev/vault-role": "llm",
        "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/ai/dashscope",
        "lanyard.dev/oci-region": "us-chicago-1",
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock",
    ]

    mutating func follow(_ problem: Problem) throws {
        let message = problem.message
        let isOnPod = message.hasPrefix("the pod: ")
        if message.contains("put it on ") {
            let field = try #require(problem.field)
            if isOnPod {
                account[field] = pod.removeValue(forKey: field)
            } else {
                pod[field] = account.removeValue(forKey: field)
            }
        } else if let meant = message.between("did you mean ", "?") {
            let field = try #require(problem.field)
            if let value = meant.between("\"", "\"") {
                account[field] = value
            } else if let name = message.between("names \"", "\"") {
                let list = try #require(account[field])
                account[field] = list.split(separator: ",").map { $0 == name ? meant : String($0) }.joined(
                    separator: ",")
            } else {
                account[meant] = account.removeValue(forKey: field)
            }
        } else if let prefix = message.between("write an id that begins with \"", "\"") {
            let field = try #require(problem.field)
            account[field] = prefix + (account[field] ?? "")
        } else if let example = message.between("such as \"", "\"") ?? message.between("; write one of \"", "\"") {
            account[try #require(problem.field)] = example
        } else if let example = message.split(separator: ", such as ").dropFirst().last {
            account[try #require(problem.field)] = String(example)
        } else {
            // "KEY works on PLATFORM only; MECHANISM needs KEY and KEY"
            if let useless = message.split(separator: " ").firstIndex(of: "works").map({
                message.split(separator: " ")[$0 - 1]
            }) {
                account[String(useless)] = nil
            }
            let way = message.split(separator: "; ").first { $0.contains(" needs ") } ?? message[...]
            let words = way.split { " ();,:".contains($0) }.map(String.init)
            let needed = Self.known.keys.filter { words.contains($0) && account[$0] == nil }
            try #require(!needed.isEmpty, "\(message)")
            for key in needed { account[key] = Self.known[key] }
        }
    }
}

extension String {
    /// The text after one and before the next other.
    fileprivate func between(_ start: String, _ end: String) -> String? {
        guard let from = indices.first(where: { self[$0...].hasPrefix(start) }) else { return nil }
        let rest = self[from...].dropFirst(start.count)
        guard let to = rest.indices.first(where: { rest[$0...].hasPrefix(end) }) else { return nil }
        return String(rest[..<to])
    }
}
