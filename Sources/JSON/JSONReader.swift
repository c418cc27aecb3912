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

    // MARK: Containers

    /// Reads an object and hands each member to `member`. `null` counts as an empty object, as it does for Kubernetes.
    public mutating func object(_ member: (String, inout JSONReader) throws -> Void) throws {
        if skipNull() { return }
        try expect(UInt8(ascii: "{"), "an object")
        try enter()
        if !skipIfNext(UInt8(ascii: "}")) {
            repeat {
                skipWhitespace()
                let key = try string()
                try expect(UInt8(ascii: ":"), "a colon")
                try member(key, &self)
            } while try another(before: UInt8(ascii: "}"))
        }
        leave()
    }

    /// Reads an array and hands each element to `element`. `null` counts as an empty array.
    public mutating func array(_ element: (inout JSONReader) throws -> Void) throws {
        if skipNull() { return }
        try expect(UInt8(ascii: "["), "an array")
        try enter()
        if !skipIfNext(UInt8(ascii: "]")) {
            repeat {
                try element(&self)
            } while try another(before: UInt8(ascii: "]"))
        }
        leave()
    }

    // MARK: Scalars

    public mutating func string() throws(JSONError) -> String {
        try expect(UInt8(ascii: "\""), "a string")
        let start = offset
        while let byte = peek() {
            if byte == UInt8(ascii: "\"") {
                defer { advance() }
                return try text(of: bytes[start..<offset], at: start)
            }
            if byte == UInt8(ascii: "\\") { return try escapedString(from: start) }
            if byte < 0x20 { throw failure("a control character stands unescaped in a string") }
            advance()
        }
        throw failure("the text ends inside a string")
    }

    /// A string, or `nil` for `null`.
    public mutating func optionalString() throws(JSONError) -> String? {
        skipNull() ? nil : try string()
    }

    public mutating func bool() throws(JSONError) -> Bool {
        skipWhitespace()
        if skipWord("true") { return true }
        if skipWord("false") { return false }
        throw mismatch(expected: "a boolean")
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
        let range = try numberRange()
        return JSONNumber(validated: String(decoding: bytes[range], as: UTF8.self))
    }

    /// Whether `null` comes next. If so it is passed over.
    public mutating func skipNull() -> Bool {
        skipWhitespace()
        return skipWord("null")
    }

    // MARK: Whole values

    public mutating func value() throws(JSONError) -> JSONValue {
        skipWhitespace()
        switch peek() {
        case UInt8(ascii: "{"): return .object(try objectValue())
        case UInt8(ascii: "["): return .array(try arrayValue())
        case UInt8(ascii: "\""): return .string(try string())
        case UInt8(ascii: "t"), UInt8(ascii: "f"): return .bool(try bool())
        case UInt8(ascii: "n") where skipWord("null"): return .null
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: return .number(try number())
        default: throw mismatch(expected: "a value")
        }
    }

    /// Passes over a value, checking its grammar but keeping nothing of it.
    public mutating func skip() throws(JSONError) {
        skipWhitespace()
        switch peek() {
        case UInt8(ascii: "{"): try skipContainer(closing: UInt8(ascii: "}"), withKeys: true)
        case UInt8(ascii: "["): try skipContainer(closing: UInt8(ascii: "]"), withKeys: false)
        case UInt8(ascii: "\""): try skipString()
        case UInt8(ascii: "t") where skipWord("true"): break
        case UInt8(ascii: "f") where skipWord("false"): break
        case UInt8(ascii: "n") where skipWord("null"): break
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: _ = try numberRange()
        default: throw mismatch(expected: "a value")
        }
    }

    /// Where in the text the next value stands, in bytes. The value is passed over.
    public mutating func range() throws(JSONError) -> Range<Int> {
        skipWhitespace()
        let start = offset
        try skip()
        return start..<offset
    }

    /// Checks that only white space is left.
    public mutating func end() throws(JSONError) {
        skipWhitespace()
        if peek() != nil { throw mismatch(expected: "the end of the text") }
    }
}

// MARK: - Containers

extension JSONReader {
    private mutating func objectValue() throws(JSONError) -> JSONObject {
        var members = JSONObject()
        try expect(UInt8(ascii: "{"), "an object")
        try enter()
        if !skipIfNext(UInt8(ascii: "}")) {
            repeat {
                let key = try string()
                try expect(UInt8(ascii: ":"), "a colon")
                members.append(key, try value())
            } while try another(before: UInt8(ascii: "}"))
        }
        leave()
        return members
    }

    private mutating func arrayValue() throws(JSONError) -> [JSONValue] {
        var elements: [JSONValue] = []
        try expect(UInt8(ascii: "["), "an array")
        try enter()
        if !skipIfNext(UInt8(ascii: "]")) {
            repeat {
                elements.append(try value())
            } while try another(before: UInt8(ascii: "]"))
        }
        leave()
        return elements
    }

    private mutating func skipContainer(closing: UInt8, withKeys: Bool) throws(JSONError) {
        advance()
        try enter()
        if !skipIfNext(closing) {
            repeat {
                if withKeys {
                    skipWhitespace()
                    try skipString()
                    try expect(UInt8(ascii: ":"), "a colon")
                }
                try skip()
            } while try another(before: closing)
        }
        leave()
    }

    /// Passes over what stands between two elements: true for a comma, false for the closing bracket.
    private mutating func another(before closing: UInt8) throws(JSONError) -> Bool {
        if skipIfNext(UInt8(ascii: ",")) { return true }
        if skipIfNext(closing) { return false }
        throw mismatch(expected: "a comma or a closing bracket")
    }

    private mutating func enter() throws(JSONError) {
        guard depthLeft > 0 else { throw failure("arrays and objects stand too deep inside each other") }
        depthLeft -= 1
    }

    private mutating func leave() {
        depthLeft += 1
    }
}

// MARK: - Strings and numbers

extension JSONReader {
    /// Reads on from the first escape of a string that began at `start`.
    private mutating func escapedString(from start: Int) throws(JSONError) -> String {
        var unescaped = Array(bytes[start..<offset])
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                defer { advance() }
                return try text(of: unescaped[...], at: start)
            case UInt8(ascii: "\\"):
                try escape(into: &unescaped)
            case 0..<0x20:
                throw failure("a control character stands unescaped in a string")
            default:
                unescaped.append(byte)
                advance()
            }
        }
        throw failure("the text ends inside a string")
    }

    private mutating func skipString() throws(JSONError) {
        try expect(UInt8(ascii: "\""), "a string")
        let start = offset
        var ignored: [UInt8] = []
        var isASCII = true
        while let byte = peek() {
            switch byte {
            case UInt8(ascii: "\""):
                if !isASCII { _ = try text(of: bytes[start..<offset], at: start) }
                advance()
                return
            case UInt8(ascii: "\\"):
                try escape(into: &ignored)
                ignored.removeAll(keepingCapacity: true)
            case 0..<0x20:
                throw failure("a control character stands unescaped in a string")
            default:
                isASCII = isASCII && byte < 0x80
                advance()
            }
        }
        throw failure("the text ends inside a string")
    }

    private func text(of utf8: ArraySlice<UInt8>, at start: Int) throws(JSONError) -> String {
        guard let text = String(validating: utf8, as: UTF8.self) else {
            throw JSONError("a string is not valid UTF-8", at: start)
        }
        return text
    }

    private mutating func escape(into output: inout [UInt8]) throws(JSONError) {
        let start = offset
        advance()
        guard let byte = peek() else { throw failure("the text ends inside a string") }
        advance()
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): output.append(byte)
        case UInt8(ascii: "b"): output.append(0x08)
        case UInt8(ascii: "f"): output.append(0x0C)
        case UInt8(ascii: "n"): output.append(0x0A)
        case UInt8(ascii: "r"): output.append(0x0D)
        case UInt8(ascii: "t"): output.append(0x09)
        case UInt8(ascii: "u"): output.append(contentsOf: try unicodeEscape(at: start).utf8)
        default: throw JSONError("a string has an unknown escape", at: start)
        }
    }

    /// Reads the digits of `\uXXXX`, and those of a second escape if the first is half of a surrogate pair.
    private mutating func unicodeEscape(at start: Int) throws(JSONError) -> Character {
        let first = try hexadecimalDigits()
        if let scalar = Unicode.Scalar(first) { return Character(scalar) }
        guard (0xD800..<0xDC00).contains(first), skipIfHere(UInt8(ascii: "\\")), skipIfHere(UInt8(ascii: "u")) else {
            throw JSONError("a string has half of a surrogate pair", at: start)
        }
        let second = try hexadecimalDigits()
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else {
            throw JSONError("a string has half of a surrogate pair", at: start)
        }
        return Character(scalar)
    }

    private mutating func hexadecimalDigits() throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for _ in 0..<4 {
            let digit: UInt32
            switch peek() {
            case let byte? where (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte):
                digit = UInt32(byte - UInt8(ascii: "0"))
            case let byte? where (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20):
                digit = UInt32((byte | 0x20) - UInt8(ascii: "a")) + 10
            default:
                throw failure("expected four hexadecimal digits")
            }
            value = value << 4 | digit
            advance()
        }
        return value
    }

    /// Passes over a number: `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    private mutating func numberRange() throws(JSONError) -> Range<Int> {
        skipWhitespace()
        let start = offset
        _ = skipIfHere(UInt8(ascii: "-"))
        if !skipIfHere(UInt8(ascii: "0")) {
            guard skipDigits() else {
                offset = start
                throw mismatch(expected: "a number")
            }
        }
        if skipIfHere(UInt8(ascii: ".")), !skipDigits() { throw failure("expected a digit") }
        if skipIfHere(UInt8(ascii: "e")) || skipIfHere(UInt8(ascii: "E")) {
            _ = skipIfHere(UInt8(ascii: "+")) || skipIfHere(UInt8(ascii: "-"))
            if !skipDigits() { throw failure("expected a digit") }
        }
        return start..<offset
    }

    private mutating func skipDigits() -> Bool {
        let start = offset
        while let byte = peek(), (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { advance() }
        return offset > start
    }
}

// MARK: - Bytes

extension JSONReader {
    private func peek() -> UInt8? {
        offset < bytes.count ? bytes[offset] : nil
    }

    private mutating func advance() {
        offset += 1
    }

    private mutating func skipWhitespace() {
        while let byte = peek(), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { advance() }
    }

    private mutating func skipIfHere(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        advance()
        return true
    }

    private mutating func skipIfNext(_ byte: UInt8) -> Bool {
        skipWhitespace()
        return skipIfHere(byte)
    }

    private mutating func skipWord(_ word: StaticString) -> Bool {
        let end = offset + word.utf8CodeUnitCount
        guard end <= bytes.count else { return false }
        let matches = word.withUTF8Buffer { bytes[offset..<end].elementsEqual($0) }
        if matches { offset = end }
        return matches
    }

    private mutating func expect(_ byte: UInt8, _ what: String) throws(JSONError) {
        if !skipIfNext(byte) { throw mismatch(expected: what) }
    }

    private func failure(_ message: String) -> JSONError {
        JSONError(message, at: offset)
    }

    private func mismatch(expected: String) -> JSONError {
        let found =
            switch peek() {
            case nil: "the end of the text"
            case UInt8(ascii: "{"): "an object"
            case UInt8(ascii: "["): "an array"
            case UInt8(ascii: "\""): "a string"
            case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?: "a number"
            case UInt8(ascii: "t"), UInt8(ascii: "f"): "a boolean"
            case UInt8(ascii: "n"): "null"
            case let byte? where (0x21..<0x7F).contains(byte): "'\(Character(Unicode.Scalar(byte)))'"
            default: "a byte that cannot stand there"
            }
        return failure("expected \(expected), found \(found)")
    }
}
