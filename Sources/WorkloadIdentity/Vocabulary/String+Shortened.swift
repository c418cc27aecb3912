extension String {
    /// Short enough for a message, and on one line, however long the text is.
    public var shortened: String { shortened(to: 96) }

    /// - Parameter limit: in Unicode scalars.
    public func shortened(to limit: Int) -> String {
        let start = unicodeScalars.prefix(limit + 1)
        let line = start.map { scalar -> Unicode.Scalar in
            scalar.properties.isWhitespace || scalar.properties.generalCategory == .control ? " " : scalar
        }
        let isWhole = line.count <= limit
        let text = String(String.UnicodeScalarView(line.prefix(isWhole ? limit : limit - 3)))
        return isWhole ? text : text + "…"
    }
}
