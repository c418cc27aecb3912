extension String {
    /// Short enough for a message, and on one line, however long the text is.
    public var shortened: String {
        let limit = 96
        let start = unicodeScalars.prefix(limit + 1)
        let line = start.map { scalar -> Unicode.Scalar in
            scalar.properties.isWhitespace || scalar.properties.generalCategory == .control ? " " : scalar
        }
        let isWhole = line.count <= limit
        let text = String(String.UnicodeScalarView(line.prefix(isWhole ? limit : limit - 3)))
        return isWhole ? text : text + "…"
    }
}
