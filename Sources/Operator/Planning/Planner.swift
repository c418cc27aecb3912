internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
public import WorkloadIdentity

/// Puts what the stores hold to the domain.
public struct Planner: Sendable {
    let stores: AdmissionStores
    let configuration: Configuration
    private let clusterFacts: PlatformFacts
    private let components: ObservedComponents
    private let plans = PlanCache()

    public init(stores: AdmissionStores, facts: PlatformFacts, configuration: Configuration) {
        self.stores = stores
        self.configuration = configuration
        clusterFacts = facts
        components = ObservedComponents(facts.components, in: stores)
    }

    /// What is true of the cluster now.
    var facts: PlatformFacts {
        var facts = clusterFacts
        facts.components = components.current
        return facts
    }

    /// The plan for a ServiceAccount, and for a pod of it.
    ///
    /// - Parameters:
    ///   - account: the ServiceAccount as it is; `nil` has no annotations.
    ///   - namespaceLabels: those of the subject's namespace; `nil`: as the store has them.
    func plan(
        for subject: Subject, _ account: ServiceAccount?, pod: PodContext = PodContext(),
        namespaceLabels: [String: String]? = nil
    ) -> Plan {
        let question = PlanCache.Question(
            subject: subject,
            serviceAccount: account?.metadata.annotations ?? [:],
            pod: pod,
            namespaceLabels: namespaceLabels
                ?? stores.namespaces[ObjectKey(name: subject.namespace)]?.metadata.labels ?? [:],
            facts: facts)
        return plans.plan(for: question) { question in
            Plan(
                for: question.subject, serviceAccount: question.serviceAccount, pod: question.pod,
                namespaceLabels: question.namespaceLabels, facts: question.facts, configuration: configuration)
        }
    }
}

extension PodContext {
    init(_ template: PodTemplate, of account: ServiceAccount?) {
        self.init(
            annotations: template.annotations, labels: template.labels,
            mountsServiceAccountToken: template.automountServiceAccountToken ?? account?.automountServiceAccountToken
                ?? true)
    }

    /// Without its stamps, which no plan depends on, so that a pod mostly asks what its template does.
    init(_ pod: ObjectMetadata) {
        self.init(annotations: pod.annotations, labels: pod.labels)
        for key in PodStamp.keys { annotations[key.name] = nil }
    }
}
