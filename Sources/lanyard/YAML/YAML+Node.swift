internal import JSON

extension YAML {
    /// A value, and where it stands.
    ///
    /// What aliases stand for is shared, not copied.
    struct Node {
        enum Content {
            case scalar(Scalar)
            case sequence([Node])
            case mapping(Mapping)
        }

        var content: Content
        /// The line on which it begins, counted from 1.
        var line: Int

        func value() throws(Failure) -> JSONValue {
            switch content {
            case .scalar(let scalar): return try scalar.value(line: line)
            case .sequence(let nodes):
                var elements: [JSONValue] = []
                elements.reserveCapacity(nodes.count)
                for node in nodes { elements.append(try node.value()) }
                return .array(elements)
            case .mapping(let mapping):
                var members = JSONObject()
                for member in mapping.members { members.append(member.key, try member.value.value()) }
                return .object(members)
            }
        }
    }

    /// Members in their order, each key once.
    struct Mapping {
        struct Member {
            var key: String
            var keyLine: Int
            var value: Node
        }

        private(set) var members: [Member] = []
        /// Where each key is, as soon as there are many: to search few is faster.
        private var positions: [String: Int] = [:]

        subscript(key: String) -> Member? {
            let position = positions.isEmpty ? members.firstIndex { $0.key == key } : positions[key]
            return position.map { members[$0] }
        }

        /// - Parameter member: one whose key is not there yet.
        mutating func append(_ member: Member) {
            members.append(member)
            guard members.count > 16 else { return }
            for position in positions.count..<members.count { positions[members[position].key] = position }
        }
    }
}
