internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// What is reported of a ServiceAccount: the plans of it and of its workloads, and its pods.
struct WorkloadIdentityStatus {
    let subject: Subject
    var readiness: CredentialReadiness
    var workloads: [ReportedWorkload]
    /// The objects by which keys get to pods.
    var secretObjects: Set<SecretObjectReference> = []
    /// Those of them that nothing asks for as it is allowed now, and that stay until `vault.allowedPaths` is set.
    var objectsInSuspense: Set<SecretObjectReference> = []
    /// What else in the cluster matters to credentials.
    var components: [String] = []
    /// What the cluster signs with and providers have; `nil`: not looked yet.
    var keys: KeyReview?
    /// What came of trying whether the providers trust it; `nil`: that is not tried, or not yet.
    var trust: TrustHistory?
    /// What was done for its pods, which is kept by who does it.
    var healing: JSONValue?
    /// Who injects into plain pods, as far as there are two ways.
    var injection: InjectionWay?
    private let facts: PlatformFacts

    /// - Parameter plans: that of the ServiceAccount alone comes first, then those of its workloads, and of pods that ask by themselves.
    init(of subject: Subject, facts: PlatformFacts, plans: [Plan], workloads: [ReportedWorkload], pods: PodReport) {
        self.subject = subject
        self.facts = facts
        self.workloads = workloads
        readiness = CredentialReadiness(of: plans, pods: pods, on: facts.platform, in: subject)
    }

    var ready: Condition { readiness.summary(ConditionType.ready) }

    /// The status as the API has it.
    ///
    /// - Parameter present: the conditions that are there; one that does not change keeps its time.
    func json(replacing present: [Condition], at now: Timestamp) -> JSONValue {
        var conditions = present
        for condition in readiness.conditions { conditions.set(condition, at: now) }
        if let keysTrusted {
            conditions.set(keysTrusted, at: now)
        } else if keys != nil {
            conditions.remove(ConditionType.keysTrusted)
        }
        if let verified = trust?.condition {
            conditions.set(verified, at: now)
        } else {
            conditions.remove(ConditionType.verified)
        }
        var status: JSONValue = [
            "platform": .string(facts.platform.rawValue),
            "evidence": .string(facts.evidence),
            "providers": .array(readiness.providers.map { $0.json(subject, issuer: facts.issuer.url) }),
            "pods": readiness.pods.json,
            "workloads": .array(workloads.map(\.json)),
            "summary": summary,
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
        status["healing"] = healing
        status["injection"] = injection?.json
        status["verification"] = trust?.json
        let warnings = warnings
        if !warnings.isEmpty { status["warnings"] = .array(warnings.map { .string($0) }) }
        return status
    }

    /// A column of kubectl shows one value, so what it shows of a list is a text.
    private var summary: JSONValue {
        let providers = readiness.providers
        func list(_ texts: [String]) -> JSONValue { .string(texts.joined(separator: ",")) }
        var summary: JSONValue = [
            "providers": list(providers.map(\.name.rawValue)),
            "pods": "\(readiness.pods.current)/\(readiness.pods.total)",
        ]
        if !providers.isEmpty {
            summary["mechanisms"] = list(
                providers.map { $0.isBlocked ? "-" : $0.mechanisms.joined(separator: "+") })
            summary["identities"] = list(providers.map { $0.identity ?? "-" })
        }
        return summary
    }

    private var warnings: [String] {
        let inSuspense = objectsInSuspense.map {
            "\($0.kind) \($0.name) stays as it is until vault.allowedPaths is set"
        }
        return readiness.problems.filter { $0.severity != .error }.map(readiness.text) + inSuspense.sorted()
    }
}
