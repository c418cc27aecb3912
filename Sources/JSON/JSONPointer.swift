/// Names one place in a JSON text (RFC 6901).
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
    /// The reference tokens, unescaped: `/metadata/annotations/lanyard.dev~1plan` has three.
    public var tokens: [String]

    /// The whole text.
    public init() {
        tokens = []
    }

    public init(tokens: [String]) {
        self.tokens = tokens
    }

    public init(_ tokens: String...) {
        self.tokens = tokens
    }

    public func appending(_ token: String) -> JSONPointer {
        var pointer = self
        pointer.tokens.append(token)
        return pointer
    }

    public func appending(_ index: Int) -> JSONPointer {
        appending(String(index))
    }

    public var description: String {
        tokens.map { token in
            var escaped = "/"
            for character in token {
                switch character {
                case "~": escaped += "~0"
                case "/": escaped += "~1"
                default: escaped.append(character)
                }
            }
            return escaped
        }.joined()
    }
}
