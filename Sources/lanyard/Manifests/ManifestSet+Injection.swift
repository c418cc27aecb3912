internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// What admission would make of one workload, as far as manifests tell.
    struct Judgement {
        var kind: WorkloadKind
        var object: Object
        var subject: Subject
        var patch: JSONPatch
        var problems: [Problem]
        /// Whether a provider that is asked for gets no credential.
        var isBlocked: Bool
    }

    /// Judges a workload. `nil` for an object from which no pods come.
    func judge(_ object: Object, facts: PlatformFacts, configuration: Configuration) -> Judgement? {
        guard let kind = WorkloadKind(rawValue: object.kind), let pod = kind.pod(in: object.value) else { return nil }
        let subject = Subject(
            namespace: namespace(of: object),
            serviceAccount: pod.serviceAccountName.isEmpty ? "default" : pod.serviceAccountName)
        let account = serviceAccount(subject)
        let plan = Plan(
            for: subject,
            serviceAccount: account?.value["metadata"]?["annotations"]?.strings ?? [:],
            pod: PodContext(pod: pod, serviceAccountMounts: account?.value["automountServiceAccountToken"]?.bool),
            namespaceLabels: labels(ofNamespace: subject.namespace),
            facts: facts, configuration: configuration)
        let injection = Injection(of: plan, into: pod, at: kind.podPointer)
        var problems = plan.problems + injection.problems
        if account == nil, subject.serviceAccount != "default" {
            problems.append(
                .warning(
                    .serviceAccountNotFound,
                    "\(subject) is not in the input, so its annotations are not known; add it to the files"))
        }
        let isLeftOut = plan.outcomes.contains { outcome in
            injection.problems.contains { $0.severity == .error && $0.provider == outcome.provider }
        }
        return Judgement(
            kind: kind, object: object, subject: subject, patch: injection.patch, problems: problems,
            isBlocked: isLeftOut || plan.exemption == nil && plan.bindings.contains(where: \.isBlocked))
    }
}

extension ManifestSet {
    /// What is wrong with each object, from top to bottom, said once and where it is wrong: of a workload's problems, those that its
    /// ServiceAccount has already are the ServiceAccount's.
    func findings(facts: PlatformFacts, configuration: Configuration) -> [Finding] {
        var findings: [Finding] = []
        for object in objects {
            var problems: [Problem] = []
            if object.kind == "ServiceAccount" {
                problems = serviceAccountPlan(object, facts, configuration).problems
            } else if let judgement = judge(object, facts: facts, configuration: configuration) {
                let known = serviceAccount(judgement.subject).map {
                    serviceAccountPlan($0, facts, configuration).problems
                }
                problems = judgement.problems.filter { known?.contains($0) != true }
                if judgement.kind != .pod {
                    problems += WorkloadMetadata.problems(
                        of: object.kind, annotations: object.value["metadata"]?["annotations"]?.strings ?? [:],
                        labels: object.value["metadata"]?["labels"]?.strings ?? [:], subject: judgement.subject,
                        configuration: configuration)
                }
            }
            findings += problems.map { finding($0, in: object) }.sorted { $0.line < $1.line }
        }
        return findings
    }

    private func serviceAccountPlan(_ object: Object, _ facts: PlatformFacts, _ configuration: Configuration) -> Plan {
        Plan(
            for: Subject(namespace: namespace(of: object), serviceAccount: object.name),
            serviceAccount: object.value["metadata"]?["annotations"]?.strings ?? [:],
            pod: PodContext(
                mountsServiceAccountToken: object.value["automountServiceAccountToken"]?.bool ?? true),
            namespaceLabels: labels(ofNamespace: namespace(of: object)), facts: facts, configuration: configuration)
    }

    private func finding(_ problem: Problem, in object: Object) -> Finding {
        Finding(
            problem: problem, kind: object.kind, namespace: namespace(of: object), name: object.name,
            file: object.file,
            line: problem.field.flatMap { object.location.line(ofKey: $0) } ?? object.location.line)
    }
}
