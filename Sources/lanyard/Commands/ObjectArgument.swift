internal import KubernetesModel
internal import WorkloadIdentity

/// The object that a command is about, as people write it: `KIND/NAME` with a namespace beside it; else `NS/NAME` or `NAME`
/// of a ServiceAccount.
struct ObjectArgument {
    enum Kind: Hashable {
        case serviceAccount
        case workload(WorkloadKind)

        /// - Parameter word: as kubectl takes it, also with its group as kubectl prints it: `deployment.apps`.
        init?(_ word: String) {
            let name = word.lowercased()
            let plain = name.prefix { $0 != "." }
            if ["sa", "serviceaccount", "serviceaccounts"].contains(plain) {
                self = .serviceAccount
                return
            }
            let kind = WorkloadKind.allCases.first { kind in
                let type = kind.resourceType
                let isOfGroup = plain == name || name.dropFirst(plain.count + 1) == type.group
                return isOfGroup && [kind.rawValue.lowercased(), type.plural, kind.shortName].contains(String(plain))
            }
            guard let kind else { return nil }
            self = .workload(kind)
        }

        var title: String {
            switch self {
            case .serviceAccount: "ServiceAccount"
            case .workload(let kind): kind.rawValue
            }
        }
    }

    let kind: Kind
    /// `nil` if none was written.
    let namespace: String?
    let name: String

    /// - Parameters:
    ///   - namespace: what `-n` says.
    ///   - isWorkload: whether the command is about nothing else, so that a kind is one without `-n`, too.
    init(_ text: String, namespace: String?, isWorkload: Bool = false) throws(UsageProblem) {
        if let slash = text.firstIndex(of: "/") {
            let place = String(text[..<slash])
            name = String(text[text.index(after: slash)...])
            if let kind = Kind(place), namespace != nil || isWorkload {
                (self.kind, self.namespace) = (kind, namespace)
            } else if isWorkload {
                throw Self.notAWorkload(text)
            } else {
                guard namespace ?? place == place else {
                    throw UsageProblem("-n \(namespace ?? "") and \(text) name two namespaces: write one of them")
                }
                (kind, self.namespace) = (.serviceAccount, place)
            }
        } else {
            (name, self.namespace) = (text, namespace)
            kind = isWorkload ? .workload(.pod) : .serviceAccount
        }
        if let namespace = self.namespace, !DNSName.isLabel(namespace) {
            throw UsageProblem(
                "\"\(namespace)\" is not usable as a namespace's name: write lower-case letters, digits and \"-\", 63 at most"
            )
        }
        guard DNSName.isSubdomain(name) else {
            throw UsageProblem(
                "\"\(name)\" is not usable as a \(kind.title)'s name: write lower-case letters, digits, \"-\" and \".\""
            )
        }
    }

    /// What is said of another object where only workloads are meant.
    static func notAWorkload(_ text: String) -> UsageProblem {
        UsageProblem("\(text): name a pod or a workload, such as pod/NAME or deployment/NAME, with -n NS")
    }

    /// The ServiceAccount that is named; `nil` if a workload is, of which only the cluster knows as whom it runs.
    func subject(in defaultNamespace: String) -> Subject? {
        guard kind == .serviceAccount else { return nil }
        return Subject(namespace: namespace ?? defaultNamespace, serviceAccount: name)
    }

    func key(in defaultNamespace: String) -> ObjectKey {
        ObjectKey(namespace: namespace ?? defaultNamespace, name: name)
    }
}

extension WorkloadKind {
    /// As `kubectl api-resources` has it; its own name for a kind that has none.
    fileprivate var shortName: String {
        switch self {
        case .pod: "po"
        case .replicationController: "rc"
        case .replicaSet: "rs"
        case .deployment: "deploy"
        case .daemonSet: "ds"
        case .statefulSet: "sts"
        case .job: "job"
        case .cronJob: "cj"
        }
    }
}
