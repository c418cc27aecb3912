internal import KubernetesModel
internal import WorkloadIdentity

/// Whether the pods of an identity, or of one workload of it, have credentials that can work: what both the conditions of a
/// WorkloadIdentity and the one of a Deployment say, for the same reasons in the same order.
struct CredentialReadiness {
    /// In the order of their names.
    private(set) var providers: [ProviderStatus] = []
    /// Each once.
    let problems: [Problem]
    let pods: PodReport
    private let platform: Platform
    private let exemption: String?
    /// The ServiceAccount in whose own report it stands, if it does.
    private let object: Subject?

    /// - Parameters:
    ///   - plans: the first one says whether nothing is injected on purpose.
    ///   - pods: those that should have the credentials.
    ///   - object: the ServiceAccount in whose own report it stands, if it does.
    init(of plans: [Plan], pods: PodReport, on platform: Platform, in object: Subject? = nil) {
        self.pods = pods
        self.platform = platform
        exemption = plans.first?.exemption
        self.object = object
        var known: Set<Problem> = []
        problems = plans.flatMap(\.problems).filter { known.insert($0).inserted }
        var bindings: [ProviderName: Binding] = [:]
        for binding in plans.flatMap(\.bindings) {
            // Of several bindings for one provider the worst one is what people should see.
            if bindings[binding.provider].map({ binding.isWorse(than: $0) }) ?? true {
                bindings[binding.provider] = binding
            }
        }
        providers = bindings.values.sorted { $0.provider < $1.provider }.map { binding in
            ProviderStatus(binding, problems: problems, text: text)
        }
    }

    /// Notes what keeps stored keys from the pods.
    mutating func fail(_ failures: [ProviderName: SecretObjectController.Failure]) {
        for index in providers.indices {
            if let failure = failures[providers[index].name] { providers[index].fail(failure) }
        }
    }

    /// A problem's message, without the name of the object in which it is to stand.
    func text(_ problem: Problem) -> String {
        problem.subject == object ? problem.message : problem.sentence
    }

    // MARK: What is wrong

    /// What people should see first; `nil` if all is well. What is wrong comes before what is not known.
    var shortcoming: Shortcoming? {
        let all = [notAccepted, notCompatible, notReachable, notInjected].compactMap { $0 }
        return all.first { $0.status == .false } ?? all.first
    }

    private var notAccepted: Shortcoming? {
        let errors = problems.filter { $0.severity == .error && $0.isOfAnnotations }
        guard let first = errors.first else { return nil }
        return Shortcoming(.false, first.reason.rawValue, errors.map(text).joined(separator: "; "))
    }

    private var notCompatible: Shortcoming? {
        guard let blocked = providers.first(where: \.isBlocked) else { return nil }
        let errors = problems.errors(of: blocked.name)
        let others = errors.filter { !$0.isOfAnnotations }
        if !others.isEmpty { return Shortcoming(.false, blocked.reason, others.map(text).joined(separator: "; ")) }
        // What the annotations are to blame for has been said.
        return Shortcoming(.false, blocked.reason, errors.isEmpty ? blocked.message : notAccepted?.message ?? "")
    }

    /// No model can be called with what arrives.
    private var notReachable: Shortcoming? {
        providers.first { !$0.isReady && !$0.isBlocked }.map { Shortcoming(.false, $0.reason, $0.message) }
    }

    private var notInjected: Shortcoming? {
        let awaitsAllowedPaths = problems.contains { $0.reason == .allowedPathsNotSet }
        if let shortcoming = pods.shortcoming(awaitsAllowedPaths: awaitsAllowedPaths) { return shortcoming }
        if let exemption { return Shortcoming(.false, StatusReason.exempt, "Nothing is injected: \(exemption)") }
        if pods.current < pods.total, let blocked = notCompatible {
            return Shortcoming(.false, blocked.reason, "Nothing can be injected; see \(ConditionType.compatible)")
        }
        return nil
    }

    // MARK: Conditions

    /// Those of a WorkloadIdentity. `Ready` says what is wrong, and the others say what it does not.
    var conditions: [Condition] {
        let first = shortcoming
        func condition(_ type: String, _ unmet: Shortcoming?, _ reason: String, _ message: String) -> Condition {
            guard let unmet else { return Condition(type: type, status: .true, reason: reason, message: message) }
            return Condition(
                type: type, status: unmet.status, reason: unmet.reason,
                message: unmet.message == first?.message ? "see \(ConditionType.ready)" : unmet.message)
        }
        return [
            condition(ConditionType.accepted, notAccepted, StatusReason.valid, "All annotations are valid"),
            condition(
                ConditionType.compatible, notCompatible, StatusReason.resolved,
                "Every provider has a usable mechanism on \(platform)"),
            condition(
                ConditionType.injected, notInjected, StatusReason.podsCurrent,
                pods.total == 0 ? "There are no pods" : "All pods carry the current plan (\(pods.total))"),
            summary(ConditionType.ready),
        ]
    }

    /// The one condition that says all.
    func summary(_ type: String) -> Condition {
        if let shortcoming {
            return Condition(
                type: type, status: shortcoming.status, reason: shortcoming.reason, message: shortcoming.message)
        }
        let ways = providers.map { "\($0.name) by \($0.mechanisms.joined(separator: " and "))" }
        return Condition(type: type, status: .true, reason: StatusReason.ready, message: ways.joined(separator: ", "))
    }
}

extension Condition {
    /// The condition of one workload; `nil` if it has no binding, and so is not ours to speak of.
    ///
    /// - Parameter failures: what keeps stored keys from the pods of its ServiceAccount.
    static func credentialsReady(
        _ plan: Plan, pods: PodReport, on platform: Platform,
        _ failures: [ProviderName: SecretObjectController.Failure] = [:]
    ) -> Condition? {
        guard !plan.bindings.isEmpty, plan.exemption == nil else { return nil }
        var readiness = CredentialReadiness(of: [plan], pods: pods, on: platform)
        readiness.fail(failures)
        return readiness.summary(ConditionType.credentialsReady)
    }
}

extension Binding {
    fileprivate func isWorse(than other: Binding) -> Bool {
        (isBlocked ? 2 : isReady ? 0 : 1) > (other.isBlocked ? 2 : other.isReady ? 0 : 1)
    }
}
