internal import JSON
internal import Yams

extension YAML {
    /// Turns nodes into values.
    ///
    /// Aliases may make a small text a huge value: one that has more values than the text has bytes, which without them no
    /// text can. A few more than that do no harm.
    struct Conversion {
        struct Failure: Error {
            var message: String
            var line: Int?
        }

        private static let harmlessCount = 1 << 16
        private var valuesLeft: Int
        private var depthLeft = JSONReader.defaultMaximumDepth

        init(textSize: Int) {
            valuesLeft = max(textSize, Self.harmlessCount)
        }

        mutating func value(of node: Node) throws -> JSONValue {
            try enter(node)
            defer { leave() }
            switch node {
            case .scalar(let scalar):
                return try value(of: scalar, node)
            case .sequence(let sequence):
                var elements: [JSONValue] = []
                for element in sequence { elements.append(try value(of: element)) }
                return .array(elements)
            case .mapping(let mapping):
                var members = JSONObject()
                for (key, member) in try self.members(of: mapping) {
                    members[key.string] = try value(of: member)
                }
                return .object(members)
            case .alias(let alias):
                throw Failure(message: "the alias *\(alias.anchor) has no anchor", line: node.mark?.line)
            }
        }

        private mutating func enter(_ node: Node) throws {
            guard valuesLeft > 0 else { throw Failure(message: "its aliases stand for too much", line: nil) }
            guard depthLeft > 0 else {
                throw Failure(message: "the document is nested too deep", line: node.mark?.line)
            }
            valuesLeft -= 1
            depthLeft -= 1
        }

        private mutating func leave() { depthLeft += 1 }

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

        // MARK: Mappings

        typealias Member = (key: Node.Scalar, value: Node)

        /// The members of a mapping with those that its merge key (`<<`) brings. Its own win, and then those that come first.
        /// https://yaml.org/type/merge.html
        mutating func members(of mapping: Node.Mapping) throws -> [Member] {
            var members: [Member] = []
            var merged: [Member] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    throw Failure(message: "a key is not a string", line: key.mark?.line)
                }
                if key.tag == Tag(.merge) {
                    merged += try self.merged(value)
                } else {
                    members.append((name, value))
                }
            }
            guard !merged.isEmpty else { return members }
            var names = Set(members.map(\.key.string))
            return members + merged.filter { names.insert($0.key.string).inserted }
        }

        /// What a merge key stands before: a mapping, or a sequence of mappings.
        private mutating func merged(_ node: Node) throws -> [Member] {
            try enter(node)
            defer { leave() }
            switch node {
            case .mapping(let mapping):
                let members = try self.members(of: mapping)
                valuesLeft -= members.count
                return members
            case .sequence(let sequence):
                return try sequence.flatMap { element -> [Member] in
                    guard case .mapping = element else { throw Self.notMergeable(element) }
                    return try merged(element)
                }
            default: throw Self.notMergeable(node)
            }
        }

        private static func notMergeable(_ node: Node) -> Failure {
            Failure(message: "<< takes a mapping, or a sequence of mappings", line: node.mark?.line)
        }
    }
}
