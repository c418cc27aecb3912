internal import JSON

/// What is wrong with a pod's containers, as its stamp says, or a status.
struct StatusProblem: Hashable {
    /// Nobody reads more of one thing.
    static let most = 10

    var reason: String
    var message: String

    /// - Parameter line: `Reason: message`, as a stamp has it. A pod that no webhook saw may bring anything.
    init?(stamp line: String) {
        guard let colon = line.firstRange(of: ": ") else { return nil }
        let reason = line[..<colon.lowerBound]
        guard (1...64).contains(reason.utf8.count), reason.first?.isUppercase == true,
            reason.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber) })
        else { return nil }
        self.reason = String(reason)
        let printable = line[colon.upperBound...].unicodeScalars.map { scalar -> Unicode.Scalar in
            scalar.properties.generalCategory == .control ? " " : scalar
        }
        message = String(String(String.UnicodeScalarView(printable)).prefix(1000))
    }

    init?(_ json: JSONValue) {
        guard let reason = json["reason"]?.string, let message = json["message"]?.string else { return nil }
        (self.reason, self.message) = (reason, message)
    }

    var json: JSONValue { ["reason": .string(reason), "message": .string(message)] }
}

extension [StatusProblem] {
    /// Adds what is not there yet, as long as somebody may read it.
    mutating func add(_ others: some Sequence<StatusProblem>) {
        for problem in others where count < StatusProblem.most && !contains(problem) { append(problem) }
    }
}
