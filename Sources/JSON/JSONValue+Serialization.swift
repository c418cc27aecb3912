extension JSONValue {
    /// The value as a text without white space.
    public func serialized() -> [UInt8] {
        var output: [UInt8] = []
        write(to: &output)
        return output
    }

    public func serializedString() -> String {
        String(decoding: serialized(), as: UTF8.self)
    }

    /// The value as a text for people: a member or element on each line, two spaces a level.
    public func prettySerializedString() -> String {
        var output: [UInt8] = []
        writePretty(to: &output, indentation: 0)
        return String(decoding: output, as: UTF8.self)
    }

    public func write(to output: inout [UInt8]) {
        switch self {
        case .array(let elements):
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                element.write(to: &output)
            }
            output.append(UInt8(ascii: "]"))
        case .object(let members):
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                JSONValue.write(member.key, to: &output)
                output.append(UInt8(ascii: ":"))
                member.value.write(to: &output)
            }
            output.append(UInt8(ascii: "}"))
        default:
            writeScalar(to: &output)
        }
    }

    private func writePretty(to output: inout [UInt8], indentation: Int) {
        func line(_ level: Int) {
            output.append(UInt8(ascii: "\n"))
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: level * 2))
        }
        switch self {
        case .array(let elements) where !elements.isEmpty:
            output.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                line(indentation + 1)
                element.writePretty(to: &output, indentation: indentation + 1)
            }
            line(indentation)
            output.append(UInt8(ascii: "]"))
        case .object(let members) where !members.isEmpty:
            output.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { output.append(UInt8(ascii: ",")) }
                line(indentation + 1)
                JSONValue.write(member.key, to: &output)
                output.append(contentsOf: ": ".utf8)
                member.value.writePretty(to: &output, indentation: indentation + 1)
            }
            line(indentation)
            output.append(UInt8(ascii: "}"))
        default:
            write(to: &output)
        }
    }

    private func writeScalar(to output: inout [UInt8]) {
        switch self {
        case .bool(let value): output.append(literal: value ? "true" : "false")
        case .number(let number): output.append(contentsOf: number.text.utf8)
        case .string(let string): JSONValue.write(string, to: &output)
        case .null, .array, .object: output.append(literal: "null")
        }
    }

    /// Writes a string with its quotes, escaping only what RFC 8259 section 7 says must be.
    public static func write(_ string: String, to output: inout [UInt8]) {
        output.append(UInt8(ascii: "\""))
        writeContent(of: string, to: &output)
        output.append(UInt8(ascii: "\""))
    }

    /// Writes a string without its quotes.
    static func writeContent(of string: String, to output: inout [UInt8]) {
        let utf8 = string.utf8.span
        var written = 0
        while written < utf8.count {
            let end = utf8.endOfPlainBytes(at: written)
            utf8.extracting(written..<end).withUnsafeBufferPointer { output.append(contentsOf: $0) }
            if end < utf8.count { write(utf8[end], to: &output) }
            written = end + 1
        }
    }

    private static func write(_ byte: UInt8, to output: inout [UInt8]) {
        switch byte {
        case UInt8(ascii: "\""): output.append(literal: #"\""#)
        case UInt8(ascii: "\\"): output.append(literal: #"\\"#)
        case 0x0A: output.append(literal: #"\n"#)
        case 0x0D: output.append(literal: #"\r"#)
        case 0x09: output.append(literal: #"\t"#)
        case 0x20...: output.append(byte)
        default:
            let digits = String(byte, radix: 16)
            output.append(literal: digits.utf8.count == 1 ? #"\u000"# : #"\u00"#)
            output.append(contentsOf: digits.utf8)
        }
    }
}

extension [UInt8] {
    mutating func append(literal: StaticString) {
        literal.withUTF8Buffer { append(contentsOf: $0) }
    }

    /// - Parameter literal: without anything that must be escaped.
    mutating func append(quoted literal: StaticString) {
        append(addingCapacity: literal.utf8CodeUnitCount + 2) { output in
            output.append(UInt8(ascii: "\""))
            literal.withUTF8Buffer { bytes in
                for byte in bytes { output.append(byte) }
            }
            output.append(UInt8(ascii: "\""))
        }
    }
}

extension JSONValue: CustomStringConvertible {
    public var description: String { serializedString() }
}
