internal import JSON
internal import WorkloadIdentity

/// A problem of one object in the manifests.
struct Finding: Hashable {
    var problem: Problem
    var kind: String
    /// Empty for a Namespace.
    var namespace: String
    var name: String
    var file: String
    /// Counted from 1.
    var line: Int

    /// The message, which names the object.
    var sentence: String {
        let object = "\(kind) \(namespace.isEmpty ? "" : "\(namespace)/")\(name): "
        return problem.sentence.hasPrefix(object) ? problem.sentence : object + problem.sentence
    }

    var json: JSONValue {
        var finding: JSONValue = [
            "severity": .string(problem.severity.rawValue), "reason": .string(problem.reason.rawValue),
            "message": .string(kind == "ServiceAccount" ? problem.message : problem.sentence), "kind": .string(kind),
            "namespace": .string(namespace),
            "name": .string(name), "file": .string(file), "line": .number(JSONNumber(line)),
        ]
        finding["field"] = problem.field.map { .string($0) }
        return finding
    }
}

/// All findings, in the order of the files.
struct FindingReport {
    var findings: [Finding]

    func count(_ severity: Problem.Severity) -> Int {
        findings.count { $0.problem.severity == severity }
    }

    var json: JSONValue {
        [
            "findings": .array(findings.map(\.json)),
            "summary": [
                "errors": .number(JSONNumber(count(.error))), "warnings": .number(JSONNumber(count(.warning))),
            ],
        ]
    }

    /// A line for each finding, as compilers write them, so that editors find the place.
    var table: String {
        let lines = findings.map { finding in
            """
            \(finding.file):\(finding.line): \(finding.problem.severity): \(finding.problem.reason): \
            \(finding.sentence)
            """
        }
        return (lines + ["\(number(.error)), \(number(.warning))"]).joined(separator: "\n")
    }

    private func number(_ severity: Problem.Severity) -> String {
        let count = self.count(severity)
        return "\(count) \(severity)\(count == 1 ? "" : "s")"
    }
}
