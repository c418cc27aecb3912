internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// What is wrong with each object, from top to bottom, said once and where it is wrong: of a workload's problems, those that its
    /// ServiceAccount or its Namespace has already are theirs.
    func findings(facts: PlatformFacts, configuration: Configuration) -> [Finding] {
        var known = KnownProblems()
        let own = objects.map { object -> [Problem]? in
            switch object.kind {
            case "ServiceAccount":
                let problems = problems(ofServiceAccount: object, facts, configuration)
                known.ofServiceAccounts[subject(of: object)] = Set(problems)
                return problems
            case "Namespace":
                let problems = problems(ofNamespace: object)
                known.ofNamespaces[object.name] = Set(problems)
                return problems
            default: return nil
            }
        }
        return zip(objects, own).flatMap { object, own in
            (own ?? problems(ofWorkload: object, known, facts, configuration)).map { finding($0, in: object) }
                .sorted { $0.line < $1.line }
        }
    }

    /// What workloads need not say again. As everywhere, of several objects of one name the last counts.
    private struct KnownProblems {
        var ofServiceAccounts: [Subject: Set<Problem>] = [:]
        var ofNamespaces: [String: Set<Problem>] = [:]
    }

    private func problems(
        ofServiceAccount object: Object, _ facts: PlatformFacts, _ configuration: Configuration
    ) -> [Problem] {
        let plan = Plan(
            for: subject(of: object), serviceAccount: object.annotations,
            pod: PodContext(
                mountsServiceAccountToken: object.value["automountServiceAccountToken"]?.bool ?? true),
            namespaceLabels: namespace(named: namespace(of: object))?.labels ?? [:], facts: facts,
            configuration: configuration)
        return mistypedValues(of: object) + (plan.exemption == nil ? plan.problems : [])
    }

    private func problems(ofNamespace object: Object) -> [Problem] {
        let policy = AdmissionPolicy(
            ofNamespace: object.name, labels: object.labels, annotations: object.annotations)
        return mistypedValues(of: object) + policy.problems
            + Labels.problems(ofNamespace: object.name, labels: object.labels, annotations: object.annotations)
    }

    private func problems(
        ofWorkload object: Object, _ known: KnownProblems, _ facts: PlatformFacts, _ configuration: Configuration
    ) -> [Problem] {
        guard let judgement = judge(object, facts: facts, configuration: configuration) else { return [] }
        let ofAccount = known.ofServiceAccounts[judgement.subject] ?? []
        let ofNamespace = known.ofNamespaces[judgement.subject.namespace] ?? []
        var found = judgement.problems.filter { !ofAccount.contains($0) && !ofNamespace.contains($0) }
        guard judgement.kind != .pod else { return found }
        found += AdmissionPolicy(ofWorkload: object.labels, annotations: object.annotations).problems
        guard judgement.exemption == nil else { return found }
        return found
            + WorkloadMetadata.problems(
                of: object.kind, annotations: object.annotations, labels: object.labels, subject: judgement.subject,
                configuration: configuration)
    }

    private func finding(_ problem: Problem, in object: Object) -> Finding {
        let places = object.paths(to: problem).lazy.compactMap { object.location.part($0) }
        return Finding(
            problem: problem, kind: object.kind, namespace: namespace(of: object), name: object.name,
            file: object.file, line: (places.first ?? object.location).line)
    }
}

extension ManifestSet.Object {
    /// Where a problem's field may stand, the likeliest place first.
    fileprivate func paths(to problem: Problem) -> [[String]] {
        let pod = WorkloadKind(rawValue: kind)?.podPointer.tokens ?? []
        let field = problem.field.map { [$0] } ?? []
        return switch problem.place {
        case .container(let container) where field.isEmpty: [pod + container.tokens]
        case .container(let container): [pod + container.tokens + ["env"] + field, pod + container.tokens]
        case _ where field.isEmpty: []
        case .annotations: [pod + ["metadata", "annotations"] + field]
        case .podLabels: [pod + ["metadata", "labels"] + field]
        case .ownAnnotations: [["metadata", "annotations"] + field]
        case .ownLabels: [["metadata", "labels"] + field]
        }
    }
}
