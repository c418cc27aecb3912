public import JSON
public import KubernetesModel
public import WorkloadIdentity

/// What is wrong with an object, seen together with its ServiceAccount and its Namespace; and what its pods get.
///
/// Admission, `lanyard check` and `lanyard inject` all say what this says.
public struct ObjectReview: Sendable {
    /// Whatever is wrong, with the object that has it: this one, its ServiceAccount or its Namespace.
    public private(set) var findings: [Finding] = []

    /// Whether all is known that the findings depend on.
    public private(set) var isConclusive = true

    /// Why errors are denied; `nil` if they are not.
    public private(set) var enforcement: String?

    /// Why nothing is injected, though a provider is asked for: because somebody said so.
    public private(set) var exemption: String?

    /// Why a pod is not admitted; `nil` if it is.
    public private(set) var denial: String?

    /// What changes in a pod, or in the template of a workload's pods. Empty if they are denied.
    public private(set) var patch = JSONPatch()

    /// Of a pod whose ServiceAccount was found: its plan, and what it makes of the pod.
    public private(set) var injection: (plan: Plan, result: Injection)?

    /// The plan for a pod, by its ServiceAccount; `nil` has no annotations.
    public typealias Planning = (ServiceAccount?, PodContext) -> Plan

    // MARK: ServiceAccounts and workloads

    /// - Parameters:
    ///   - namespace: of the object's Namespace.
    ///   - account: the ServiceAccount of a workload's pods; `nil` if it was not found.
    public init(
        of object: AppliedObject, namespace: ObjectMetadata?, account: ServiceAccount?, configuration: Configuration,
        plan: Planning
    ) {
        let asksForProvider =
            switch object.content {
            case .serviceAccount(let account): review(account, as: object, plan)
            case .workload(let pod, let pointer):
                review(object, pod, at: pointer, account ?? .existing(object.subject), configuration, plan)
            }
        let isOfInterest = asksForProvider || !findings.isEmpty
        let policy = AdmissionPolicy(of: namespace, named: object.namespace)
        enforcement = policy.enforcement
        if case .workload = object.content {
            let own = AdmissionPolicy(ofWorkload: object.labels, annotations: object.annotations)
            enforcement = enforcement ?? own.enforcement
            add(own.problems, of: "\(object)")
            let healing = HealingRequest(ofWorkload: object.labels, annotations: object.annotations)
            add(healing.problems, of: "\(object)")
        }
        // What has nothing to do with Lanyard is not told of its Namespace's slips.
        if isOfInterest { findings += Self.findings(ofNamespace: object.namespace, namespace) }
    }

    /// - Returns: whether it asks for a provider and is not left alone.
    private mutating func review(_ account: ServiceAccount, as object: AppliedObject, _ plan: Planning) -> Bool {
        let plan = plan(account, PodContext(of: account))
        guard plan.exemption == nil else { return false }
        add(plan.problems, of: "\(object)")
        return !plan.bindings.isEmpty
    }

    /// - Returns: whether it asks for a provider and is not left alone.
    private mutating func review(
        _ object: AppliedObject, _ pod: PodManifest, at pointer: JSONPointer, _ account: ServiceAccount?,
        _ configuration: Configuration, _ planning: Planning
    ) -> Bool {
        let context = PodContext(pod: pod, serviceAccountMounts: account?.automountServiceAccountToken)
        let plan = planning(account, context)
        let injection = Injection(of: plan, into: pod, at: pointer, configuration: configuration)
        let unmet = UnmetRequirement(of: context, plan: plan, injection: injection)
        if let exemption = plan.exemption {
            // Left alone on purpose, and so are its problems; but if its pods require injection they will not start.
            if let unmet { add([unmet.problem(.error)], of: "\(object)") } else { patch = injection.patch }
            if !plan.bindings.isEmpty { self.exemption = exemption }
            return false
        }
        if let account {
            addProblems(of: plan, ofPod: false, account, "\(object)", planning)
            add(injection.problems + plan.hints(for: pod, configuration), of: "\(object)")
            if let unmet, !unmet.isAmongErrors { add([unmet.problem(.error)], of: "\(object)") }
            if unmet == nil { patch = injection.patch }
        } else {
            addAbsence(of: plan, "\(object)")
        }
        let misplaced = WorkloadMetadata.problems(
            of: object.kind, annotations: object.annotations, labels: object.labels, subject: object.subject,
            configuration: configuration)
        add(misplaced, of: "\(object)")
        return !plan.bindings.isEmpty
    }

    // MARK: Pods

    /// - Parameters:
    ///   - name: the pod's, or the beginning of the one that the API server is to make up.
    ///   - account: the pod's ServiceAccount; `nil` if it was not found.
    ///   - jitter: where in their range the lifetimes of tokens fall.
    public init(
        ofPod pod: PodManifest, named name: String = "", in namespace: String, account: ServiceAccount?,
        jitter: LifetimeJitter? = nil, configuration: Configuration, plan planning: Planning
    ) {
        let subject = Subject(of: pod, in: namespace)
        let account = account ?? .existing(subject)
        let context = PodContext(pod: pod, serviceAccountMounts: account?.automountServiceAccountToken)
        let plan = planning(account, context)
        var title: String { "Pod \(namespace)/\(pod.name ?? name)" }
        guard let account else {
            addAbsence(of: plan, title)
            if context.requiresInjection {
                denial = "the pod is labelled \(Plan.injectKey)=required, but \(Problem.absent(subject).message)"
            } else {
                patch = .emptyingStamps(of: pod)
            }
            return
        }
        let injection = Injection(of: plan, into: pod, jitter: jitter, configuration: configuration)
        self.injection = (plan, injection)
        if plan.exemption == nil {
            addProblems(of: plan, ofPod: true, account, title, planning)
            add(injection.problems, of: title)
        }
        if let unmet = UnmetRequirement(of: context, plan: plan, injection: injection) {
            denial = unmet.refusal
            // What the denial says need not be said again.
            findings.removeAll { unmet.refusal.contains($0.problem.message) }
            findings.insert(Finding(object: title, problem: .denial(unmet)), at: 0)
        } else {
            patch = injection.patch
            // The guard denies a pod with this label unless it has the plan of the policy's object. Where that is another plan,
            // older or of another release, it is this review by which the pod has its credentials.
            if context.labels[Labels.injectedBy] != nil, context.annotations[AnnotationKey.plan.name] != plan.hash {
                patch.remove(at: JSONPointer("metadata", "labels", Labels.injectedBy))
            }
            if !plan.bindings.isEmpty { exemption = plan.exemption }
        }
    }

    // MARK: Namespaces

    /// What is wrong with the policy, with healing, and with other labels, on a Namespace.
    public static func findings(ofNamespace name: String, _ metadata: ObjectMetadata?) -> [Finding] {
        guard let metadata else { return [] }
        let policy = AdmissionPolicy(of: metadata, named: name)
        let labels = Labels.problems(
            ofNamespace: name, labels: metadata.labels, annotations: metadata.annotations)
        let healing = HealingRequest(
            ofNamespace: name, labels: metadata.labels, annotations: metadata.annotations)
        return (policy.problems + healing.problems + labels).map { Finding(object: "Namespace \(name)", problem: $0) }
    }

    // MARK: Whose problems

    /// The plan's problems: those of the workload or pod, and those that its ServiceAccount brings.
    ///
    /// A workload tells of its ServiceAccount's only what decides what the pods get: a key that is misspelt there is told as
    /// the ServiceAccount is applied. A pod is the last occasion to say anything, and tells all.
    private mutating func addProblems(
        of plan: Plan, ofPod isPod: Bool, _ account: ServiceAccount,
        _ object: @autoclosure () -> String, _ planning: Planning
    ) {
        guard !plan.problems.isEmpty else { return }
        let inherited = Set(planning(account, PodContext(of: account)).problems)
        let ofBindings = Set(plan.bindings.flatMap(\.problems))
        add(plan.problems.filter { !inherited.contains($0) }, of: object())
        add(
            plan.problems.filter { problem in
                inherited.contains(problem) && (isPod || problem.severity == .error || ofBindings.contains(problem))
            }, of: "\(plan.subject)")
    }

    /// What can be said while the ServiceAccount is not known: of the bindings nothing.
    private mutating func addAbsence(of plan: Plan, _ object: String) {
        isConclusive = false
        let ofBindings = plan.bindings.flatMap(\.problems)
        add([.absent(plan.subject)] + plan.problems.filter { !ofBindings.contains($0) }, of: object)
    }

    private mutating func add(_ problems: [Problem], of object: @autoclosure () -> String) {
        guard !problems.isEmpty else { return }
        let object = object()
        findings += problems.map { Finding(object: object, problem: $0) }
    }
}

extension ObjectReview {
    /// The errors that an earlier review of the same object did not find.
    public func errors(since earlier: ObjectReview) -> [Finding] {
        var known = Dictionary(earlier.findings.errors.map { ($0.problem.identity, 1) }, uniquingKeysWith: +)
        return findings.errors.filter { finding in
            guard let count = known[finding.problem.identity], count > 0 else { return true }
            known[finding.problem.identity] = count - 1
            return false
        }
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
        .warning(.serviceAccountNotFound, "\(subject) was not found, so nothing can be injected; add its manifest")
    }

    fileprivate static func denial(_ unmet: UnmetRequirement) -> Problem {
        .error(.requirementUnmet, unmet.refusal, field: Plan.injectKey, in: .podLabels)
    }
}

extension ServiceAccount {
    /// The ServiceAccount named `default`, which comes with its namespace, only a little later.
    fileprivate static func existing(_ subject: Subject) -> ServiceAccount? {
        guard subject.serviceAccount == "default" else { return nil }
        return ServiceAccount(metadata: ObjectMetadata(name: "default", namespace: subject.namespace))
    }
}

extension PodContext {
    /// A pod that adds nothing to its ServiceAccount.
    fileprivate init(of account: ServiceAccount) {
        self.init(mountsServiceAccountToken: account.automountServiceAccountToken ?? true)
    }
}

extension AdmissionPolicy {
    fileprivate init(of namespace: ObjectMetadata?, named name: String) {
        self.init(ofNamespace: name, labels: namespace?.labels ?? [:], annotations: namespace?.annotations ?? [:])
    }
}

extension Plan {
    /// What the variables of a template's containers tell of providers that nobody has asked for.
    fileprivate func hints(for pod: PodManifest, _ configuration: Configuration) -> [Problem] {
        (pod.containers(in: .initContainers) + pod.containers(in: .containers)).flatMap { container in
            hints(
                forContainer: (container.name, container.pointer), configuration: configuration,
                defines: container.defines)
        }
    }
}
