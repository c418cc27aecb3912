internal import JSON
internal import WorkloadIdentity

/// The reports on several ServiceAccounts, in order.
struct VerificationSummary: Sendable {
    let reports: [VerificationReport]

    var hasFailure: Bool { reports.contains(where: \.hasFailure) }

    func text(width: Int?) -> String {
        guard reports.count > 1 else { return reports.first?.text(width: width) ?? "" }
        let counts = counts.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
        return (reports.map { $0.text(width: width, isNamed: true) } + ["\(reports.count) ServiceAccounts: \(counts)"])
            .joined(separator: "\n\n")
    }

    var json: JSONValue {
        var summary: JSONValue = [:]
        for (name, count) in counts { summary[name] = .number(JSONNumber(count)) }
        return ["serviceAccounts": .array(reports.map(\.json)), "summary": summary]
    }

    private var counts: [(name: String, count: Int)] {
        let outcomes = reports.flatMap(\.entries).map(\.verdict.outcome)
        return Verdict.Outcome.allCases.map { outcome in
            (outcome.rawValue.lowercased(), outcomes.count { $0 == outcome })
        }
    }
}
