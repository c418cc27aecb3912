/// What tells the series of a name apart, rendered once, when the metric is made: `path="/mutate",outcome="allowed"`.
///
/// Values are escaped, because they may come from outside (GHSA-x768-cvr2-345r was an exposition that did not).
struct PrometheusLabels: Hashable, Sendable {
    let text: String

    /// Sorted by name, so that the order in which they are given makes no other series. Of a name given twice the last counts.
    init(_ dimensions: [(String, String)]) {
        let labels = Dictionary(dimensions.map { (String.labelName($0), $1) }, uniquingKeysWith: { $1 })
        text = labels.sorted { $0.key < $1.key }
            .map { #"\#($0.key)="\#($0.value.escapedLabelValue)""# }
            .joined(separator: ",")
    }

    private init(text: String) {
        self.text = text
    }

    /// - Parameter value: needs no escaping.
    func adding(_ name: String, _ value: String) -> PrometheusLabels {
        PrometheusLabels(text: (text.isEmpty ? "" : text + ",") + #"\#(name)="\#(value)""#)
    }
}

extension String {
    /// `[a-zA-Z_:][a-zA-Z0-9_:]*`
    static func metricName(_ name: String) -> String {
        sanitized(name, allowing: ":")
    }

    /// `[a-zA-Z_][a-zA-Z0-9_]*`
    static func labelName(_ name: String) -> String {
        sanitized(name, allowing: "_")
    }

    private static func sanitized(_ name: String, allowing extra: Unicode.Scalar) -> String {
        var result = ""
        for scalar in name.unicodeScalars {
            let isAllowed = scalar == "_" || scalar == extra || scalar.isASCIILetterOrDigit
            result.unicodeScalars.append(isAllowed ? scalar : "_")
        }
        let startsWithDigit = result.utf8.first.map { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return startsWithDigit ?? true ? "_" + result : result
    }

    fileprivate var escapedLabelValue: String {
        var result = ""
        for scalar in unicodeScalars {
            switch scalar {
            case "\\": result += #"\\"#
            case "\"": result += #"\""#
            case "\n": result += #"\n"#
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }
}

extension Unicode.Scalar {
    fileprivate var isASCIILetterOrDigit: Bool {
        ("a"..."z").contains(self) || ("A"..."Z").contains(self) || ("0"..."9").contains(self)
    }
}
