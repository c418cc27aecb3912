/// What of a list of warnings reaches the person who typed the command.
///
/// The API server drops a warning with a control character in it, and one that repeats another. Once all warnings of an
/// operation exceed 4096 characters it cuts each at 256, and once that does not help it drops the rest in silence:
/// <https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/endpoints/filters/warning.go>.
/// This does the same first, and says so instead.
public enum AdmissionWarnings {
    /// In Unicode scalars, for all warnings together.
    public static let totalLimit = 4096

    /// In Unicode scalars, for one warning when all together are too long.
    public static let itemLimit = 256

    /// The same warnings in the same order, each on one line, as far as there is room; the last says how many are missing.
    public static func fitting(_ warnings: [String]) -> [String] {
        let lines = warnings.map(\.onOneLine).withoutRepetitions
        guard lines.totalLength > totalLimit else { return lines }
        let cut = lines.map { $0.cut(to: itemLimit) }
        guard cut.totalLength > totalLimit else { return cut }

        var kept: [String] = []
        var room = totalLimit - noteLength
        for line in cut {
            room -= line.unicodeScalars.count
            if room < 0 { break }
            kept.append(line)
        }
        return kept + ["\(cut.count - kept.count) more warnings are left out: there is no room for them"]
    }

    private static let noteLength = 80
}

extension String {
    fileprivate var onOneLine: String {
        let words = unicodeScalars.split { $0.properties.generalCategory == .control || $0 == " " || $0.isLineBreak }
        return words.map(String.init).joined(separator: " ")
    }

    fileprivate func cut(to limit: Int) -> String {
        let scalars = unicodeScalars
        return scalars.count <= limit ? self : String(scalars.prefix(limit - 1)) + "…"
    }
}

extension Unicode.Scalar {
    fileprivate var isLineBreak: Bool { self == "\u{2028}" || self == "\u{2029}" }
}

extension [String] {
    fileprivate var totalLength: Int { reduce(0) { $0 + $1.unicodeScalars.count } }

    fileprivate var withoutRepetitions: [String] {
        var seen: Set<String> = []
        return filter { !$0.isEmpty && seen.insert($0).inserted }
    }
}
