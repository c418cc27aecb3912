import JSON

/// The objects of a large cluster: those that Lanyard's controllers follow. There is as much of them as there are namespaces.
struct ClusterObjects {
    static let serviceAccountsPerNamespace = 50
    static let deploymentsPerNamespace = 20
    static let podsPerNamespace = 200
    /// In bytes, about: what pods have in large clusters.
    static let podSize = 12_000

    static func namespace(_ index: Int) -> String { "bench-\(index)" }

    static func namespaceList(_ indices: Range<Int>) -> JSONValue {
        list(
            indices.map {
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(namespace($0))]]
            })
    }

    /// All of one namespace. One ServiceAccount in ten asks for something.
    static func objects(inNamespace index: Int) -> JSONValue {
        let namespace = JSONValue.string(namespace(index))
        let accounts: [JSONValue] = (0..<serviceAccountsPerNamespace).map { account in
            var metadata: JSONValue = ["name": "account-\(account)", "namespace": namespace]
            if account % 10 == 0 {
                metadata["annotations"] = [
                    "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bench-\(account)",
                    "lanyard.dev/aws-region": "eu-central-1",
                ]
            }
            return ["apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata]
        }
        let deployments: [JSONValue] = (0..<deploymentsPerNamespace).map { deployment in
            let labels: JSONValue = ["app": "app-\(deployment)"]
            return [
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": ["name": "app-\(deployment)", "namespace": namespace, "labels": labels],
                "spec": [
                    // Its pods are made here, as the sizes of real ones.
                    "replicas": 0, "selector": ["matchLabels": labels],
                    "template": ["metadata": ["labels": labels], "spec": spec(deployment, size: 1_000)],
                ],
            ]
        }
        let pods: [JSONValue] = (0..<podsPerNamespace).map { pod in
            [
                "apiVersion": "v1", "kind": "Pod",
                "metadata": [
                    "name": "app-\(pod % deploymentsPerNamespace)-\(pod)", "namespace": namespace,
                    "labels": ["app": "app-\(pod % deploymentsPerNamespace)", "pod-template-hash": "6d4cf56db6"],
                ],
                "spec": spec(pod, size: podSize),
            ]
        }
        return list(accounts + deployments + pods)
    }

    private static func spec(_ index: Int, size: Int) -> JSONValue {
        let line = #"{"retries": 3, "timeout": "30s", "pool": {"size": 16, "idle": "5m"}, "hosts": ["a", "b", "c"]}"#
        let variables: [JSONValue] = (0..<(size / 150)).map { ["name": "SETTINGS_\($0)", "value": .string(line)] }
        return [
            "serviceAccountName": "account-\(index % serviceAccountsPerNamespace)",
            "containers": [["name": "app", "image": "images.example/app:1.24.0", "env": .array(variables)]],
        ]
    }

    private static func list(_ items: [JSONValue]) -> JSONValue {
        ["apiVersion": "v1", "kind": "List", "items": .array(items)]
    }
}
