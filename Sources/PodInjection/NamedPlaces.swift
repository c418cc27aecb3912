internal import JSON

/// Where the elements of a list stand that have names. Of those with the same name the last one counts.
struct NamedPlaces {
    /// In bytes, of an element that is looked into. What is longer is no variable or volume that decides anything, and looking
    /// into it for each container and provider would cost the product of all three.
    private static let longest = 4 << 10

    private var names: [JSONStringToken] = []
    /// A bit for each length that a name has as it is written: most that are asked for have another, and need not be looked for.
    private var lengths: UInt64 = 0
    private var offsets: [Int] = []
    /// Which of them are longer.
    private var long: Set<Int> = []
    /// Whether places among the named ones are places in the list.
    private(set) var areAllNamed = true

    mutating func append(_ name: JSONStringToken?, at range: Range<Int>) {
        guard let name else {
            areAllNamed = false
            return
        }
        if names.isEmpty {
            names.reserveCapacity(16)
            offsets.reserveCapacity(16)
        }
        if range.count > Self.longest { long.insert(names.count) }
        names.append(name)
        lengths |= name.hasEscapes ? .max : Self.bit(forLength: name.length)
        offsets.append(range.lowerBound)
    }

    func index(of name: String, in text: JSONReader) -> Int? {
        areAllNamed ? lastIndex(of: name, in: text) : nil
    }

    func contains(_ name: String, in text: JSONReader) -> Bool {
        lastIndex(of: name, in: text) != nil
    }

    private func lastIndex(of name: String, in text: JSONReader) -> Int? {
        guard lengths & Self.bit(forLength: name.utf8.count) != 0 else { return nil }
        return text.lastIndex(of: name, in: names)
    }

    private static func bit(forLength length: Int) -> UInt64 { 1 << UInt64(min(length, 63)) }

    /// Each of them, as it begins.
    func readers(of text: JSONReader) -> [JSONReader] { offsets.map { text.reading(at: $0) } }

    /// - Returns: `nil` if there is none of that name; null for one that is too long to be looked into.
    func value(of name: String, in text: JSONReader) -> JSONValue? {
        guard let index = lastIndex(of: name, in: text) else { return nil }
        guard !long.contains(index) else { return .null }
        var json = text.reading(at: offsets[index])
        return try? json.value()
    }
}
