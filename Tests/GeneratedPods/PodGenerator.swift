package import JSON

/// Numbers that look random and are the same every time (SplitMix64).
/// https://prng.di.unimi.it/splitmix64.c
package struct RandomNumbers: RandomNumberGenerator {
    private var state: UInt64

    package init(seed: UInt64) {
        state = seed
    }

    package mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var number = state
        number = (number ^ (number >> 30)) &* 0xBF58_476D_1CE4_E5B9
        number = (number ^ (number >> 27)) &* 0x94D0_49BB_1331_11EB
        return number ^ (number >> 31)
    }

    package mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &self) < percent }

    package mutating func pick<Element>(_ elements: [Element], upTo count: Int) -> ArraySlice<Element> {
        elements.shuffled(using: &self).prefix(Int.random(in: 0...count, using: &self))
    }
}

/// Makes up pods that a cluster might hold, and ServiceAccounts that might be theirs. Names and paths are those that
/// Lanyard cares about, so that they meet often.
package enum PodGenerator {
    private static let role = "arn:aws:iam::111122223333:role/first"

    private static let values: [(name: String, value: JSONValue)] = [
        ("AWS_ROLE_ARN", .string(role)), ("AWS_ROLE_ARN", "arn:other"), ("AWS_REGION", "eu-north-1"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/mine"), ("AWS_CONFIG_FILE", "/mine"), ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://169.254.170.23/v1/credentials"),
        ("AZURE_CLIENT_ID", "mine"), ("AZURE_FEDERATED_TOKEN_FILE", "/mine"), ("AZURE_CLIENT_SECRET", ""),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/mine"), ("GOOGLE_CLOUD_PROJECT", "mine"), ("OPENAI_API_KEY", "sk"),
        ("ANTHROPIC_ORGANIZATION_ID", "other"), ("PATH", "/bin"), ("DEBUG", "1"),
        // Where containers expect files: together, alone, above a mount, where they cannot be, nobody knows where.
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/tokens/aws"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/var/run/secrets/eks.amazonaws.com/serviceaccount/token"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/azure/tokens/azure-identity-token"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/run/secrets/tokens/aws"), ("AZURE_FEDERATED_TOKEN_FILE", ""),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/var/run/secrets/tokens/google.json"),
        ("GOOGLE_APPLICATION_CREDENTIALS", "/var/run/secrets/tokens/deeper/google.json"),
        ("ANTHROPIC_IDENTITY_TOKEN_FILE", "/run/secrets/mine/token"), ("AWS_CONFIG_FILE", "/run/secrets/tokens/config"),
        ("AZURE_FEDERATED_TOKEN_FILE", "/var/run/secrets/$(NAME)/token"),
    ]

    private static let keys: [(name: String, value: String)] = [
        ("eks.amazonaws.com/role-arn", role), ("eks.amazonaws.com/token-expiration", "600"),
        ("eks.amazonaws.com/sts-regional-endpoints", "true"),
        ("lanyard.dev/aws-role-arns", "app=\(role),proxy=arn:aws:iam::444455556666:role/b"),
        ("lanyard.dev/aws-assume-role-arn", "arn:aws:iam::444455556666:role/second"),
        ("lanyard.dev/aws-session-name-from-pod", "true"),
        ("lanyard.dev/mechanism.aws-bedrock", "eks-pod-identity"),
        ("azure.workload.identity/client-id", "11111111-2222-3333-4444-555555555555"),
        ("azure.workload.identity/tenant-id", "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"),
        (
            "cloud.google.com/workload-identity-provider",
            "projects/123/locations/global/workloadIdentityPools/clusters/providers/prod"
        ),
        ("cloud.google.com/service-account-email", "llm@proj.iam.gserviceaccount.com"),
        ("lanyard.dev/anthropic-federation-rule-id", "fdrl_01abc"),
        ("lanyard.dev/anthropic-organization-id", "99999999-8888-7777-6666-555555555555"),
        ("lanyard.dev/openai-identity-provider-id", "idp-123"), ("lanyard.dev/openai-service-account-id", "sa-456"),
        ("lanyard.dev/vault-path.openai", "secret/data/ai/openai"), ("lanyard.dev/vault-role", "llm"),
        ("lanyard.dev/vault-path.groq", "secret/data/ai/groq"), ("lanyard.dev/secret-delivery", "external-secret"),
        ("lanyard.dev/secret-delivery", "vault-csi"), ("lanyard.dev/aws-region", "us-east-1"),
        ("lanyard.dev/alibaba-role-arn", "acs:ram::1234567890123456:role/llm"),
        ("lanyard.dev/alibaba-oidc-provider-arn", "acs:ram::1234567890123456:oidc-provider/p"),
    ]

    package static func annotations(using numbers: inout RandomNumbers) -> [String: String] {
        Dictionary(numbers.pick(keys, upTo: keys.count).map { ($0.name, $0.value) }) { first, _ in first }
    }

    package static func pod(using numbers: inout RandomNumbers) -> JSONValue {
        var spec: JSONValue = [
            "serviceAccountName": "llm", "fieldOfTheFuture": ["deep": [1, true, .null, "ä\u{1F511}"]],
        ]
        if numbers.chance(30) { spec["os"] = ["name": "windows"] }
        let volumes = volumes(using: &numbers)
        if let volumes { spec["volumes"] = volumes }
        let hasVolumes = volumes?.array != nil
        if numbers.chance(40) {
            spec["initContainers"] = containers(["warm-up", "proxy"], mounts: hasVolumes, using: &numbers)
        }
        spec["containers"] = containers(["app", "worker", "logger"], mounts: hasVolumes, using: &numbers)
        var metadata: JSONValue = ["name": "a-pod"]
        if let annotations = podAnnotations(using: &numbers) { metadata["annotations"] = annotations }
        if numbers.chance(50) { metadata["labels"] = numbers.chance(30) ? .null : ["app": "x"] }
        return ["apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec]
    }

    private static func podAnnotations(using numbers: inout RandomNumbers) -> JSONValue? {
        let choices: [(name: String, value: String)] = [
            ("team", "x"), ("lanyard.dev/skip-containers", "logger"), ("eks.amazonaws.com/skip-containers", "worker"),
            ("lanyard.dev/include-containers", "app,worker"), ("lanyard.dev/plan", "stale"),
            ("lanyard.dev/google-vertex-credentials", "{}"), ("vault.hashicorp.com/role", "mine"),
            ("vault.hashicorp.com/agent-inject", "false"), ("vault.hashicorp.com/agent-inject-status", "injected"),
        ]
        if numbers.chance(30) { return numbers.chance(20) ? .null : nil }
        let chosen = numbers.pick(choices, upTo: 4)
        return .object(JSONObject(Dictionary(chosen.map { ($0.name, $0.value) }) { first, _ in first }))
    }

    private static func volumes(using numbers: inout RandomNumbers) -> JSONValue? {
        let token: JSONValue = [
            "projected": [
                "defaultMode": 420,
                "sources": [["serviceAccountToken": ["audience": "sts.amazonaws.com", "path": "token"]]],
            ]
        ]
        var mine: JSONValue = token
        mine["name"] = "aws-iam-token"
        let choices: [JSONValue] = [
            ["name": "data", "emptyDir": [:]], mine, ["name": "lanyard-openai", "emptyDir": [:]],
            ["name": "lanyard-azure-openai", "hostPath": ["path": "/x"]],
        ]
        if numbers.chance(30) { return numbers.chance(20) ? .null : nil }
        return .array([["name": "always", "emptyDir": [:]]] + numbers.pick(choices, upTo: 3))
    }

    private static func containers(
        _ names: [String], mounts: Bool, using numbers: inout RandomNumbers
    ) -> JSONValue {
        .array(
            names.prefix(Int.random(in: 1...names.count, using: &numbers)).map { name in
                var container: JSONValue = ["name": .string(name), "image": "image:1", "newField": [true]]
                if numbers.chance(60) {
                    var taken: Set<String> = []
                    let variables = numbers.pick(values, upTo: 5).filter { taken.insert($0.name).inserted }
                    container["env"] = .array(
                        variables.map { name, value in
                            numbers.chance(15)
                                ? ["name": .string(name), "valueFrom": ["secretKeyRef": ["name": "s", "key": "k"]]]
                                : ["name": .string(name), "value": value]
                        })
                }
                if numbers.chance(20) { container["env"] = .null }
                if mounts, numbers.chance(20) {
                    let paths = ["/var/run/secrets/mine", "/run/secrets/tokens/deeper", "/data"]
                    container["volumeMounts"] = .array(
                        numbers.pick(paths, upTo: 2).map { ["name": "always", "mountPath": .string($0)] })
                }
                if numbers.chance(20) { container["envFrom"] = [["configMapRef": ["name": "settings"]]] }
                if numbers.chance(30) { container["restartPolicy"] = "Always" }
                return container
            })
    }
}
