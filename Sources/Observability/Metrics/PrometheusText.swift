/// Writes the text exposition format.
struct PrometheusText {
    private(set) var bytes: [UInt8] = []

    /// Begins the samples of a name. Each name is begun once, however many series it has.
    mutating func begin(_ name: String, _ type: PrometheusType, help: String?) {
        if let help {
            // Escaped so that it stays one line.
            let escaped = help.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: #"\\"#)
                .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: #"\n"#)
            line("# HELP \(name) \(escaped)")
        }
        line("# TYPE \(name) \(type.rawValue)")
    }

    mutating func sample(_ name: String, _ labels: PrometheusLabels, _ value: Double) {
        line("\(name)\(labels.text.isEmpty ? "" : "{\(labels.text)}") \(Self.number(value))")
    }

    /// As Go's `ParseFloat` reads it, whole numbers without a fraction.
    static func number(_ value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Inf" : "+Inf" }
        // Beyond 2^53 not every whole number is a Double.
        guard value == value.rounded(), abs(value) < 0x1p53 else { return "\(value)" }
        return "\(Int(value))"
    }

    private mutating func line(_ text: String) {
        bytes.append(contentsOf: text.utf8)
        bytes.append(UInt8(ascii: "\n"))
    }
}
