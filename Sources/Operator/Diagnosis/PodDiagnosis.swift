internal import JSON
public import KubernetesModel
public import PodInjection
public import WorkloadIdentity

/// What one pod should have, what it has, and why the two differ: the likeliest cause first.
///
/// It is made of an observation alone, by the functions by which admission injects and by which pods are counted.
public struct PodDiagnosis: Sendable {
    /// What a pod should have of one provider.
    public struct Expectation: Hashable, Sendable {
        public let provider: ProviderName
        /// Empty if there is no usable one.
        public let mechanisms: [Mechanism]
        /// Whom the provider takes the pod for; `nil` if the inputs do not say.
        public let identity: String?
        /// What is wrong with it.
        public let problems: [String]
    }

    /// What a provider must have been told of the pod's tokens.
    public struct Claims: Hashable, Sendable {
        public let provider: ProviderName
        public let mechanism: Mechanism
        /// `nil` if it is not known.
        public let issuer: String?
        public let subject: String
        /// `nil` for a mechanism that presents no token of its own.
        public let audience: String?
        public let identity: String?
    }

    public let pod: ObjectKey
    public let subject: Subject?
    public let expected: [Expectation]
    let standing: PodStanding
    /// What the pod itself says that it got: `aws-bedrock=irsa`. Empty if it says nothing.
    public let stamp: String
    public let containers: [ContainerDiagnosis]
    public let states: [ContainerState]
    public let phase: String
    public let events: [PodEvent]
    public let claims: [Claims]
    /// What the providers said; `nil` if they were not asked.
    public let trials: [TrialResult]?
    /// What they said to the pod itself, where it tried that as it started; `nil` if it did not, or has not ended.
    public let podTrials: [TrialResult]?
    /// When it had tried that, if it is known.
    public let podTrialTime: Timestamp?
    /// Never empty where something is wrong.
    public private(set) var causes: [Cause] = []

    public var standingWord: String { standing.word }
    public var standingText: String { standing.text }

    /// Whether something is wrong for certain.
    public var hasFault: Bool { causes.contains(where: \.isCertain) }

    public init(of observation: PodObservation) {
        let metadata = observation.metadata
        let plan = observation.plan
        let injection = plan.map { Injection(of: $0, into: PodManifest(observation.pod)) }
        pod = metadata.key
        subject = observation.subject
        standing = PodStanding(of: observation, plan, injection)
        stamp = PodStamp(annotations: metadata.annotations).summary
        expected = (plan?.bindings ?? []).map(Expectation.init)
        trials = observation.trials
        let reading = plan.flatMap { plan -> PodTrialReading? in
            guard
                case .ended(let reading) = PodTrialReading.state(of: observation.pod, plan, observation.configuration)
            else { return nil }
            return reading
        }
        podTrials = reading?.results
        podTrialTime = reading?.time
        claims = plan.map { $0.claims(by: observation.facts.issuer) } ?? []
        let examined = ExaminedPod(observation.pod, keys: observation.keys)
        containers = plan.map { ContainerDiagnosis.all(of: examined, for: $0, observation.configuration) } ?? []
        states = ContainerState.all(of: observation.pod)
        phase = observation.pod["status"]?["phase"]?.string ?? ""
        events = observation.events
        var judged = observation
        judged.trials = observation.trials ?? reading.map { observation.lastWords(of: $0) }
        let found = CauseFinding(judged, plan, injection, standing, containers, states).causes
        // Where a step has gone wrong, the next ones follow from it.
        causes = Cause.Kind.allCases.flatMap { kind in found.filter { $0.kind == kind } }
    }
}

extension PodObservation {
    /// The plan as admission would make it now; `nil` if what it depends on is not known.
    public var plan: Plan? {
        guard let subject, case .found(let account) = account else { return nil }
        let manifest = PodManifest(pod)
        let context = PodContext(pod: manifest, serviceAccountMounts: account.automountServiceAccountToken)
        return Plan(
            for: subject, serviceAccount: account.metadata.annotations, pod: context,
            namespaceLabels: namespaceLabels ?? [:], facts: facts, configuration: configuration)
    }
}

extension PodObservation {
    /// What a pod said and no later proof of the same exchange contradicts, as far as the operator's report tells.
    fileprivate func lastWords(of reading: PodTrialReading) -> [TrialResult] {
        guard let time = reading.time else { return reading.results }
        let proven = (report?.status["verification"]?["results"]?.array ?? []).filter { record in
            record["lastProofTime"]?.string.flatMap { Timestamp($0) }.map { $0 > time } ?? false
        }
        return reading.results.filter { result in
            !proven.contains { record in
                record["provider"]?.string == result.provider.rawValue
                    && record["mechanism"]?.string == result.mechanism?.rawValue
                    && record["identity"]?.string == result.identity
            }
        }
    }
}

extension PodDiagnosis.Expectation {
    fileprivate init(_ binding: Binding) {
        provider = binding.provider
        mechanisms = binding.outcomes.map(\.mechanism)
        identity = binding.outcomes.last?.trust.identity
        problems = binding.problems.filter { $0.severity != .note }.map(\.message)
    }
}

extension Plan {
    fileprivate func claims(by issuer: Issuer) -> [PodDiagnosis.Claims] {
        outcomes.filter { $0.outcome.trust.isInServiceAccount }.map { provider, outcome in
            PodDiagnosis.Claims(
                provider: provider, mechanism: outcome.mechanism, issuer: issuer.url, subject: subject.claim,
                audience: outcome.trust.audience, identity: outcome.trust.identity)
        }
    }
}
