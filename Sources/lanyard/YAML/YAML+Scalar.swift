internal import JSON
internal import Yams

extension YAML {
    /// A word, a number or a text.
    struct Scalar {
        enum Tag: Hashable {
            /// None is written: what the text looks like decides.
            case implicit
            /// Quoted, or a block of text.
            case string
            /// As it is written, such as `tag:yaml.org,2002:int` for `!!int`.
            case named(String)

            init(name: String?) {
                self = name.map { .named($0) } ?? .implicit
            }
        }

        var text: String
        var tag: Tag

        /// Whether this, as a key, brings the members of other mappings. https://yaml.org/type/merge.html
        var isMergeKey: Bool {
            tag == .implicit ? text == "<<" : tag == .named(Yams.Tag.Name.merge.rawValue)
        }

        /// - Parameter line: where it stands, for the failure.
        func value(line: Int) throws(Failure) -> JSONValue {
            if tag == .string || tag == .implicit && text.isPlainlyString { return .string(text) }
            let node = Yams.Node(text, Yams.Tag(tagName))
            switch node.tag {
            case Yams.Tag(.null): return .null
            case Yams.Tag(.bool): return .bool(node.bool ?? false)
            case Yams.Tag(.int), Yams.Tag(.float):
                // A number that JSON writes the same way keeps its text; others, such as 0x1F, are converted.
                if let number = try? JSONValue(parsing: Array(text.utf8)) { return number }
                if let integer = node.int { return .number(JSONNumber(integer)) }
                if let float = node.float, float.isFinite,
                    let number = try? JSONValue(parsing: Array("\(float)".utf8))
                {
                    return number
                }
                throw Failure("\"\(text)\" is not a number that JSON can hold", line: line)
            default: return .string(text)
            }
        }

        private var tagName: Yams.Tag.Name {
            guard case .named(let name) = tag else { return .implicit }
            return Yams.Tag.Name(rawValue: name)
        }
    }
}

extension String {
    /// Whether this can be no other value even without quotes. Yams tries seven regular expressions to find that out, which
    /// takes longer than all else.
    fileprivate var isPlainlyString: Bool {
        guard let first = utf8.first else { return false }
        // The words of YAML 1.1 for booleans and null have five letters at most, and numbers begin otherwise.
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        return first == UInt8(ascii: "/") || isLetter && (utf8.count > 5 || !YAML.words.contains(lowercased()))
    }
}
