internal import KubernetesModel
internal import WorkloadIdentity

/// Whose trust is tried.
enum VerificationTarget: Hashable {
    case serviceAccount(Subject)
    /// The ServiceAccount of its pods, with what their own annotations say.
    case workload(WorkloadKind, ObjectKey)
    /// All ServiceAccounts of a namespace that ask for a provider; `nil`: of the cluster.
    case all(in: String?)

    /// - Parameters:
    ///   - word: `NS/NAME` or `NAME` of a ServiceAccount; with a namespace, `KIND/NAME` too.
    ///   - namespace: what `-n` says.
    ///   - defaultNamespace: of a name without any.
    init(
        _ word: String?, namespace: String?, isForAll: Bool, defaultNamespace: String
    ) throws(UsageProblem) {
        if isForAll {
            guard word == nil, namespace == nil else {
                throw UsageProblem("--all-namespaces is for every ServiceAccount: leave the name and -n out")
            }
            self = .all(in: nil)
            return
        }
        guard let word else {
            guard let namespace else {
                throw UsageProblem("say which ServiceAccount is meant, as NS/NAME, or all of them with -n NS or -A")
            }
            guard DNSName.isLabel(namespace) else {
                throw UsageProblem("\"\(namespace)\" is not usable as a namespace's name")
            }
            self = .all(in: namespace)
            return
        }
        let argument = try ObjectArgument(word, namespace: namespace)
        switch argument.kind {
        case .workload(let kind): self = .workload(kind, argument.key(in: defaultNamespace))
        case .serviceAccount:
            self = .serviceAccount(
                Subject(namespace: argument.namespace ?? defaultNamespace, serviceAccount: argument.name))
        }
    }
}
