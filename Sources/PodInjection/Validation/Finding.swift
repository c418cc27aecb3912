public import WorkloadIdentity

/// A problem, and the object that has it.
public struct Finding: Hashable, Sendable {
    /// As people call it: `Deployment ai/app`.
    public var object: String
    public var problem: Problem

    public init(object: String, problem: Problem) {
        self.object = object
        self.problem = problem
    }

    /// Begins with the object, once.
    ///
    /// A problem of a ServiceAccount reads the same wherever it is told, so that kubectl, which leaves out repetitions,
    /// prints it once for all workloads of one apply.
    public var message: String {
        let sentence = problem.sentence
        let isNamed = [":", " "].contains { sentence.hasPrefix(object + $0) }
        return isNamed ? sentence : "\(object): \(sentence)"
    }
}

extension [Finding] {
    public var errors: [Finding] { filter { $0.problem.severity == .error } }

    /// What people are told as they apply an object: errors first, else as they were.
    public var warnings: [Finding] { errors + filter { $0.problem.severity == .warning } }
}
