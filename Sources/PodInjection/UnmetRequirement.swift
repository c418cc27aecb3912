public import WorkloadIdentity

/// Why a pod that is labelled `lanyard.dev/inject: required` is refused: it would start without its credentials.
public struct UnmetRequirement: Hashable, Sendable {
    /// What is said as the pod is refused.
    public let refusal: String

    /// What stands in the way, as it is said of the workload that makes such pods.
    private let obstacle: String

    /// - Returns: `nil` if the pod requires nothing, or gets all that it asks for.
    public init?(of pod: PodContext, plan: Plan, injection: Injection) {
        guard pod.requiresInjection else { return nil }
        let problems = plan.problems + injection.problems
        let errors = problems.filter { $0.severity == .error }
        let reason: String
        if let exemption = plan.exemption {
            (reason, obstacle) = (exemption, exemption)
        } else if !errors.isEmpty {
            (reason, obstacle) = (errors.sentence, errors.sentence)
        } else if plan.bindings.isEmpty {
            let request = "\(plan.subject) asks for no provider; annotate it"
            (reason, obstacle) = (problems.isEmpty ? request : problems.sentence, request)
        } else if injection.injected.isEmpty {
            (reason, obstacle) = (
                problems.isEmpty ? "nothing can be injected into it" : problems.sentence,
                "nothing can be injected into them"
            )
        } else {
            return nil
        }
        refusal = "the pod is labelled \(Plan.injectKey)=required, but \(reason)"
    }

    /// What is said of a workload that makes such pods.
    public func problem(_ severity: Problem.Severity) -> Problem {
        Problem(
            severity, .requirementUnmet,
            "its pods are labelled \(Plan.injectKey)=required, so they will be refused: \(obstacle)",
            field: Plan.injectKey, in: .podLabels)
    }
}

extension [Problem] {
    fileprivate var sentence: String { map(\.message).joined(separator: "; ") }
}
