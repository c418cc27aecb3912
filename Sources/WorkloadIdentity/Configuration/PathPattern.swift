/// Which paths of stored keys a ServiceAccount may ask for: an element of `vault.allowedPaths`.
///
/// A pattern is compared with a path one segment at a time. `{namespace}` and `{serviceaccount}` stand for the names of
/// who asks, `*` for any part of one segment, and `**`, as the last segment, for one or more.
struct PathPattern {
    private static let rest = "**"

    private var segments: [Substring]

    init(_ text: String) {
        segments = text.split(separator: "/", omittingEmptySubsequences: false)
    }

    private enum Placeholder: String, CaseIterable {
        case namespace = "{namespace}"
        case serviceAccount = "{serviceaccount}"

        func name(in subject: Subject) -> String {
            switch self {
            case .namespace: subject.namespace
            case .serviceAccount: subject.serviceAccount
            }
        }
    }

    /// Whether a path, which has no segment that is empty, `.` or `..`, is one of those that the pattern means.
    func allows(_ path: String, for subject: Subject) -> Bool {
        var patterns = segments
        var parts = path.split(separator: "/", omittingEmptySubsequences: false)
        if patterns.last.map({ $0 == Self.rest }) == true {
            patterns.removeLast()
            guard parts.count > patterns.count else { return false }
            parts.removeLast(parts.count - patterns.count)
        }
        return patterns.count == parts.count
            && zip(patterns, parts).allSatisfy { Self.allows(Array($1.utf8), by: $0, for: subject) }
    }

    private static func allows(_ part: [UInt8], by pattern: Substring, for subject: Subject) -> Bool {
        let written = written(pattern, for: subject)
        // The names are themselves: nothing in them is a wildcard.
        guard written == pattern else { return Array(written.utf8) == part }
        return matches(part, Array(pattern.utf8))
    }

    /// `*` takes as little as it can, and more where the rest would not fit: no recursion, however many there are.
    private static func matches(_ text: [UInt8], _ pattern: [UInt8]) -> Bool {
        let star = UInt8(ascii: "*")
        var (position, place) = (0, 0)
        var lastStar: (place: Int, taken: Int)?
        while position < text.count {
            if place < pattern.count, pattern[place] == star {
                lastStar = (place, position)
                place += 1
            } else if place < pattern.count, pattern[place] == text[position] {
                place += 1
                position += 1
            } else if let (starPlace, taken) = lastStar {
                lastStar = (starPlace, taken + 1)
                (place, position) = (starPlace + 1, taken + 1)
            } else {
                return false
            }
        }
        return pattern[place...].allSatisfy { $0 == star }
    }

    /// The pattern with the names in it, for messages.
    func written(for subject: Subject) -> String {
        segments.map { Self.written($0, for: subject) }.joined(separator: "/")
    }

    private static func written(_ segment: Substring, for subject: Subject) -> String {
        for placeholder in Placeholder.allCases {
            if let (before, after) = segment.halves(around: placeholder.rawValue) {
                return before + placeholder.name(in: subject) + after
            }
        }
        return String(segment)
    }

    // MARK: Syntax

    /// A segment has one placeholder at most, and no `*` beside it: `{namespace}-*` of namespace `a` would mean what is
    /// namespace `a-b`'s.
    static let syntax = ValueSyntax(
        """
        a pattern of paths, such as "secret/data/{namespace}/**": "*" within a segment, "**" as the last one, \
        {namespace} or {serviceaccount} once in a segment without "*"
        """
    ) { text in
        let segments = text.split(separator: "/", omittingEmptySubsequences: false)
        return text.utf8.count <= 512
            && segments.enumerated().allSatisfy { index, segment in
                if segment == rest { return index == segments.count - 1 }
                for placeholder in Placeholder.allCases {
                    if let (before, after) = segment.halves(around: placeholder.rawValue) {
                        return (before + after).utf8.allSatisfy(isPlain)
                    }
                }
                return !segment.isEmpty && segment != "." && segment != ".."
                    && segment.utf8.allSatisfy { isPlain($0) || $0 == UInt8(ascii: "*") }
            }
    }

    private static func isPlain(_ byte: UInt8) -> Bool { byte.isWordByte || ".-".utf8.contains(byte) }
}

extension Substring {
    /// What stands before and after the first place where a text stands; `nil` if it stands nowhere.
    fileprivate func halves(around text: String) -> (before: String, after: String)? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(text) {
                return (String(self[..<start]), String(self[start...].dropFirst(text.count)))
            }
            start = index(after: start)
        }
        return nil
    }
}
