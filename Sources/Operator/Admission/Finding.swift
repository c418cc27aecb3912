internal import WorkloadIdentity

/// A problem, and the object that has it.
struct Finding: Hashable, Sendable {
    /// As people call it: `Deployment ai/app`.
    var object: String
    var problem: Problem

    /// Begins with the object, once.
    ///
    /// A problem of a ServiceAccount reads the same wherever it is told, so that kubectl, which leaves out repetitions,
    /// prints it once for all workloads of one apply.
    var message: String {
        problem.sentence.hasPrefix("\(object): ") ? problem.sentence : "\(object): \(problem.sentence)"
    }
}
