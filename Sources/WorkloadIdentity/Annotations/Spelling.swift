/// Finds what was likely meant by a name that is not known.
enum Spelling {
    /// The nearest of some names, if one is near enough to be meant.
    static func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
        let written = normalized(word)
        let limit = max(1, min(3, written.count / 5))
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let other = normalized(candidate)
            // No fewer bytes have to be changed than the lengths differ by.
            guard abs(other.count - written.count) <= limit else { continue }
            let distance = editDistance(written, other)
            if distance < (best?.distance ?? limit + 1) { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Case and the choice of separators are slips of the hand.
    private static func normalized(_ word: String) -> [UInt8] {
        word.lowercased().utf8.prefix(128).map { $0 == UInt8(ascii: "_") ? UInt8(ascii: "-") : $0 }
    }

    /// The number of bytes to insert, remove or change (Levenshtein distance).
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var row = Array(0...right.count)
        for (i, byte) in left.enumerated() {
            var diagonal = row[0]
            row[0] = i + 1
            for (j, other) in right.enumerated() {
                let substituted = diagonal + (byte == other ? 0 : 1)
                diagonal = row[j + 1]
                row[j + 1] = min(substituted, row[j] + 1, diagonal + 1)
            }
        }
        return row[right.count]
    }
}
