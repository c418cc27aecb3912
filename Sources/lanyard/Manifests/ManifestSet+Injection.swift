internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// What admission would make of one workload, as far as manifests tell.
    struct Judgement {
        var kind: WorkloadKind
        var object: Object
        var subject: Subject
        /// Empty for pods that are refused.
        var patch = JSONPatch()
        var problems: [Problem] = []
        /// Whether a provider that is asked for gets no credential.
        var isBlocked = false
        /// Why the pods are left alone, if they are.
        var exemption: String?
        var asksForProvider: Bool
    }

    /// Judges a workload. `nil` for an object from which no pods come.
    func judge(_ object: Object, facts: PlatformFacts, configuration: Configuration) -> Judgement? {
        guard let kind = WorkloadKind(rawValue: object.kind), let pod = kind.pod(in: object.value) else { return nil }
        let subject = Subject(
            namespace: self.namespace(of: object),
            serviceAccount: pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName)
        let account = serviceAccount(subject)
        let namespace = self.namespace(named: subject.namespace)
        let context = PodContext(pod: pod, serviceAccountMounts: account?.value["automountServiceAccountToken"]?.bool)
        let plan = Plan(
            for: subject, serviceAccount: account?.annotations ?? [:], pod: context,
            namespaceLabels: namespace?.labels ?? [:], facts: facts, configuration: configuration)
        let injection = Injection(of: plan, into: pod, at: kind.podPointer)
        // The ServiceAccount named `default` comes with its namespace.
        let isConclusive = account != nil || subject.serviceAccount == "default" || plan.exemption != nil

        var judgement = Judgement(
            kind: kind, object: object, subject: subject, exemption: plan.exemption,
            asksForProvider: !plan.bindings.isEmpty)
        judgement.problems = [account, namespace, object].compactMap(\.self).flatMap(mistypedValues)
        if plan.exemption == nil {
            judgement.problems += plan.problems + injection.problems
            let leftOut = injection.problems.filter { $0.severity == .error }.map(\.provider)
            judgement.isBlocked = plan.bindings.contains { $0.isBlocked || leftOut.contains($0.provider) }
        }
        if !isConclusive { judgement.problems.append(.unknown(subject)) }
        if isConclusive, let unmet = UnmetRequirement(of: context, plan: plan, injection: injection) {
            judgement.problems.append(kind == .pod ? .refusal(unmet) : unmet.problem(.error))
        } else {
            judgement.patch = injection.patch
        }
        return judgement
    }
}

extension Problem {
    fileprivate static func unknown(_ subject: Subject) -> Problem {
        .warning(
            .serviceAccountNotFound,
            "\(subject) is not in the input, so its annotations are not known; add it to the files")
    }

    fileprivate static func refusal(_ unmet: UnmetRequirement) -> Problem {
        .error(.requirementUnmet, unmet.refusal, field: Plan.injectKey, in: .podLabels)
    }
}
