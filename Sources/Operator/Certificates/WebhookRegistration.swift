public import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// The MutatingWebhookConfiguration: which pods the API server shows to us, and what happens if it cannot.
///
/// The manifests and the chart hold the same; a test compares them.
public struct WebhookRegistration: Sendable {
    /// Sorts behind `azure-wi-…`, `ack-…` and `pod-identity-webhook`, and before `vault-agent-injector-cfg`: configurations
    /// are called in the order of their names.
    public static let name = "pod-injector.lanyard.dev"

    /// The names of the entries, the strict one first.
    public static let entries = ["required.pod-injector.lanyard.dev", name]

    public static let path = "/mutate"

    /// How the API server finds the webhook.
    public enum Target: Sendable {
        case service(namespace: String)
        /// A base, to which the path is appended.
        case url(String)

        fileprivate var json: JSONValue {
            switch self {
            case .service(let namespace):
                [
                    "service": [
                        "namespace": .string(namespace), "name": .string(WebhookRegistration.serviceName),
                        "path": .string(WebhookRegistration.path), "port": 443,
                    ]
                ]
            case .url(let base):
                ["url": .string((base.hasSuffix("/") ? String(base.dropLast()) : base) + WebhookRegistration.path)]
            }
        }
    }

    public static let serviceName = "lanyard-webhook"

    private let target: Target

    public init(target: Target) {
        self.target = target
    }

    /// The whole object, but for `apiVersion`, `kind` and name.
    ///
    /// - Parameter caBundle: PEM in base64; `nil` leaves it to the operator to fill in.
    public func json(caBundle: String?) -> JSONValue {
        var clientConfig = target.json
        clientConfig["caBundle"] = caBundle.map { .string($0) }
        let strict: JSONValue = ["matchLabels": .object([Plan.injectKey: "required"])]
        let lenient: JSONValue = [
            "matchExpressions": [
                ["key": .string(Plan.injectKey), "operator": "NotIn", "values": ["required", "false"]]
            ]
        ]
        return [
            "webhooks": [
                entry(Self.entries[0], objects: strict, failurePolicy: "Fail", clientConfig),
                entry(Self.entries[1], objects: lenient, failurePolicy: "Ignore", clientConfig),
            ]
        ]
    }

    private func entry(
        _ name: String, objects: JSONValue, failurePolicy: String, _ clientConfig: JSONValue
    ) -> JSONValue {
        [
            "name": .string(name),
            "clientConfig": clientConfig,
            "rules": [
                [
                    "apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"],
                    "scope": "Namespaced",
                ]
            ],
            "namespaceSelector": [
                "matchExpressions": [
                    ["key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]],
                    ["key": .string(Plan.injectKey), "operator": "NotIn", "values": ["false"]],
                ]
            ],
            "objectSelector": objects,
            "failurePolicy": .string(failurePolicy),
            "reinvocationPolicy": "IfNeeded",
            "matchPolicy": "Equivalent",
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "admissionReviewVersions": ["v1"],
        ]
    }
}
