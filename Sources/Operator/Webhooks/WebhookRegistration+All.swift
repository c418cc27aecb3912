internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

extension WebhookRegistration {
    public static let all = [podInjector, workloadValidator]

    /// Pods, as they are created, to be injected; and their ephemeral containers, as they are attached.
    ///
    /// The name sorts after `azure-wi-…`, `ack-…` and `pod-identity-webhook`, and before `vault-agent-injector-cfg`:
    /// mutating configurations are called in the order of their names.
    public static let podInjector = {
        let name = "pod-injector.lanyard.dev"
        let pods = Rule(group: "", versions: ["v1"], resources: ["pods"], operations: ["CREATE"])
        let attachments = Rule(
            group: "", versions: ["v1"], resources: ["pods/ephemeralcontainers"], operations: ["UPDATE"])
        return WebhookRegistration(
            .mutating, name: name, path: "/mutate",
            entries: [
                Entry(
                    name: "required.\(name)", rules: [pods],
                    objectSelector: ["matchLabels": .object([Plan.injectKey: "required"])], failurePolicy: .fail),
                Entry(
                    name: name, rules: [pods],
                    objectSelector: [
                        "matchExpressions": [
                            ["key": .string(Plan.injectKey), "operator": "NotIn", "values": ["required", "false"]]
                        ]
                    ],
                    failurePolicy: .ignore),
                // Never `Fail`: kubectl debug is for when something is away.
                Entry(
                    name: "ephemeral.\(name)", rules: [attachments],
                    objectSelector: [
                        "matchExpressions": [
                            ["key": .string(Plan.injectKey), "operator": "NotIn", "values": ["false"]]
                        ]
                    ],
                    failurePolicy: .ignore),
            ])
    }()

    /// ServiceAccounts and workloads, as they are applied, to be validated.
    ///
    /// `Ignore` in strict namespaces, too: with `Fail` no workload there could be scaled, rolled back or even deleted with
    /// finalizers while the webhook is away. What must not start without credentials is a pod, and can be labelled
    /// `required`.
    public static let workloadValidator = {
        let name = "workload-validator.lanyard.dev"
        var rules: [Rule] = []
        for resource in ValidatedResource.all {
            if let last = rules.indices.last, rules[last].group == resource.type.group {
                rules[last].resources.append(resource.type.plural)
            } else {
                rules.append(
                    Rule(
                        group: resource.type.group, versions: resource.versions, resources: [resource.type.plural],
                        operations: ["CREATE", "UPDATE"]))
            }
        }
        return WebhookRegistration(
            .validating, name: name, path: "/validate",
            entries: [Entry(name: name, rules: rules, objectSelector: nil, failurePolicy: .ignore)])
    }()
}
