internal import JSON
internal import PodInjection
internal import WorkloadIdentity

/// What is wrong with one object of the manifests, and where it is written.
struct LocatedFinding: Hashable {
    var finding: Finding
    var kind: String
    /// Empty for a Namespace.
    var namespace: String
    var name: String
    var file: String
    /// Counted from 1.
    var line: Int

    var problem: Problem { finding.problem }

    var json: JSONValue {
        var json: JSONValue = [
            "severity": .string(problem.severity.rawValue), "reason": .string(problem.reason.rawValue),
            "message": .string(problem.message), "kind": .string(kind), "namespace": .string(namespace),
            "name": .string(name), "file": .string(file), "line": .number(JSONNumber(line)),
        ]
        json["field"] = problem.field.map { .string($0) }
        return json
    }
}
