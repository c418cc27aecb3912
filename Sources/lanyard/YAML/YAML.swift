internal import JSON
internal import Yams

/// YAML as Kubernetes means it: another way to write JSON. Only this folder knows Yams.
enum YAML {
    /// One document of a file.
    struct Document {
        var value: JSONValue
        var location: Location
    }

    /// The documents of a text that are not empty. JSON is YAML, and is read as such.
    static func documents(in text: String, file: String) throws(UsageProblem) -> [Document] {
        var documents: [Document] = []
        var number = 0
        do {
            let parser = try Parser(yaml: text)
            while let root = try parser.nextRoot() {
                number += 1
                var conversion = Conversion(textSize: text.utf8.count)
                let value = try conversion.value(of: root)
                if !value.isNull { documents.append(Document(value: value, location: Location(root))) }
            }
        } catch let error as Conversion.Failure {
            throw UsageProblem(
                "\(file): document \(number)\(error.line.map { ", line \($0)" } ?? ""): \(error.message)")
        } catch let error as YamlError {
            throw UsageProblem("\(file): document \(number + 1): \(error.summary)")
        } catch {
            throw UsageProblem("\(file): document \(number + 1): \(error)")
        }
        return documents
    }

    /// A value as a YAML document that every reader of YAML 1.1 or 1.2 takes for the same value.
    static func text(of value: JSONValue) throws -> String {
        try serialize(node: node(of: value), width: -1, sortKeys: false)
    }

    private static func node(of value: JSONValue) -> Node {
        switch value {
        case .null: Node("null", Tag(.null))
        case .bool(let flag): Node(flag ? "true" : "false", Tag(.bool))
        case .number(let number): Node(number.text, Tag(number.integer == nil ? .float : .int))
        case .string(let string): Node(string, Tag(.str), style(of: string))
        case .array(let elements): Node(elements.map(node), Tag(.seq), .block)
        case .object(let members):
            Node(
                members.map { (Node($0.key, Tag(.str), style(of: $0.key)), node(of: $0.value)) }, Tag(.map), .block)
        }
    }

    /// Readers disagree on which plain words are booleans and which digits are numbers (`y`, `1e3`), so only what can be
    /// nothing but a string goes without quotes.
    private static func style(of string: String) -> Node.Scalar.Style {
        if string.contains("\n") { return .literal }
        let words: Set<String> = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
        guard let first = string.utf8.first, !words.contains(string.lowercased()) else { return .singleQuoted }
        let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first | 0x20)
        return isLetter || first == UInt8(ascii: "/") ? .any : .singleQuoted
    }
}

extension YamlError {
    /// The place and the problem on one line.
    fileprivate var summary: String {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        case .duplicatedKeysInMapping(let keys, let context):
            // The place is that of the first of them.
            "line \(context.mark.line): the key \(keys.first ?? "") is there more than once"
        case .reader(let problem, let offset?, _, let text):
            "line \(text.prefix(offset).count(where: \.isNewline) + 1): \(problem)"
        default: "\(self)"
        }
    }
}
