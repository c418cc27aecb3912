extension String {
    /// Whether both are written with the same bytes, as JSON compares strings (RFC 8259 section 8.3). `==` takes two ways to
    /// write `é` for one; most strings that differ it tells apart sooner.
    func isSameText(as other: String) -> Bool {
        self == other && utf8.elementsEqual(other.utf8)
    }
}
