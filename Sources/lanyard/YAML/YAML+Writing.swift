internal import JSON
internal import Yams

extension YAML {
    /// A value as a YAML document that every reader of YAML 1.1 or 1.2 takes for the same value.
    static func text(of value: JSONValue) throws -> String {
        try serialize(node: node(of: value), width: -1, sortKeys: false)
    }

    private static func node(of value: JSONValue) -> Yams.Node {
        switch value {
        case .null: Yams.Node("null", Tag(.null))
        case .bool(let flag): Yams.Node(flag ? "true" : "false", Tag(.bool))
        case .number(let number): Yams.Node(number.text, Tag(number.integer == nil ? .float : .int))
        case .string(let string): Yams.Node(string, Tag(.str), style(of: string))
        case .array(let elements): Yams.Node(elements.map(node), Tag(.seq), .block)
        case .object(let members):
            Yams.Node(
                members.map { (Yams.Node($0.key, Tag(.str), style(of: $0.key)), node(of: $0.value)) }, Tag(.map), .block
            )
        }
    }

    /// What readers may take for booleans or null, in small letters.
    static let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    /// Readers disagree on which plain words are booleans and which digits are numbers (`y`, `1e3`), so only what can be
    /// nothing but a string goes without quotes.
    private static func style(of string: String) -> Yams.Node.Scalar.Style {
        if string.contains("\n") { return .literal }
        guard let first = string.utf8.first, !words.contains(string.lowercased()) else { return .singleQuoted }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        return isLetter || first == UInt8(ascii: "/") ? .any : .singleQuoted
    }
}
