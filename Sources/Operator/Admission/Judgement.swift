internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// What is wrong with an object, seen together with its ServiceAccount and its Namespace.
struct Judgement {
    private(set) var findings: [Finding] = []

    /// Whether all is known that the findings depend on.
    private(set) var isConclusive = true

    private let object: JudgedObject
    /// Whether the object, or its ServiceAccount, asks for a provider and is not to be left alone.
    private var asksForProvider = false
    private let planner: Planner
    private let namespaceLabels: [String: String]

    /// - Parameters:
    ///   - account: the ServiceAccount of a workload; `nil` if there is none.
    ///   - namespaceLabels: those of the object's namespace.
    init(of object: JudgedObject, account: ServiceAccount?, namespaceLabels: [String: String], planner: Planner) {
        self.object = object
        self.planner = planner
        self.namespaceLabels = namespaceLabels
        switch object.content {
        case .serviceAccount(let account): judge(account)
        case .workload(let kind, let pod): judge(kind, pod, account)
        }
    }

    var subject: Subject { object.subject }

    /// Whether the object has anything to do with Lanyard.
    var isOfInterest: Bool { asksForProvider || !findings.isEmpty }

    var errors: [Finding] { findings.filter { $0.problem.severity == .error } }

    /// The errors that were not there before.
    func errors(since earlier: Judgement) -> [Finding] {
        var known = Dictionary(earlier.errors.map { ($0.problem.identity, 1) }, uniquingKeysWith: +)
        return errors.filter { finding in
            guard let count = known[finding.problem.identity], count > 0 else { return true }
            known[finding.problem.identity] = count - 1
            return false
        }
    }

    // MARK: ServiceAccounts

    private mutating func judge(_ account: ServiceAccount) {
        let plan = plan(account, PodContext(of: account))
        guard plan.exemption == nil else { return }
        asksForProvider = !plan.bindings.isEmpty
        add(plan.problems, of: "\(object)")
    }

    // MARK: Workloads

    private mutating func judge(_ kind: WorkloadKind, _ pod: PodManifest, _ account: ServiceAccount?) {
        let context = PodContext(pod: pod, serviceAccountMounts: account?.automountServiceAccountToken)
        let plan = plan(account, context)
        let injection = Injection(of: plan, into: pod, at: kind.podPointer)
        let unmet = UnmetRequirement(of: context, plan: plan, injection: injection)
        guard plan.exemption == nil else {
            // Left alone on purpose, and so are its problems; but its pods will not start.
            if let unmet { add([unmet.problem(.warning)], of: "\(object)") }
            return
        }
        asksForProvider = !plan.bindings.isEmpty
        // The ServiceAccount named `default` comes with its namespace, only a little later.
        if account == nil, object.subject.serviceAccount != "default" {
            isConclusive = false
            let bindings = plan.bindings.flatMap(\.problems)
            add([.absent(object.subject)] + plan.problems.filter { !bindings.contains($0) }, of: "\(object)")
        } else {
            addProblems(of: plan, account)
            add(injection.problems, of: "\(object)")
            if let unmet, !unmet.isAmongErrors { add([unmet.problem(.error)], of: "\(object)") }
        }
        let misplaced = WorkloadMetadata.problems(
            of: kind.rawValue, annotations: object.annotations, labels: object.labels, subject: object.subject,
            configuration: planner.configuration)
        add(misplaced, of: "\(object)")
    }

    /// The plan's problems: all of the workload's own, and those of the ServiceAccount that decide what the pods get. A key
    /// that is misspelt there is the ServiceAccount's to tell.
    private mutating func addProblems(of plan: Plan, _ account: ServiceAccount?) {
        let inherited = Set(account.map { self.plan($0, PodContext(of: $0)).problems } ?? [])
        let ofBindings = Set(plan.bindings.flatMap(\.problems))
        add(plan.problems.filter { !inherited.contains($0) }, of: "\(object)")
        add(
            plan.problems.filter { problem in
                inherited.contains(problem) && (problem.severity == .error || ofBindings.contains(problem))
            }, of: "\(object.subject)")
    }

    private func plan(_ account: ServiceAccount?, _ pod: PodContext) -> Plan {
        planner.plan(for: object.subject, account, pod: pod, namespaceLabels: namespaceLabels)
    }

    private mutating func add(_ problems: [Problem], of object: String) {
        findings += problems.map { Finding(object: object, problem: $0) }
    }
}

extension PodContext {
    /// A pod that adds nothing to its ServiceAccount.
    fileprivate init(of account: ServiceAccount) {
        self.init(mountsServiceAccountToken: account.automountServiceAccountToken ?? true)
    }
}

extension Problem {
    /// What makes an error the same one after an update: what is said of a key and its value; or, where a provider has no
    /// way, that it has none, whatever has come nearer since.
    fileprivate var identity: [String] {
        let hasNoWay = reason == .noMechanism || reason == .modelNotReachable
        return [reason.rawValue, provider?.rawValue ?? "", hasNoWay ? "" : message]
    }

    fileprivate static func absent(_ subject: Subject) -> Problem {
        .warning(
            .serviceAccountNotFound, "\(subject) does not exist yet, so its annotations are not known; create it")
    }
}
