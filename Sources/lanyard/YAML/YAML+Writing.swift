internal import CYAML
internal import JSON

extension YAML {
    /// A value as a YAML document that every reader of YAML 1.1 or 1.2 takes for the same value.
    static func text(of value: JSONValue) throws(Failure) -> String {
        let emitter = Emitter()
        try emitter.begin()
        try emitter.beginDocument()
        try emitter.write(value)
        try emitter.endDocument()
        try emitter.end()
        return emitter.text
    }
}

extension YAML.Emitter {
    fileprivate func write(_ value: JSONValue) throws(YAML.Failure) {
        switch value {
        case .null: try scalar("null", YAML_PLAIN_SCALAR_STYLE)
        case .bool(let flag): try scalar(flag ? "true" : "false", YAML_PLAIN_SCALAR_STYLE)
        case .number(let number): try scalar(number.text, YAML_PLAIN_SCALAR_STYLE)
        case .string(let string): try scalar(string, Self.style(of: string))
        case .array(let elements):
            try beginSequence()
            for element in elements { try write(element) }
            try endSequence()
        case .object(let members):
            try beginMapping()
            for (key, member) in members {
                try scalar(key, Self.style(of: key))
                try write(member)
            }
            try endMapping()
        }
    }

    /// What readers may take for booleans or null, in small letters.
    private static let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]

    /// Readers disagree on which plain words are booleans and which digits are numbers (`y`, `1e3`), so only what can be
    /// nothing but a string goes without quotes.
    private static func style(of string: String) -> yaml_scalar_style_t {
        if string.contains("\n") { return YAML_LITERAL_SCALAR_STYLE }
        guard let first = string.utf8.first, !words.contains(string.lowercased()) else {
            return YAML_SINGLE_QUOTED_SCALAR_STYLE
        }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        return isLetter || first == UInt8(ascii: "/") ? YAML_ANY_SCALAR_STYLE : YAML_SINGLE_QUOTED_SCALAR_STYLE
    }
}
