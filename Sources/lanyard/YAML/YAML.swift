internal import JSON
internal import Yams

/// YAML as Kubernetes means it: another way to write JSON. This is the only place that knows Yams.
enum YAML {
    /// One document of a file.
    struct Document {
        var value: JSONValue
        var location: Location
    }

    /// Where an object stands in its file.
    struct Location {
        private let node: Node

        fileprivate init(_ node: Node) {
            self.node = node
        }

        /// The line on which it begins, counted from 1.
        var line: Int { node.mark?.line ?? 1 }

        /// An element of a list that is a member.
        func element(_ index: Int, of member: String) -> Location? {
            guard case .sequence(let elements)? = node.mapping?[member], elements.indices.contains(index) else {
                return nil
            }
            return Location(elements[index])
        }

        /// The line of the first key of that name, at any depth.
        func line(ofKey name: String) -> Int? {
            Self.line(ofKey: name, in: node, depthLeft: JSONReader.defaultMaximumDepth)
        }

        private static func line(ofKey name: String, in node: Node, depthLeft: Int) -> Int? {
            guard depthLeft > 0 else { return nil }
            switch node {
            case .mapping(let members):
                for (key, value) in members {
                    if key.string == name { return key.mark?.line }
                    if let line = line(ofKey: name, in: value, depthLeft: depthLeft - 1) { return line }
                }
                return nil
            case .sequence(let elements):
                return elements.lazy.compactMap { line(ofKey: name, in: $0, depthLeft: depthLeft - 1) }.first
            default: return nil
            }
        }
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

    /// Turns nodes into values. Aliases may make a small text a huge value: one that has more values than the text has
    /// bytes, which without them no text can.
    private struct Conversion {
        struct Failure: Error {
            var message: String
            var line: Int?
        }

        private var valuesLeft: Int
        private var depthLeft = JSONReader.defaultMaximumDepth

        init(textSize: Int) {
            valuesLeft = textSize + 1
        }

        mutating func value(of node: Node) throws -> JSONValue {
            valuesLeft -= 1
            guard valuesLeft > 0 else { throw Failure(message: "its aliases stand for too much", line: nil) }
            guard depthLeft > 0 else {
                throw Failure(message: "the document is nested too deep", line: node.mark?.line)
            }
            depthLeft -= 1
            defer { depthLeft += 1 }

            switch node {
            case .scalar(let scalar):
                return try value(of: scalar, node)
            case .sequence(let sequence):
                var elements: [JSONValue] = []
                for element in sequence { elements.append(try value(of: element)) }
                return .array(elements)
            case .mapping(let mapping):
                var members = JSONObject()
                for (key, member) in mapping {
                    guard case .scalar(let name) = key else {
                        throw Failure(message: "a key is not a string", line: key.mark?.line)
                    }
                    members[name.string] = try value(of: member)
                }
                return .object(members)
            case .alias(let alias):
                throw Failure(message: "the alias *\(alias.anchor) has no anchor", line: node.mark?.line)
            }
        }

        private func value(of scalar: Node.Scalar, _ node: Node) throws -> JSONValue {
            switch node.tag {
            case Tag(.null): return .null
            case Tag(.bool): return .bool(node.bool ?? false)
            case Tag(.int), Tag(.float):
                // A number that JSON writes the same way keeps its text; others, such as 0x1F, are converted.
                if let number = try? JSONValue(parsing: Array(scalar.string.utf8)) { return number }
                if let integer = node.int { return .number(JSONNumber(integer)) }
                if let float = node.float, float.isFinite,
                    let number = try? JSONValue(parsing: Array("\(float)".utf8))
                {
                    return number
                }
                throw Failure(
                    message: "\"\(scalar.string)\" is not a number that JSON can hold", line: scalar.mark?.line)
            default: return .string(scalar.string)
            }
        }
    }
}

extension YamlError {
    /// The place and the problem on one line.
    fileprivate var summary: String {
        switch self {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
            .composer(_, let problem, let mark, _):
            "line \(mark.line): \(problem)"
        default: "\(self)"
        }
    }
}
