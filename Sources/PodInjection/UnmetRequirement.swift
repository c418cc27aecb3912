public import WorkloadIdentity

/// Why a pod that is labelled `lanyard.dev/inject: required` is refused: it would start without its credentials.
public struct UnmetRequirement: Hashable, Sendable {
    /// What is said as the pod is refused.
    public let refusal: String

    /// Whether that is what errors of the plan or the injection say.
    public let isAmongErrors: Bool

    /// What stands in the way, as it is said of the workload that makes such pods.
    private let obstacle: String

    /// - Returns: `nil` if the pod requires nothing, or gets all that it asks for.
    public init?(of pod: borrowing PodContext, plan: borrowing Plan, injection: borrowing Injection) {
        guard pod.requiresInjection else { return nil }
        let problems = plan.problems + injection.problems
        let leftOut = injection.lacking
        let errors = plan.errors(among: problems, lacking: leftOut)
        isAmongErrors = plan.exemption == nil && !errors.isEmpty
        let reason: String
        if let exemption = plan.exemption {
            (reason, obstacle) = (exemption, exemption)
        } else if !errors.isEmpty {
            (reason, obstacle) = (errors.sentence, errors.sentence)
        } else if plan.bindings.isEmpty {
            let request = "\(plan.subject) asks for no provider; annotate it"
            (reason, obstacle) = (problems.isEmpty ? request : problems.sentence, request)
        } else if !leftOut.isEmpty {
            let reports = problems.filter { $0.provider.map(leftOut.contains) == true }
            let names = leftOut.sorted().map(\.rawValue).joined(separator: ", ")
            (reason, obstacle) = (
                reports.isEmpty ? "\(names) cannot be injected into it" : reports.sentence,
                "\(names) cannot be injected into them"
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
            "its pods are labelled \(Plan.injectKey)=required, so they will be denied: \(obstacle)",
            field: Plan.injectKey, in: .podLabels)
    }
}

extension Plan {
    /// Whether a pod that requires injection is denied whatever else is in it.
    var deniesRequiredPods: Bool { !errors(among: problems, lacking: []).isEmpty }

    /// Those that keep a pod from something that it asks for.
    fileprivate func errors(among problems: [Problem], lacking leftOut: Set<ProviderName>) -> [Problem] {
        let served = Set(bindings.filter(\.isReady).map(\.provider)).subtracting(leftOut)
        // A malformed lifetime costs nobody a credential.
        return problems.filter { problem in
            problem.severity == .error
                && (problem.field == AnnotationKey.providers.name
                    || problem.provider.map { !served.contains($0) } == true)
        }
    }
}

extension [Problem] {
    /// What a refusal may be long is the API server's to say, but nobody reads more.
    fileprivate var sentence: String { prefix(20).map(\.sentence).joined(separator: "; ") }
}
