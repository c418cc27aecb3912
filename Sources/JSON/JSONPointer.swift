/// Names one place in a JSON text (RFC 6901).
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// As RFC 6901 writes it: `/metadata/annotations/lanyard.dev~1plan`.
    public private(set) var description = ""

    /// The whole text.
    public init() {}

    public init(_ tokens: String...) {
        self.init(tokens: tokens)
    }

    public init(tokens: some Sequence<String>) {
        for token in tokens { append(token) }
    }

    /// - Parameter escaped: what ``description`` says of a pointer.
    init(escaped: String) {
        description = escaped
    }

    /// The reference tokens, unescaped: the pointer above has three.
    public var tokens: [String] {
        // Not by characters: a slash and a combining accent after it are one.
        description.unicodeScalars.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map { token in
            var unescaped = ""
            var isEscape = false
            for scalar in token {
                switch (isEscape, scalar) {
                case (false, "~"): break
                case (true, "1"): unescaped += "/"
                case (true, _): unescaped += "~"
                default: unescaped.unicodeScalars.append(scalar)
                }
                isEscape = !isEscape && scalar == "~"
            }
            return unescaped
        }
    }

    public func appending(_ token: String) -> JSONPointer {
        var pointer = JSONPointer()
        pointer.description.reserveCapacity(description.utf8.count + 1 + token.utf8.count)
        pointer.description += description
        pointer.append(token)
        return pointer
    }

    public func appending(_ index: Int) -> JSONPointer {
        appending(String(index))
    }

    public func appending(_ pointer: JSONPointer) -> JSONPointer {
        if description.isEmpty { return pointer }
        return JSONPointer(escaped: description + pointer.description)
    }

    /// Without Unicode normalization (RFC 6901 section 4).
    public static func == (left: JSONPointer, right: JSONPointer) -> Bool {
        left.description.isSameText(as: right.description)
    }

    private mutating func append(_ token: String) {
        description += "/"
        description += Self.escaped(token)
    }

    /// A token as it stands in a pointer.
    static func escaped(_ token: String) -> String {
        guard token.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) else { return token }
        var escaped: [UInt8] = []
        escaped.reserveCapacity(token.utf8.count + 8)
        for byte in token.utf8 {
            switch byte {
            case UInt8(ascii: "~"): escaped.append(literal: "~0")
            case UInt8(ascii: "/"): escaped.append(literal: "~1")
            default: escaped.append(byte)
            }
        }
        return String(decoding: escaped, as: UTF8.self)
    }
}
