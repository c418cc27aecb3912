internal import JSON

/// All bindings of one workload, and what to add to its pods.
public struct Plan: Hashable, Sendable {
    public let subject: Subject
    public let bindings: [Binding]
    /// Problems that belong to no single binding, and then those of the bindings.
    public let problems: [Problem]
    /// Why the workload is left alone, if it is: nothing is injected then.
    public let exemption: String?
    /// A short name for what a pod gets: equal for equal plans, whatever the release or the pod's containers.
    ///
    /// `nil` if a pod gets nothing.
    public let hash: String?
    /// The bindings that add something to a pod.
    public let outcomes: [(provider: ProviderName, outcome: Binding.Outcome)]

    init(subject: Subject, bindings: [Binding], problems: [Problem], exemption: String?) {
        self.subject = subject
        self.bindings = bindings
        self.problems = problems
        self.exemption = exemption
        outcomes = Self.outcomes(bindings, exemption)
        hash = Self.hash(of: outcomes)
    }

    // What follows from the rest is not compared.

    public static func == (left: Plan, right: Plan) -> Bool {
        left.subject == right.subject && left.bindings == right.bindings && left.problems == right.problems
            && left.exemption == right.exemption
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(subject)
        hasher.combine(bindings)
        hasher.combine(problems)
        hasher.combine(exemption)
    }

    private static func outcomes(
        _ bindings: [Binding], _ exemption: String?
    ) -> [(provider: ProviderName, outcome: Binding.Outcome)] {
        guard exemption == nil else { return [] }
        return bindings.flatMap { binding in binding.outcomes.map { (binding.provider, $0) } }
    }

    private static func hash(of outcomes: [(provider: ProviderName, outcome: Binding.Outcome)]) -> String? {
        guard !outcomes.isEmpty else { return nil }
        return Fingerprint.of(
            outcomes.map { provider, outcome in
                [
                    .string(provider.rawValue), .string(outcome.mechanism.rawValue), .string(outcome.identity),
                    .array(outcome.containers.include.map { .string($0) }),
                    .array(outcome.containers.skip.map { .string($0) }),
                ]
            })
    }
}
