internal import PodInjection

/// A kind of object that is judged when it is applied, by the names that the API server has for it.
///
/// Pods are not among them: they are judged as they are injected.
struct JudgedResource: Hashable, Sendable {
    enum Kind: Hashable, Sendable {
        case serviceAccount
        case workload(WorkloadKind)
    }

    let group: String
    /// All that any server from Kubernetes 1.20 on has. What matters stands in the same place in each.
    let versions: [String]
    /// As in paths and rules: lower case, plural.
    let name: String
    let kind: Kind

    private init(_ group: String, _ versions: [String], _ name: String, _ kind: Kind) {
        self.group = group
        self.versions = versions
        self.name = name
        self.kind = kind
    }

    static let all = [
        JudgedResource("", ["v1"], "serviceaccounts", .serviceAccount),
        JudgedResource("", ["v1"], "replicationcontrollers", .workload(.replicationController)),
        JudgedResource("apps", ["v1"], "deployments", .workload(.deployment)),
        JudgedResource("apps", ["v1"], "daemonsets", .workload(.daemonSet)),
        JudgedResource("apps", ["v1"], "statefulsets", .workload(.statefulSet)),
        JudgedResource("apps", ["v1"], "replicasets", .workload(.replicaSet)),
        // CronJob became batch/v1 in Kubernetes 1.21.
        JudgedResource("batch", ["v1", "v1beta1"], "jobs", .workload(.job)),
        JudgedResource("batch", ["v1", "v1beta1"], "cronjobs", .workload(.cronJob)),
    ]
}
