/// Reads just what is asked for from a JSON text, in one pass, and skips the rest.
///
/// The caller says what it expects and gets it, or an error that says what stands there instead:
/// ```swift
/// try reader.object { key, json in
///     switch key {
///     case "name": name = try json.string()
///     default: try json.skip()
///     }
/// }
/// ```
/// A closure must read or skip its value. The grammar is RFC 8259 to the letter, for skipped values too; depth is
/// bounded, since reading nests as the text does.
public struct JSONReader: Sendable {
    public static let defaultMaximumDepth = 128

    private let bytes: [UInt8]
    private var depthLeft: Int

    /// The offset, in bytes, of what will be read next.
    public private(set) var offset = 0

    /// - Parameter maximumDepth: how many arrays and objects may stand inside each other.
    public init(_ bytes: [UInt8], maximumDepth: Int = JSONReader.defaultMaximumDepth) {
        self.bytes = bytes
        depthLeft = maximumDepth
    }

    /// What kind of value comes next, by its first byte; `nil` if none begins there.
    public mutating func kind() -> Kind? {
        offset = bytes.span.endOfWhitespace(at: offset)
        return switch bytes.span.byte(at: offset) {
        case UInt8(ascii: "{"): .object
        case UInt8(ascii: "["): .array
        case UInt8(ascii: "\""): .string
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: .number
        case UInt8(ascii: "t"), UInt8(ascii: "f"): .bool
        case UInt8(ascii: "n"): .null
        default: nil
        }
    }

    /// Whether the next value begins with this byte.
    @inline(__always)
    mutating func isNext(_ byte: UInt8) -> Bool {
        offset = bytes.span.endOfWhitespace(at: offset)
        return bytes.span.byte(at: offset) == byte
    }

    public enum Kind: Sendable {
        case null, bool, number, string, array, object
    }

    // MARK: Containers

    /// Reads an object and hands each member to `member`. `null` counts as an empty object, as it does for Kubernetes.
    public mutating func object(_ member: (String, inout JSONReader) throws -> Void) throws {
        guard try enter(UInt8(ascii: "{"), "an object", emptyIf: UInt8(ascii: "}")) else { return }
        repeat {
            try member(try key(), &self)
        } while try another(before: UInt8(ascii: "}"))
        depthLeft += 1
    }

    /// Reads an object whose members are known by name: ``object(_:)`` without a `String` for each of them.
    ///
    /// Names are compared byte by byte, in a `switch` with the names as cases.
    public mutating func members(_ member: (Span<UInt8>, inout JSONReader) throws -> Void) throws {
        guard try enter(UInt8(ascii: "{"), "an object", emptyIf: UInt8(ascii: "}")) else { return }
        // For the names, while the reader is lent out.
        let text = bytes
        repeat {
            let token = try passKey()
            if token.hasEscapes {
                try member(string(token).utf8.span, &self)
            } else {
                try member(text.span.extracting(token.range), &self)
            }
        } while try another(before: UInt8(ascii: "}"))
        depthLeft += 1
    }

    /// Reads of an object the member of one name, and skips all others. `null` counts as an empty object.
    ///
    /// No name is made into a `String` for it.
    public mutating func object(only name: StaticString, _ member: (inout JSONReader) throws -> Void) throws {
        guard try enter(UInt8(ascii: "{"), "an object", emptyIf: UInt8(ascii: "}")) else { return }
        repeat {
            if try passKey(ifIs: name) { try member(&self) } else { try skip() }
        } while try another(before: UInt8(ascii: "}"))
        depthLeft += 1
    }

    /// Reads an array and hands each element to `element`. `null` counts as an empty array.
    public mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
        guard try enter(UInt8(ascii: "["), "an array", emptyIf: UInt8(ascii: "]")) else { return }
        repeat {
            try element(&self)
        } while try another(before: UInt8(ascii: "]"))
        depthLeft += 1
    }

    // MARK: Scalars

    public mutating func string() throws(JSONError) -> String {
        try parse { text, offset throws(JSONError) in
            let token = try text.string(at: text.endOfWhitespace(at: offset))
            offset = token.range.upperBound + 1
            return text.string(token)
        }
    }

    /// A string, or `nil` for `null`.
    public mutating func optionalString() throws(JSONError) -> String? {
        skipNull() ? nil : try string()
    }

    public mutating func bool() throws(JSONError) -> Bool {
        try parse { text, offset throws(JSONError) in
            offset = text.endOfWhitespace(at: offset)
            for (word, value): (StaticString, Bool) in [("true", true), ("false", false)] {
                guard let end = text.end(ofWord: word, at: offset) else { continue }
                offset = end
                return value
            }
            throw text.mismatch(expected: "a boolean", at: offset)
        }
    }

    /// A whole number. A fraction, an exponent, or a number that does not fit is an error.
    public mutating func integer() throws(JSONError) -> Int {
        let start = offset
        guard let value = try number().integer else {
            throw JSONError("expected a whole number", at: start)
        }
        return value
    }

    public mutating func number() throws(JSONError) -> JSONNumber {
        try parse { text, offset throws(JSONError) in
            offset = text.endOfWhitespace(at: offset)
            return try text.number(&offset)
        }
    }

    /// Whether `null` comes next. If so it is passed over.
    public mutating func skipNull() -> Bool {
        parse { text, offset in
            offset = text.endOfWhitespace(at: offset)
            guard text.byte(at: offset) == UInt8(ascii: "n"), let end = text.end(ofWord: "null", at: offset) else {
                return false
            }
            offset = end
            return true
        }
    }

    // MARK: Whole values

    public mutating func value() throws(JSONError) -> JSONValue {
        let depth = depthLeft
        return try parse { text, offset throws(JSONError) in try text.value(&offset, depth: depth) }
    }

    /// Passes over a value, checking its grammar but keeping nothing of it.
    public mutating func skip() throws(JSONError) {
        offset = try bytes.span.end(ofValueAt: offset, depth: depthLeft)
    }

    /// Where in the text the next value stands, in bytes. The value is passed over.
    public mutating func range() throws(JSONError) -> Range<Int> {
        offset = bytes.span.endOfWhitespace(at: offset)
        let start = offset
        try skip()
        return start..<offset
    }

    /// Checks that only white space is left.
    public mutating func end() throws(JSONError) {
        offset = bytes.span.endOfWhitespace(at: offset)
        if offset < bytes.count { throw bytes.span.mismatch(expected: "the end of the text", at: offset) }
    }

    // MARK: Reading later

    /// A reader of the value that stands, or begins with white space, at an offset where this one has been.
    public func reading(at offset: Int) -> JSONReader {
        var reader = self
        reader.offset = offset
        return reader
    }

    /// A string, found and checked, but not made: it can be compared, or made later.
    public mutating func stringToken() throws(JSONError) -> JSONStringToken {
        try parse { text, offset throws(JSONError) in
            let token = try text.string(at: text.endOfWhitespace(at: offset))
            offset = token.range.upperBound + 1
            return token
        }
    }

    /// Of the object that stands at the offset, the last member of a name, if it is a string.
    mutating func stringToken(ofMember name: StaticString) throws(JSONError) -> JSONStringToken? {
        let depth = depthLeft
        return try parse { text, offset throws(JSONError) in
            try text.stringToken(ofMember: name, &offset, depth: depth)
        }
    }

    /// What a string says that was found in this text.
    public func string(_ token: JSONStringToken) -> String {
        bytes.span.string(token)
    }

    /// The last of some strings that were found in this text which says just this.
    ///
    /// Nothing is made for it, unless a string is written with escapes. Bytes are compared, and not characters: for Kubernetes
    /// an `é` that is written in two ways makes two names.
    public func lastIndex(of string: String, in tokens: [JSONStringToken]) -> Int? {
        let text = bytes.span
        let utf8 = string.utf8.span
        var index = tokens.count - 1
        while index >= 0, !text.says(tokens[index], utf8) { index -= 1 }
        return index >= 0 ? index : nil
    }

    // MARK: Parts

    /// Lends the bytes and the offset to a closure, which moves the offset on.
    @inline(__always)
    private mutating func parse<Result, Failure>(
        _ body: (Span<UInt8>, inout Int) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        var position = offset
        defer { offset = position }
        return try body(bytes.span, &position)
    }

    private mutating func key() throws(JSONError) -> String {
        let token = try passKey()
        return string(token)
    }

    private mutating func passKey() throws(JSONError) -> JSONStringToken {
        try parse { text, offset throws(JSONError) in try text.passKey(&offset) }
    }

    /// Passes over a member's name, and tells whether it is this one.
    private mutating func passKey(ifIs name: StaticString) throws(JSONError) -> Bool {
        try parse { text, offset throws(JSONError) in
            text.says(try text.passKey(&offset), name)
        }
    }

    /// Passes over an opening bracket. False if the closing one comes next, or `null` is there, and is passed over, too.
    private mutating func enter(
        _ opening: UInt8, _ what: StaticString, emptyIf closing: UInt8
    ) throws(JSONError) -> Bool {
        guard isNext(opening) else {
            if skipNull() { return false }
            throw bytes.span.mismatch(expected: what, at: offset)
        }
        offset += 1
        guard depthLeft > 0 else { throw .tooDeep(at: offset) }
        if isNext(closing) {
            offset += 1
            return false
        }
        depthLeft -= 1
        return true
    }

    private mutating func another(before closing: UInt8) throws(JSONError) -> Bool {
        try parse { text, offset throws(JSONError) in try text.passToNext(before: closing, &offset) }
    }
}

/// Whether a member has this name.
@inlinable
public func ~= (name: StaticString, member: Span<UInt8>) -> Bool {
    guard name.utf8CodeUnitCount == member.count else { return false }
    return name.withUTF8Buffer { name in
        for index in 0..<name.count where name[index] != member[index] { return false }
        return true
    }
}

// MARK: - Values

extension Span<UInt8> {
    /// Passes over a member's name and the colon after it.
    @inline(__always)
    fileprivate func passKey(_ offset: inout Int) throws(JSONError) -> JSONStringToken {
        let token = try string(at: endOfWhitespace(at: offset))
        offset = try end(of: UInt8(ascii: ":"), at: token.range.upperBound + 1, "a colon")
        return token
    }

    /// ``end(ofValueAt:depth:)`` for an object, with a look at one member.
    fileprivate func stringToken(
        ofMember name: StaticString, _ offset: inout Int, depth: Int
    ) throws(JSONError) -> JSONStringToken? {
        offset += 1
        guard depth > 0 else { throw .tooDeep(at: offset) }
        var found: JSONStringToken?
        if passIfNext(UInt8(ascii: "}"), &offset) { return nil }
        repeat {
            let key = try passKey(&offset)
            let isIt = says(key, name)
            offset = endOfWhitespace(at: offset)
            if byte(at: offset) == UInt8(ascii: "\"") {
                let token = try string(at: offset)
                offset = token.range.upperBound + 1
                if isIt { found = token }
            } else {
                offset = try end(ofValueAt: offset, depth: depth - 1)
                if isIt { found = nil }
            }
        } while try passToNext(before: UInt8(ascii: "}"), &offset)
        return found
    }

    fileprivate func value(_ offset: inout Int, depth: Int) throws(JSONError) -> JSONValue {
        offset = endOfWhitespace(at: offset)
        switch byte(at: offset) {
        case UInt8(ascii: "{"):
            return .object(try objectValue(&offset, depth: depth))
        case UInt8(ascii: "["):
            return .array(try arrayValue(&offset, depth: depth))
        case UInt8(ascii: "\""):
            let token = try string(at: offset)
            offset = token.range.upperBound + 1
            return .string(string(token))
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?:
            return .number(try number(&offset))
        default:
            for (word, value): (StaticString, JSONValue) in [("true", true), ("false", false), ("null", .null)] {
                guard let end = end(ofWord: word, at: offset) else { continue }
                offset = end
                return value
            }
            throw mismatch(expected: "a value", at: offset)
        }
    }

    fileprivate func number(_ offset: inout Int) throws(JSONError) -> JSONNumber {
        let range = offset..<(try end(ofNumberAt: offset))
        offset = range.upperBound
        return JSONNumber(validated: string(JSONStringToken(range: range, isASCII: true, hasEscapes: false)))
    }

    private func objectValue(_ offset: inout Int, depth: Int) throws(JSONError) -> JSONObject {
        offset += 1
        guard depth > 0 else { throw .tooDeep(at: offset) }
        var members = JSONObject()
        if passIfNext(UInt8(ascii: "}"), &offset) { return members }
        repeat {
            let key = string(try passKey(&offset))
            members.append(key, try value(&offset, depth: depth - 1))
        } while try passToNext(before: UInt8(ascii: "}"), &offset)
        return members
    }

    private func arrayValue(_ offset: inout Int, depth: Int) throws(JSONError) -> [JSONValue] {
        offset += 1
        guard depth > 0 else { throw .tooDeep(at: offset) }
        var elements: [JSONValue] = []
        if passIfNext(UInt8(ascii: "]"), &offset) { return elements }
        repeat {
            elements.append(try value(&offset, depth: depth - 1))
        } while try passToNext(before: UInt8(ascii: "]"), &offset)
        return elements
    }

    @inline(__always)
    fileprivate func says(_ token: JSONStringToken, _ name: StaticString) -> Bool {
        // Most names have another length.
        guard token.hasEscapes || token.range.count == name.utf8CodeUnitCount else { return false }
        return name.withUTF8Buffer { says(token, $0.span) }
    }

    fileprivate func says(_ token: JSONStringToken, _ utf8: Span<UInt8>) -> Bool {
        guard token.hasEscapes else {
            return token.range.count == utf8.count && extracting(token.range).equals(utf8)
        }
        let unescaped = string(token).utf8.span
        return unescaped.count == utf8.count && unescaped.equals(utf8)
    }

    /// - Parameter other: of the same length.
    private func equals(_ other: Span<UInt8>) -> Bool {
        for index in 0..<count where self[index] != other[index] { return false }
        return true
    }

    /// What a string says.
    fileprivate func string(_ token: JSONStringToken) -> String {
        guard token.hasEscapes else { return Self.string(extracting(token.range), isASCII: token.isASCII) }
        var unescaped: [UInt8] = []
        unescaped.reserveCapacity(token.range.count)
        var offset = token.range.lowerBound
        while offset < token.range.upperBound {
            if self[offset] == UInt8(ascii: "\\"), let (scalar, end) = try? escape(at: offset) {
                unescaped.append(contentsOf: String(scalar).utf8)
                offset = end
            } else {
                unescaped.append(self[offset])
                offset += 1
            }
        }
        return Self.string(unescaped.span, isASCII: false)
    }

    /// The grammar has found that the bytes are UTF-8.
    private static func string(_ utf8: Span<UInt8>, isASCII: Bool) -> String {
        String(copying: UTF8Span(unchecked: utf8, isKnownASCII: isASCII))
    }
}
