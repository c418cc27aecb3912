internal import JSON
internal import PodInjection
internal import WorkloadIdentity

extension FindingReport {
    /// The findings for code-scanning services.
    /// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    var sarif: JSONValue {
        let rules = Set(findings.map(\.problem.reason.rawValue)).sorted().map(Problem.Reason.init(rawValue:))
        return [
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [
                [
                    "tool": [
                        "driver": [
                            "name": "lanyard", "version": .string(Version.current),
                            "rules": .array(rules.map(\.rule)),
                        ]
                    ],
                    "results": .array(findings.map { $0.sarif(rules) }),
                ]
            ],
        ]
    }
}

extension Problem.Reason {
    fileprivate var rule: JSONValue {
        var rule: JSONValue = ["id": .string(rawValue), "name": .string(rawValue)]
        guard let guide else { return rule }
        rule["shortDescription"] = ["text": .string(guide.meaning + ".")]
        rule["fullDescription"] = ["text": .string("\(guide.meaning). What to do: \(guide.remedy).")]
        rule["helpUri"] = .string(guide.address)
        return rule
    }
}

extension LocatedFinding {
    fileprivate func sarif(_ rules: [Problem.Reason]) -> JSONValue {
        [
            "ruleId": .string(problem.reason.rawValue),
            "ruleIndex": .number(JSONNumber(rules.firstIndex(of: problem.reason) ?? 0)),
            "level": .string(problem.severity.rawValue),
            "message": ["text": .string(finding.message)],
            "locations": [
                [
                    "physicalLocation": [
                        "artifactLocation": ["uri": .string(file == "-" ? "stdin" : file.uriReference)],
                        "region": ["startLine": .number(JSONNumber(line))],
                    ]
                ]
            ],
        ]
    }
}

extension String {
    /// A path as a relative reference (RFC 3986 section 4.2).
    fileprivate var uriReference: String {
        utf8.map { byte in
            let character = Character(Unicode.Scalar(byte))
            let isPlain = byte < 0x80 && (character.isLetter || character.isNumber || "-._~/".contains(character))
            return isPlain
                ? String(character) : "%" + (byte < 0x10 ? "0" : "") + String(byte, radix: 16, uppercase: true)
        }.joined()
    }
}
