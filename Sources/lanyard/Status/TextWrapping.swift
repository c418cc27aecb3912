extension String {
    /// Broken between words into lines of a width, all but the first one indented further.
    ///
    /// - Parameters:
    ///   - width: in characters; `nil`: one line. A word that is longer stays whole, so that it can be copied.
    ///   - indentation: of the first line, in spaces.
    func wrapped(at width: Int?, indentation: Int = 0) -> String {
        let margin = String(repeating: " ", count: indentation)
        guard let width else { return margin + self }
        var lines: [String] = []
        var line = margin
        var isEmpty = true
        for word in split(separator: " ") {
            if !isEmpty, line.count + 1 + word.count > width {
                lines.append(line)
                (line, isEmpty) = (margin + "  ", true)
            }
            line += (isEmpty ? "" : " ") + word
            isEmpty = false
        }
        return (lines + [line]).joined(separator: "\n")
    }
}
