public import JSON
public import KubernetesModel
internal import WorkloadIdentity

/// An object by which the API server knows a webhook of ours: what it shows to us, and what happens if it cannot.
///
/// The manifests and the chart hold the same; a test compares them.
public struct WebhookRegistration: Sendable {
    public enum Kind: Hashable, Sendable {
        /// A MutatingWebhookConfiguration.
        case mutating
        /// A ValidatingWebhookConfiguration.
        case validating

        public var resourceType: ResourceType {
            switch self {
            case .mutating: MutatingWebhookConfiguration.resourceType
            case .validating: ValidatingWebhookConfiguration.resourceType
            }
        }
    }

    /// How the API server finds the webhooks.
    public enum Target: Sendable {
        case service(namespace: String)
        /// A base, to which each webhook's path is appended.
        case url(String)

        fileprivate func clientConfiguration(path: String) -> JSONValue {
            switch self {
            case .service(let namespace):
                [
                    "service": [
                        "namespace": .string(namespace), "name": .string(WebhookRegistration.serviceName),
                        "path": .string(path), "port": 443,
                    ]
                ]
            case .url(let base):
                ["url": .string((base.hasSuffix("/") ? String(base.dropLast()) : base) + path)]
            }
        }
    }

    public static let serviceName = "lanyard-webhook"

    public let kind: Kind
    /// The object's name.
    public let name: String
    /// Where reviews are sent.
    public let path: String
    private let entries: [Entry]

    init(_ kind: Kind, name: String, path: String, entries: [Entry]) {
        self.kind = kind
        self.name = name
        self.path = path
        self.entries = entries
    }

    /// The whole object, but for `apiVersion`, `kind` and name.
    ///
    /// - Parameter caBundle: PEM in base64; `nil` leaves it to the operator to fill in.
    public func json(target: Target, caBundle: String?) -> JSONValue {
        var clientConfiguration = target.clientConfiguration(path: path)
        clientConfiguration["caBundle"] = caBundle.map { .string($0) }
        return ["webhooks": .array(entries.map { json(of: $0, clientConfiguration) })]
    }

    private func json(of entry: Entry, _ clientConfiguration: JSONValue) -> JSONValue {
        var json: JSONValue = [
            "name": .string(entry.name),
            "clientConfig": clientConfiguration,
            "rules": .array(entry.rules.map(\.json)),
            "namespaceSelector": [
                "matchExpressions": [
                    ["key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system"]],
                    ["key": .string(Plan.injectKey), "operator": "NotIn", "values": ["false"]],
                ]
            ],
            "failurePolicy": .string(entry.failurePolicy.rawValue),
            "matchPolicy": "Equivalent",
            "sideEffects": "None",
            "timeoutSeconds": 5,
            "admissionReviewVersions": ["v1"],
        ]
        json["objectSelector"] = entry.objectSelector
        if kind == .mutating { json["reinvocationPolicy"] = "IfNeeded" }
        return json
    }
}

extension WebhookRegistration {
    /// Some objects, and what becomes of them while the webhook cannot be reached.
    struct Entry: Sendable {
        enum FailurePolicy: String, Sendable {
            /// They are refused.
            case fail = "Fail"
            /// They go ahead.
            case ignore = "Ignore"
        }

        var name: String
        var rules: [Rule]
        /// By their labels; `nil` for all of them.
        var objectSelector: JSONValue?
        var failurePolicy: FailurePolicy
    }

    /// Operations on some namespaced resources of one API group.
    struct Rule: Sendable {
        var group: String
        var versions: [String]
        var resources: [String]
        var operations: [String]

        fileprivate var json: JSONValue {
            func strings(_ values: [String]) -> JSONValue { .array(values.map { .string($0) }) }
            return [
                "apiGroups": [.string(group)], "apiVersions": strings(versions), "operations": strings(operations),
                "resources": strings(resources), "scope": "Namespaced",
            ]
        }
    }
}
