/// Manifests of the tests.
enum Manifest {
    static let role = "arn:aws:iam::111122223333:role/bedrock"
    static let alibabaRole = "acs:ram::1234567890123456:role/llm"
    static let alibabaProvider = "acs:ram::1234567890123456:oidc-provider/ack-rrsa-c1"
    static let azureClient = "11111111-2222-3333-4444-555555555555"
    static let azureTenant = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"

    static func serviceAccount(_ name: String = "llm", in namespace: String, _ annotations: [String: String]) -> String
    {
        let annotations = annotations.sorted { $0.key < $1.key }.map { "    \($0.key): \"\($0.value)\"" }
        return """
            apiVersion: v1
            kind: ServiceAccount
            metadata:
              name: \(name)
              namespace: \(namespace)
              annotations:
            \(annotations.joined(separator: "\n"))
            ---

            """
    }

    static func bedrock(in namespace: String) -> String {
        serviceAccount(in: namespace, ["eks.amazonaws.com/role-arn": role, "lanyard.dev/aws-region": "eu-central-1"])
    }

    static func deployment(_ name: String = "app", in namespace: String, replicas: Int = 1) -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: \(name), namespace: \(namespace)}
        spec:
          replicas: \(replicas)
          selector: {matchLabels: {app: \(name)}}
          template:
            metadata: {labels: {app: \(name)}}
            spec:
              serviceAccountName: llm
              containers: [{name: app, image: "app:1"}]
        ---

        """
    }

    static func pod(
        _ name: String = "pod", in namespace: String, labels: [String: String] = [:],
        annotations: [String: String] = [:],
        spec: String = "containers: [{name: app, image: \"app:1\"}]"
    ) -> String {
        func map(_ strings: [String: String]) -> String {
            "{" + strings.map { "\($0.key): \"\($0.value)\"" }.joined(separator: ", ") + "}"
        }
        return """
            apiVersion: v1
            kind: Pod
            metadata: {name: \(name), namespace: \(namespace), labels: \(map(labels)), annotations: \(map(annotations))}
            spec:
              serviceAccountName: llm
              \(spec)
            ---

            """
    }
}
