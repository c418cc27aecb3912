package import JSON

/// Makes up what people might apply: a Namespace, its ServiceAccounts, and a workload or a pod. Much of it is wrong.
package enum ManifestGenerator {
    package struct Sample {
        package var namespace: JSONValue
        package var accounts: [JSONValue]
        package var workload: JSONValue
        package var pod: JSONValue
    }

    /// - Parameter kind: of the workload, with the path to its template.
    package static func sample(
        of kind: (apiVersion: String, name: String, podPath: [String]), using numbers: inout RandomNumbers
    ) -> Sample {
        var pod = PodGenerator.pod(using: &numbers)
        decorate(&pod, using: &numbers)
        let names = ["llm", "llm", "llm", "default", "absent"]
        pod["spec"]?["serviceAccountName"] = .string(names.randomElement(using: &numbers) ?? "llm")
        if numbers.chance(5) { pod["spec"]?["serviceAccountName"] = nil }
        pod["metadata"]?["namespace"] = "ai"

        var template = pod
        template["apiVersion"] = nil
        template["kind"] = nil
        template["metadata"]?["name"] = nil
        template["metadata"]?["namespace"] = nil
        var workload = kind.podPath.reversed().reduce(template) { inner, step in [step: inner] }
        workload["apiVersion"] = .string(kind.apiVersion)
        workload["kind"] = .string(kind.name)
        workload["metadata"] = metadata(
            "app", in: "ai", annotations: workloadKeys(using: &numbers), labels: policy(using: &numbers))

        var accounts = [account("llm", using: &numbers)]
        if numbers.chance(50) { accounts.append(account("default", using: &numbers)) }
        return Sample(namespace: namespace(using: &numbers), accounts: accounts, workload: workload, pod: pod)
    }

    // MARK: Parts

    private static let misspelt = [
        "lanyard.dev/aws-regoin", "lanyard.dev/provider", "lanyard.dev/x", "azure.workload.identity/client_id",
        "eks.amazonaws.com/rolearn",
    ]
    private static let wrongValues = [
        "", "x", "yes", "-1", "99999999", "a b", "bedrock", "é", "secret/data/../x", "opnai,aws-bedrock",
    ]
    private static let moreKeys = [
        ("lanyard.dev/providers", "aws-bedrock,openai"), ("lanyard.dev/providers", "opnai"),
        ("lanyard.dev/providers", "oracle-genai,ibm-watsonx,alibaba-modelstudio"),
        ("lanyard.dev/mechanism.openai", "vault-csi"), ("lanyard.dev/mechanism.aws-bedrock", "irsa"),
        ("lanyard.dev/token-expiration", "60"), ("lanyard.dev/skip-containers", "logger,nobody"),
        ("lanyard.dev/aws-assume-role-arn", "arn:aws:iam::444455556666:role/second"),
        ("lanyard.dev/oci-region", "us-chicago-1"), ("lanyard.dev/ibm-trusted-profile", "llm"),
        ("iam.gke.io/gcp-service-account", "llm@project-1.iam.gserviceaccount.com"),
    ]

    /// Of a ServiceAccount or a pod.
    private static func keys(using numbers: inout RandomNumbers) -> [String: String] {
        var keys = numbers.chance(80) ? PodGenerator.annotations(using: &numbers) : [:]
        for (name, value) in numbers.pick(moreKeys, upTo: 3) { keys[name] = value }
        for name in numbers.pick(misspelt, upTo: 2) where numbers.chance(40) { keys[name] = "x" }
        for name in keys.keys.sorted() where numbers.chance(12) {
            keys[name] = wrongValues.randomElement(using: &numbers)
        }
        if numbers.chance(8) { keys["lanyard.dev/inject"] = ["false", "true", "no"].randomElement(using: &numbers) }
        return keys
    }

    private static func account(_ name: String, using numbers: inout RandomNumbers) -> JSONValue {
        var account: JSONValue = ["apiVersion": "v1", "kind": "ServiceAccount"]
        account["metadata"] = metadata(name, in: "ai", annotations: keys(using: &numbers), labels: [:])
        if numbers.chance(20) { account["automountServiceAccountToken"] = .bool(numbers.chance(50)) }
        return account
    }

    private static func namespace(using numbers: inout RandomNumbers) -> JSONValue {
        var labels = policy(using: &numbers)
        if numbers.chance(10) { labels["lanyard.dev/inject"] = ["false", "true", "no"].randomElement(using: &numbers) }
        if numbers.chance(8) { labels["lanyard.dev/inejct"] = "false" }
        var annotations: [String: String] = [:]
        if numbers.chance(8) { annotations["lanyard.dev/policy"] = "enforce" }
        if numbers.chance(8) { annotations["lanyard.dev/inject"] = "false" }
        return [
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": metadata("ai", in: nil, annotations: annotations, labels: labels),
        ]
    }

    private static func policy(using numbers: inout RandomNumbers) -> [String: String] {
        guard numbers.chance(30) else { return [:] }
        return ["lanyard.dev/policy": numbers.chance(70) ? "enforce" : "enforced"]
    }

    private static func workloadKeys(using numbers: inout RandomNumbers) -> [String: String] {
        var keys = numbers.chance(30) ? keys(using: &numbers) : [:]
        if numbers.chance(10) { keys["lanyard.dev/policy"] = "strict" }
        return keys
    }

    /// Labels and annotations of a pod.
    private static func decorate(_ pod: inout JSONValue, using numbers: inout RandomNumbers) {
        var labels: [String: String] = [:]
        if numbers.chance(30) { labels["lanyard.dev/inject"] = "required" }
        if numbers.chance(8) { labels["lanyard.dev/inject"] = ["false", "true", "no"].randomElement(using: &numbers) }
        if numbers.chance(10) { labels["azure.workload.identity/use"] = "true" }
        if numbers.chance(5) { labels["lanyard.dev/requird"] = "true" }
        if !labels.isEmpty { pod["metadata"]?["labels"] = .object(JSONObject(labels)) }
        guard numbers.chance(40) else { return }
        pod["metadata"]?["annotations"] = .object(JSONObject(keys(using: &numbers)))
    }

    private static func metadata(
        _ name: String, in namespace: String?, annotations: [String: String], labels: [String: String]
    ) -> JSONValue {
        var metadata: JSONValue = ["name": .string(name)]
        metadata["namespace"] = namespace.map { .string($0) }
        if !annotations.isEmpty { metadata["annotations"] = .object(JSONObject(annotations)) }
        if !labels.isEmpty { metadata["labels"] = .object(JSONObject(labels)) }
        return metadata
    }
}
