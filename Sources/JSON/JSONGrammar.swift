// The grammar of RFC 8259, to the letter: where a value that begins at an offset ends, or why none does.
//
// It works on a span of bytes and on offsets into it, and builds nothing: what is passed over costs no memory. Every access to
// a byte is checked by the span, in release builds as well.

extension Span<UInt8> {
    // MARK: White space and punctuation

    @inline(__always)
    func byte(at offset: Int) -> UInt8? {
        offset < count ? self[offset] : nil
    }

    /// The end of the white space that begins at an offset, if any does.
    @inline(__always)
    func endOfWhitespace(at offset: Int) -> Int {
        // The one comparison that decides for nearly all bytes comes first.
        offset < count && self[offset] > 0x20 ? offset : endOfLongWhitespace(at: offset)
    }

    private func endOfLongWhitespace(at offset: Int) -> Int {
        var offset = offset
        while let byte = byte(at: offset), byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { offset += 1 }
        return offset
    }

    /// The end of a punctuation mark, after white space.
    ///
    /// - Parameter what: what to call the mark when it is missing.
    @inline(__always)
    func end(of mark: UInt8, at offset: Int, _ what: StaticString) throws(JSONError) -> Int {
        let offset = endOfWhitespace(at: offset)
        guard byte(at: offset) == mark else { throw mismatch(expected: what, at: offset) }
        return offset + 1
    }

    /// Passes over white space and then a punctuation mark, if it is there.
    @inline(__always)
    func passIfNext(_ mark: UInt8, _ offset: inout Int) -> Bool {
        offset = endOfWhitespace(at: offset)
        guard byte(at: offset) == mark else { return false }
        offset += 1
        return true
    }

    /// Passes over what stands between two elements: true for a comma, false for the closing bracket.
    @inline(__always)
    func passToNext(before closing: UInt8, _ offset: inout Int) throws(JSONError) -> Bool {
        offset = endOfWhitespace(at: offset)
        guard let mark = byte(at: offset), mark == UInt8(ascii: ",") || mark == closing else {
            throw mismatch(expected: "a comma or a closing bracket", at: offset)
        }
        offset += 1
        return mark == UInt8(ascii: ",")
    }

    func end(ofWord word: StaticString, at offset: Int) -> Int? {
        let length = word.utf8CodeUnitCount
        guard length <= count - offset else { return nil }
        return word.withUTF8Buffer { word in
            for index in 0..<length where self[offset + index] != word[index] { return nil }
            return offset + length
        }
    }

    // MARK: Values

    /// The end of a value of any kind.
    ///
    /// - Parameter depth: how many arrays and objects may stand inside each other.
    func end(ofValueAt start: Int, depth: Int) throws(JSONError) -> Int {
        var offset = endOfWhitespace(at: start)
        switch byte(at: offset) {
        case UInt8(ascii: "\""):
            return try end(ofStringAt: offset)
        case UInt8(ascii: "{"):
            offset += 1
            guard depth > 0 else { throw .tooDeep(at: offset) }
            if passIfNext(UInt8(ascii: "}"), &offset) { return offset }
            repeat {
                offset = try end(ofStringAt: endOfWhitespace(at: offset))
                offset = endOfWhitespace(at: try end(of: UInt8(ascii: ":"), at: offset, "a colon"))
                // Most members are strings, which need no call.
                if byte(at: offset) == UInt8(ascii: "\"") {
                    offset = try end(ofStringAt: offset)
                } else {
                    offset = try end(ofValueAt: offset, depth: depth - 1)
                }
            } while try passToNext(before: UInt8(ascii: "}"), &offset)
            return offset
        case UInt8(ascii: "["):
            offset += 1
            guard depth > 0 else { throw .tooDeep(at: offset) }
            if passIfNext(UInt8(ascii: "]"), &offset) { return offset }
            repeat {
                offset = try end(ofValueAt: offset, depth: depth - 1)
            } while try passToNext(before: UInt8(ascii: "]"), &offset)
            return offset
        case UInt8(ascii: "-"), (UInt8(ascii: "0")...UInt8(ascii: "9"))?:
            return try end(ofNumberAt: offset)
        case UInt8(ascii: "t"):
            if let end = end(ofWord: "true", at: offset) { return end }
        case UInt8(ascii: "f"):
            if let end = end(ofWord: "false", at: offset) { return end }
        case UInt8(ascii: "n"):
            if let end = end(ofWord: "null", at: offset) { return end }
        default: break
        }
        throw mismatch(expected: "a value", at: offset)
    }

    /// `-? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?`
    func end(ofNumberAt start: Int) throws(JSONError) -> Int {
        var offset = start
        if byte(at: offset) == UInt8(ascii: "-") { offset += 1 }
        if byte(at: offset) == UInt8(ascii: "0") {
            offset += 1
        } else {
            guard let end = end(ofDigitsAt: offset) else { throw mismatch(expected: "a number", at: start) }
            offset = end
        }
        if byte(at: offset) == UInt8(ascii: ".") {
            guard let end = end(ofDigitsAt: offset + 1) else { throw JSONError("expected a digit", at: offset + 1) }
            offset = end
        }
        if byte(at: offset) == UInt8(ascii: "e") || byte(at: offset) == UInt8(ascii: "E") {
            offset += 1
            if byte(at: offset) == UInt8(ascii: "+") || byte(at: offset) == UInt8(ascii: "-") { offset += 1 }
            guard let end = end(ofDigitsAt: offset) else { throw JSONError("expected a digit", at: offset) }
            offset = end
        }
        return offset
    }

    private func end(ofDigitsAt start: Int) -> Int? {
        var offset = start
        while let byte = byte(at: offset), byte.isDigit { offset += 1 }
        return offset > start ? offset : nil
    }

    // MARK: Strings

    /// The end of a string, after its closing quote. Its escapes are known to be good then, and its bytes to be UTF-8.
    @inline(__always)
    func end(ofStringAt start: Int) throws(JSONError) -> Int {
        guard byte(at: start) == UInt8(ascii: "\"") else { throw mismatch(expected: "a string", at: start) }
        let end = endOfPlainBytes(at: start + 1)
        if byte(at: end) == UInt8(ascii: "\"") { return end + 1 }
        return try longString(from: start + 1, at: end).range.upperBound + 1
    }

    @inline(__always)
    func string(at start: Int) throws(JSONError) -> JSONStringToken {
        guard byte(at: start) == UInt8(ascii: "\"") else { throw mismatch(expected: "a string", at: start) }
        let end = endOfPlainBytes(at: start + 1)
        if byte(at: end) == UInt8(ascii: "\"") {
            return JSONStringToken(range: start + 1..<end, isASCII: true, hasEscapes: false)
        }
        return try longString(from: start + 1, at: end)
    }

    /// Goes on at the first byte of a string that is not plain.
    private func longString(from start: Int, at offset: Int) throws(JSONError) -> JSONStringToken {
        var offset = offset
        var token = JSONStringToken(range: start..<start, isASCII: true, hasEscapes: false)
        while let byte = byte(at: offset) {
            switch byte {
            case UInt8(ascii: "\""):
                token.range = start..<offset
                if !token.isASCII, (try? UTF8Span(validating: extracting(token.range))) == nil {
                    throw JSONError("a string is not valid UTF-8", at: start)
                }
                return token
            case UInt8(ascii: "\\"):
                token.hasEscapes = true
                // Most escapes are of quotes, in texts that are JSON themselves.
                offset = self.byte(at: offset + 1) == UInt8(ascii: "\"") ? offset + 2 : try escape(at: offset).end
            case 0x80...:
                token.isASCII = false
                offset += 1
            default:
                throw JSONError("a control character stands unescaped in a string", at: offset)
            }
            offset = endOfPlainBytes(at: offset)
        }
        throw JSONError("the text ends inside a string", at: offset)
    }

    /// The first byte that is a quote, a backslash, a control character or not ASCII, or the end of the text. It looks at eight
    /// bytes at a time.
    @inline(__always)
    func endOfPlainBytes(at start: Int) -> Int {
        var offset = start
        while offset <= count - 8 {
            // In memory's order: the first byte is the lowest.
            let word = UInt64(littleEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
            let special = word.specialBytes
            if special != 0 { return offset + special.trailingZeroBitCount / 8 }
            offset += 8
        }
        while let byte = byte(at: offset), byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"),
            (0x20..<0x80).contains(byte)
        { offset += 1 }
        return offset
    }

    /// The character that an escape stands for, and where the escape ends.
    func escape(at start: Int) throws(JSONError) -> (scalar: Unicode.Scalar, end: Int) {
        let end = start + 2
        switch byte(at: start + 1) {
        case nil: throw JSONError("the text ends inside a string", at: start + 1)
        case UInt8(ascii: "\""): return ("\"", end)
        case UInt8(ascii: "\\"): return ("\\", end)
        case UInt8(ascii: "/"): return ("/", end)
        case UInt8(ascii: "b"): return ("\u{8}", end)
        case UInt8(ascii: "f"): return ("\u{C}", end)
        case UInt8(ascii: "n"): return ("\n", end)
        case UInt8(ascii: "r"): return ("\r", end)
        case UInt8(ascii: "t"): return ("\t", end)
        case UInt8(ascii: "u"): break
        default: throw JSONError("a string has an unknown escape", at: start)
        }
        let first = try hexadecimalDigits(at: end)
        if let scalar = Unicode.Scalar(first) { return (scalar, end + 4) }
        // A character beyond U+FFFF is written as two, a surrogate pair.
        guard (0xD800..<0xDC00).contains(first), byte(at: end + 4) == UInt8(ascii: "\\"),
            byte(at: end + 5) == UInt8(ascii: "u")
        else { throw JSONError("a string has half of a surrogate pair", at: start) }
        let second = try hexadecimalDigits(at: end + 6)
        guard (0xDC00..<0xE000).contains(second),
            let scalar = Unicode.Scalar(0x10000 + (first - 0xD800) << 10 + (second - 0xDC00))
        else { throw JSONError("a string has half of a surrogate pair", at: start) }
        return (scalar, end + 10)
    }

    private func hexadecimalDigits(at start: Int) throws(JSONError) -> UInt32 {
        var value: UInt32 = 0
        for offset in start..<start + 4 {
            guard let digit = byte(at: offset)?.hexadecimalDigit else {
                throw JSONError("expected four hexadecimal digits", at: offset)
            }
            value = value << 4 | digit
        }
        return value
    }

    // MARK: Errors

    func mismatch(expected: StaticString, at offset: Int) -> JSONError {
        let found =
            switch byte(at: offset) {
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
        return JSONError("expected \(expected), found \(found)", at: offset)
    }
}

/// A string that has been found in a text: where it stands between its quotes.
public struct JSONStringToken: Sendable {
    var range: Range<Int>
    var isASCII: Bool
    /// Otherwise its bytes are its content.
    public internal(set) var hasEscapes: Bool

    /// In bytes, as it is written.
    public var length: Int { range.count }
}

extension JSONError {
    static func tooDeep(at offset: Int) -> JSONError {
        JSONError("arrays and objects stand too deep inside each other", at: offset)
    }
}

extension UInt8 {
    fileprivate var isDigit: Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(self) }

    fileprivate var hexadecimalDigit: UInt32? {
        switch self {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(self - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(self - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(self - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}

extension UInt64 {
    /// The high bit of each of the eight bytes that is a quote, a backslash, a control character or not ASCII. Above the
    /// lowest, others may be set, too, since subtraction borrows: only the lowest counts.
    /// https://graphics.stanford.edu/~seander/bithacks.html#HasLessInWord
    fileprivate var specialBytes: UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let quotes = (self ^ ones &* 0x22) &- ones
        let backslashes = (self ^ ones &* 0x5C) &- ones
        let controls = self &- ones &* 0x20
        return (self | quotes | backslashes | controls) & (ones &* 0x80)
    }
}
