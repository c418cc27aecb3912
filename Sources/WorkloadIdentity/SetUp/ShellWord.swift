/// A value as one word of a shell: whatever is in it, bash and zsh take it as text.
public struct ShellWord: Hashable, Sendable, CustomStringConvertible {
    public let value: String

    public init(_ value: String) {
        self.value = value
    }

    public var description: String {
        let bytes = value.utf8
        if !value.isEmpty, bytes.allSatisfy({ $0.isWordByte || "./:@,-".utf8.contains($0) }) { return value }
        guard bytes.contains(where: \.isControl) else {
            return "'" + value.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "'\\''") + "'"
        }
        // Quotes of ANSI C keep a control character from reaching the terminal that the word is pasted into.
        return "$'" + String(decoding: bytes.flatMap(Self.escaped), as: UTF8.self) + "'"
    }

    private static func escaped(_ byte: UInt8) -> [UInt8] {
        switch byte {
        case UInt8(ascii: "'"), UInt8(ascii: "\\"): [UInt8(ascii: "\\"), byte]
        case UInt8(ascii: "\n"): Array("\\n".utf8)
        // No shell has a word with this in it.
        case 0: []
        case _ where byte.isControl: Array("\\\(octal(byte))".utf8)
        default: [byte]
        }
    }

    private static func octal(_ byte: UInt8) -> String {
        let digits = String(byte, radix: 8)
        return String(repeating: "0", count: 3 - digits.count) + digits
    }
}

extension UInt8 {
    fileprivate var isControl: Bool { self < 0x20 || self == 0x7F }
}
