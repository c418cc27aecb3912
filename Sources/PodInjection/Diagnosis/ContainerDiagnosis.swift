internal import JSON
public import WorkloadIdentity

/// Which credentials the SDKs in one container of a pod take.
public struct ContainerDiagnosis: Hashable, Sendable {
    public let name: String
    /// For each provider that the container is meant to have, in the plan's order.
    public let choices: [CredentialChoice]
    /// What else its variables tell, of providers that nobody has asked for.
    public let hints: [String]

    /// - Parameters:
    ///   - plan: as it is made now.
    ///   - configuration: which declares providers.
    public static func all(
        of pod: ExaminedPod, for plan: Plan, _ configuration: Configuration
    ) -> [ContainerDiagnosis] {
        let draft = PodDraft(pod.manifest)
        guard draft.isWellFormed else { return [] }
        let fallbacks = Dictionary(Provider.all(configuration).map { ($0.name, $0.fallback) }) { first, _ in first }
        return draft.containers.enumerated().map { index, container in
            let choices = plan.outcomes.filter { $0.outcome.serves(container.name) }.map { provider, outcome in
                CredentialChoice(
                    outcome, of: provider, at: index, in: draft, of: pod, fallback: fallbacks[provider] ?? nil)
            }
            let hints = plan.hints(
                forContainer: (container.name, container.pointer), configuration: configuration,
                defines: container.defines)
            return ContainerDiagnosis(name: container.name, choices: choices, hints: hints.map(\.message))
        }
    }
}
