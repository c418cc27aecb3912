internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

extension ManifestSet {
    /// An object, and what admission would say of it, as far as manifests tell.
    struct ReviewedObject {
        var object: Object
        /// Empty for a Namespace.
        var namespace: String
        /// As people call it: `Deployment ai/app`.
        var title: String
        /// `nil` for an object that is no ServiceAccount, no Pod and no workload.
        var review: ObjectReview?
        /// Where the pod, or the template of the pods, stands in the object; `nil` if no pods come from it.
        var podPointer: JSONPointer?
        /// What is wrong with it, from top to bottom.
        var findings: [LocatedFinding]
        /// What is no problem, but should be known.
        var notes: [String] = []
    }

    /// Each problem is told once, and where it is: what is wrong with a workload's ServiceAccount or Namespace is told of
    /// those, if they are in the input.
    func reviewed(facts: PlatformFacts, configuration: Configuration) -> [ReviewedObject] {
        var reviews = objects.map { review($0, facts, configuration) }
        let told = Set(zip(objects, reviews).filter { $0.0.podPointer == nil }.flatMap(\.1.findings))
        for index in reviews.indices where objects[index].podPointer != nil {
            reviews[index].findings.removeAll { told.contains($0) }
        }
        return zip(objects, reviews).map { object, review in
            ReviewedObject(
                object: object, namespace: namespace(of: object), title: title(of: object), review: review.review,
                podPointer: object.podPointer,
                findings: review.findings.map { located($0, in: object) }.sorted { $0.line < $1.line },
                notes: notes(on: object, review.review))
        }
    }

    /// One object by itself: of a ServiceAccount or a Namespace its own findings, of a workload all that matter to it.
    private func review(
        _ object: Object, _ facts: PlatformFacts, _ configuration: Configuration
    ) -> (review: ObjectReview?, findings: [Finding]) {
        guard object.role != .nothing else { return (nil, []) }
        let title = title(of: object)
        var problems = MistypedMetadata.problems(of: object.value, title: title, pod: object.podPointer)
        var review: ObjectReview?
        do {
            review = try admissionReview(of: object, facts, configuration)
        } catch {
            problems.append(.error(.malformedPod, "\(error)"))
        }
        var findings = problems.map { Finding(object: title, problem: $0) }
        switch object.role {
        case .namespace:
            findings += ObjectReview.findings(ofNamespace: object.name, metadata(ofNamespace: object.name))
        case .serviceAccount: findings += review?.findings.filter { $0.object == title } ?? []
        default: findings += review?.findings ?? []
        }
        return (review, findings)
    }

    /// What admission would say of one object and make of its pods. `nil` for one from which no pods come, and that is no
    /// ServiceAccount.
    ///
    /// - Throws: if there is more of it than is ever read.
    private func admissionReview(
        of object: Object, _ facts: PlatformFacts, _ configuration: Configuration
    ) throws -> ObjectReview? {
        let namespace = namespace(of: object)
        let metadata = metadata(ofNamespace: namespace)
        func plan(_ subject: Subject, _ account: ServiceAccount?, _ pod: PodContext) -> Plan {
            Plan(
                for: subject, serviceAccount: account?.metadata.annotations ?? [:], pod: pod,
                namespaceLabels: metadata?.labels ?? [:], facts: facts, configuration: configuration)
        }
        func review(_ applied: AppliedObject) throws -> ObjectReview {
            let subject = applied.subject
            return ObjectReview(
                of: applied, namespace: metadata, account: try account(subject), configuration: configuration
            ) { plan(subject, $0, $1) }
        }
        switch object.role {
        case .nothing, .namespace: return nil
        case .serviceAccount:
            return try review(AppliedObject(serviceAccount: object.manifest, in: namespace))
        case .workload(let kind):
            return try AppliedObject(kind, object.manifest, in: namespace).map(review)
        case .otherWorkload:
            return try AppliedObject(ofOtherKind: object.kind, object.manifest, in: namespace).map(review)
        case .pod:
            let pod = PodManifest(object.value)
            let subject = Subject(of: pod, in: namespace)
            return ObjectReview(
                ofPod: pod, named: object.name, in: namespace, account: try account(subject),
                configuration: configuration
            ) { plan(subject, $0, $1) }
        }
    }

    private func account(_ subject: Subject) throws -> ServiceAccount? {
        guard let object = serviceAccount(subject) else { return nil }
        guard
            case .serviceAccount(let account) = AppliedObject(
                serviceAccount: try object.manifest, in: subject.namespace
            ).content
        else { return nil }
        return account
    }

    private func metadata(ofNamespace name: String) -> ObjectMetadata? {
        namespace(named: name).map { object in
            var metadata = ObjectMetadata(name: name)
            metadata.labels = object.labels
            metadata.annotations = object.annotations
            return metadata
        }
    }

    private func notes(on object: Object, _ review: ObjectReview?) -> [String] {
        var notes: [String] = []
        if object.role == .otherWorkload, review != nil {
            let apiVersion = object.value["apiVersion"]?.string ?? ""
            notes.append(
                """
                \(object.kind) of \(apiVersion) is not a kind of Kubernetes' own; it is checked by its pod template, \
                spec.template
                """)
        }
        if let exemption = review?.exemption { notes.append("nothing is injected: \(exemption)") }
        return notes
    }

    private func located(_ finding: Finding, in object: Object) -> LocatedFinding {
        let places = object.paths(to: finding.problem).lazy.compactMap { object.location.part($0) }
        return LocatedFinding(
            finding: finding, kind: object.kind, namespace: namespace(of: object), name: object.name,
            file: object.file, line: (places.first ?? object.location).line)
    }
}

extension ManifestSet.Object {
    fileprivate var podPointer: JSONPointer? {
        switch role {
        case .pod: WorkloadKind.pod.podPointer
        case .workload(let kind): kind.podPointer
        case .otherWorkload: WorkloadKind.deployment.podPointer
        case .serviceAccount, .namespace, .nothing: nil
        }
    }

    /// As admission reads it.
    fileprivate var manifest: WorkloadManifest {
        get throws { try WorkloadManifest(parsing: value.serialized(), maximumDepth: .max) }
    }

    /// Where a problem's field may stand, the likeliest place first.
    fileprivate func paths(to problem: Problem) -> [[String]] {
        let pod = podPointer?.tokens ?? []
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
