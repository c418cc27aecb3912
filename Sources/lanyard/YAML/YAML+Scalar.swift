internal import JSON

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

            /// One of the types that YAML itself names. https://yaml.org/type/
            static func yaml(_ type: String) -> Tag { .named("tag:yaml.org,2002:\(type)") }

            static let null = yaml("null")
            static let bool = yaml("bool")
            static let int = yaml("int")
            static let float = yaml("float")
            static let merge = yaml("merge")
        }

        var text: String
        var tag: Tag

        /// Whether this, as a key, brings the members of other mappings. https://yaml.org/type/merge.html
        var isMergeKey: Bool { tag == .implicit ? text == "<<" : tag == .merge }

        /// - Parameter line: where it stands, for the failure.
        func value(line: Int) throws(Failure) -> JSONValue {
            switch tag {
            case .implicit:
                guard let value = PlainText(text).value else { break }
                return value
            case .int, .float:
                guard case .number(let number)? = PlainText(text).value else { break }
                return .number(number)
            case .bool:
                guard case .bool(let flag)? = PlainText(text).value else { throw refusal("a boolean", line) }
                return .bool(flag)
            case .null:
                guard case .null? = PlainText(text).value else { throw refusal("null", line) }
                return .null
            default: return .string(text)
            }
            throw refusal("a number that JSON can hold", line)
        }

        private func refusal(_ expected: String, _ line: Int) -> Failure {
            // Some texts are long, and some have lines.
            let shown = text.count > 60 ? text.prefix(40) + "…" : text[...]
            return Failure("\(shown.debugDescription) is not \(expected)", line: line)
        }
    }
}
