internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// What admission would make of one workload, as far as manifests tell.
    struct Judgement {
        var kind: WorkloadKind
        var object: Object
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
            serviceAccount: pod["spec"]?["serviceAccountName"]?.string.flatMap { $0.isEmpty ? nil : $0 } ?? "default")
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
            kind: kind, object: object, patch: injection.patch, problems: problems,
            isBlocked: isLeftOut || plan.exemption == nil && plan.bindings.contains(where: \.isBlocked))
    }
}
