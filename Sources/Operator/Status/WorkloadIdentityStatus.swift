internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// What is reported of a ServiceAccount: the plans of it and of its workloads, and its pods.
struct WorkloadIdentityStatus {
    var providers: [ProviderStatus]
    var workloads: [Workload]
    var pods: PodCount
    /// The objects by which keys get to pods.
    var secretObjects: Set<SecretObjectReference> = []
    /// Those of them that nothing asks for as it is allowed now, and that stay until `vault.allowedPaths` is set.
    var objectsInSuspense: Set<SecretObjectReference> = []
    /// What else in the cluster matters to credentials.
    var components: [String] = []
    private var facts: PlatformFacts
    private var problems: [Problem]
    private var exemption: String?

    struct ProviderStatus {
        var name: ProviderName
        var outcomes: [Binding.Outcome]
        var isReady: Bool
        var reason: String
        var message: String
    }

    /// - Parameter plans: that of the ServiceAccount alone comes first, then those of its workloads, and of pods that ask by themselves.
    init(facts: PlatformFacts, plans: [Plan], workloads: [Workload], pods: PodCount) {
        self.facts = facts
        self.workloads = workloads
        self.pods = pods
        problems = plans.flatMap(\.problems).reduce(into: []) { known, problem in
            if !known.contains(problem) { known.append(problem) }
        }
        exemption = plans.first?.exemption
        var bindings: [ProviderName: Binding] = [:]
        for binding in plans.flatMap(\.bindings) {
            // Of several bindings for one provider the one that is blocked is what people should see.
            if bindings[binding.provider].map({ !$0.isBlocked && binding.isBlocked }) ?? true {
                bindings[binding.provider] = binding
            }
        }
        providers = bindings.values.sorted { $0.provider < $1.provider }.map { [problems] binding in
            ProviderStatus(binding, problems: problems)
        }
    }

    /// What keeps a stored key from the pods.
    var secretFailures: [ProviderName: SecretObjectKeeper.Failure] = [:] {
        didSet {
            for index in providers.indices {
                guard let failure = secretFailures[providers[index].name], providers[index].isReady else { continue }
                providers[index].isReady = false
                providers[index].reason = failure.reason
                providers[index].message = failure.message
            }
        }
    }

    /// The status as the API has it.
    ///
    /// - Parameter present: the conditions that are there; one that does not change keeps its time.
    func json(replacing present: [Condition], at now: Timestamp) -> JSONValue {
        var conditions = present
        for condition in self.conditions { conditions.set(condition, at: now) }
        var status: JSONValue = [
            "platform": .string(facts.platform.rawValue),
            "evidence": .string(facts.evidence),
            "providers": .array(providers.map(\.json)),
            "pods": [
                "total": .number(JSONNumber(pods.total)), "current": .number(JSONNumber(pods.current)),
                "stale": .number(JSONNumber(pods.stale)), "notInjected": .number(JSONNumber(pods.notInjected)),
            ],
            "workloads": .array(
                workloads.map { ["kind": .string($0.kind.rawValue), "name": .string($0.metadata.name)] }),
            // A column of kubectl shows one value, so what it shows of a list is a text.
            "summary": [
                "providers": .string(providers.map(\.name.rawValue).joined(separator: ",")),
                "pods": "\(pods.current)/\(pods.total)",
            ],
            "conditions": .array(conditions.map(\.json)),
        ]
        if let issuer = facts.issuer.url {
            status["issuer"] = ["url": .string(issuer), "reach": .string(facts.issuer.reach.rawValue)]
        }
        if !components.isEmpty { status["components"] = .array(components.map { .string($0) }) }
        if !secretObjects.isEmpty {
            let sorted = secretObjects.sorted { ($0.kind.rawValue, $0.name) < ($1.kind.rawValue, $1.name) }
            status["objects"] = .array(sorted.map(\.json))
        }
        let inSuspense = objectsInSuspense.map {
            "\($0.kind) \($0.name) stays as it is until vault.allowedPaths is set"
        }
        let warnings = problems.filter { $0.severity == .warning }.map(\.message) + inSuspense.sorted()
        if !warnings.isEmpty { status["warnings"] = .array(warnings.map { .string($0) }) }
        return status
    }

    // MARK: Conditions

    var conditions: [Condition] { [accepted, compatible, injected, ready] }

    private var accepted: Condition {
        let errors = problems.filter { $0.severity == .error && $0.isOfAnnotations }
        guard let first = errors.first else {
            return Condition(
                type: ConditionType.accepted, status: .true, reason: StatusReason.valid,
                message: "All annotations are valid")
        }
        return Condition(
            type: ConditionType.accepted, status: .false, reason: first.reason.rawValue,
            message: errors.map(\.message).joined(separator: "; "))
    }

    private var compatible: Condition {
        guard let blocked = providers.first(where: { $0.outcomes.isEmpty }) else {
            return Condition(
                type: ConditionType.compatible, status: .true, reason: StatusReason.resolved,
                message: "Every provider has a way on \(facts.platform)")
        }
        return Condition(
            type: ConditionType.compatible, status: .false, reason: blocked.reason, message: blocked.message)
    }

    private var injected: Condition {
        let awaitsAllowedPaths = problems.contains { $0.reason == .allowedPathsNotSet }
        if let shortcoming = pods.shortcoming(awaitsAllowedPaths: awaitsAllowedPaths) {
            return Condition(
                type: ConditionType.injected, status: .false, reason: shortcoming.reason, message: shortcoming.message)
        }
        if let exemption {
            return Condition(
                type: ConditionType.injected, status: .false, reason: StatusReason.exempt,
                message: "Nothing is injected: \(exemption)")
        }
        if pods.current < pods.total, let blocked = providers.first(where: { $0.outcomes.isEmpty }) {
            return Condition(
                type: ConditionType.injected, status: .false, reason: blocked.reason,
                message: "Nothing can be injected; see \(ConditionType.compatible)")
        }
        return Condition(
            type: ConditionType.injected, status: .true, reason: StatusReason.podsCurrent,
            message: pods.total == 0 ? "There are no pods" : "All pods carry the current plan (\(pods.total))")
    }

    var ready: Condition {
        let unmet = [accepted, compatible, injected].first { $0.status != .true }
        if let unmet {
            return Condition(
                type: ConditionType.ready, status: .false, reason: unmet.reason, message: unmet.message)
        }
        if let provider = providers.first(where: { !$0.isReady }) {
            return Condition(
                type: ConditionType.ready, status: .false, reason: provider.reason, message: provider.message)
        }
        let ways = providers.map { provider in
            "\(provider.name) by \(provider.outcomes.map(\.mechanism.rawValue).joined(separator: " and "))"
        }
        return Condition(
            type: ConditionType.ready, status: .true, reason: StatusReason.ready,
            message: ways.joined(separator: ", "))
    }
}

extension WorkloadIdentityStatus.ProviderStatus {
    init(_ binding: Binding, problems: [Problem]) {
        name = binding.provider
        outcomes = binding.outcomes
        isReady = binding.isReady
        let ofBinding = binding.problems.filter { $0.severity == .error && !problems.contains($0) }
        let errors = problems.filter { $0.severity == .error && $0.provider == binding.provider } + ofBinding
        if let first = errors.first {
            reason = first.reason.rawValue
            message = errors.map(\.message).joined(separator: "; ")
        } else {
            reason = StatusReason.ready
            message = binding.problems.map(\.message).joined(separator: "; ")
        }
    }

    fileprivate var json: JSONValue {
        var provider: JSONValue = ["name": .string(name.rawValue), "ready": .bool(isReady), "reason": .string(reason)]
        if let best = outcomes.last {
            provider["mechanism"] = .string(outcomes.map(\.mechanism.rawValue).joined(separator: ","))
            provider["tier"] = .string(best.tier.rawValue)
            provider["reach"] = .string(best.reach.rawValue)
        }
        if !message.isEmpty { provider["message"] = .string(message) }
        return provider
    }
}

extension Problem {
    /// Whether the annotations are wrong in themselves, whatever the cluster is.
    var isOfAnnotations: Bool {
        [.invalidValue, .unknownProvider, .unknownMechanism, .unknownKey, .misplacedKey].contains(reason)
    }
}
