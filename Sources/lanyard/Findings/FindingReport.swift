internal import JSON
internal import PodInjection
internal import WorkloadIdentity

/// All findings, in the order of the files, and what they were looked for in.
struct FindingReport {
    let findings: [LocatedFinding]
    let counts: ObjectCounts

    init(_ objects: [ManifestSet.ReviewedObject]) {
        findings = objects.flatMap(\.findings)
        counts = ObjectCounts(of: objects.map(\.object))
    }

    func count(_ severity: Problem.Severity) -> Int {
        findings.count { $0.problem.severity == severity }
    }

    var json: JSONValue {
        [
            "findings": .array(findings.map(\.json)),
            "summary": [
                "errors": .number(JSONNumber(count(.error))), "warnings": .number(JSONNumber(count(.warning))),
                "workloads": .number(JSONNumber(counts.workloads)),
                "serviceAccounts": .number(JSONNumber(counts.serviceAccounts)),
                "namespaces": .number(JSONNumber(counts.namespaces)), "files": .number(JSONNumber(counts.files)),
            ],
        ]
    }

    /// A line for each finding, as compilers write them, so that editors find the place.
    var table: String {
        let lines = findings.map { found in
            """
            \(found.file):\(found.line): \(found.problem.severity): \(found.problem.reason): \
            \(found.finding.message)
            """
        }
        return (lines + [summary]).joined(separator: "\n")
    }

    private var summary: String {
        "\(counts) checked: \(count(.error).of("error")), \(count(.warning).of("warning"))"
    }
}

/// How much there was to review.
struct ObjectCounts: Hashable, CustomStringConvertible {
    private(set) var workloads = 0
    private(set) var serviceAccounts = 0
    private(set) var namespaces = 0
    /// In which they were.
    let files: Int

    init(of objects: [ManifestSet.Object]) {
        let relevant = objects.filter { $0.role != .nothing }
        files = Set(relevant.map(\.file)).count
        for object in relevant {
            switch object.role {
            case .serviceAccount: serviceAccounts += 1
            case .namespace: namespaces += 1
            case .pod, .workload, .otherWorkload: workloads += 1
            case .nothing: continue
            }
        }
    }

    var isEmpty: Bool { files == 0 }

    var description: String {
        var parts = [workloads.of("workload"), serviceAccounts.of("ServiceAccount")]
        if namespaces > 0 { parts.append(namespaces.of("Namespace")) }
        let all = [parts.dropLast().joined(separator: ", "), parts[parts.count - 1]].joined(separator: " and ")
        return "\(all) in \(files.of("file"))"
    }
}

extension Int {
    /// `1 file`, `2 files`.
    fileprivate func of(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
