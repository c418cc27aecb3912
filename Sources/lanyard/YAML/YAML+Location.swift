extension YAML {
    /// Where a value stands in its file.
    struct Location {
        /// The line on which it begins, and before a member's its key. Counted from 1.
        let line: Int
        private let node: Node

        init(_ node: Node) {
            self.init(node, line: node.line)
        }

        private init(_ node: Node, line: Int) {
            self.node = node
            self.line = line
        }

        /// Where a part of the value stands, if there is one.
        ///
        /// - Parameter path: the names of members, and of elements the indices, or what their `name` is.
        func part(_ path: some Collection<String>) -> Location? {
            var part = self
            for step in path {
                guard let child = part.child(step) else { return nil }
                part = child
            }
            return part
        }

        private func child(_ step: String) -> Location? {
            switch node.content {
            case .mapping(let mapping):
                return mapping[step].map { Location($0.value, line: $0.keyLine) }
            case .sequence(let elements):
                if let index = Int(step), elements.indices.contains(index) { return Location(elements[index]) }
                // Of elements of the same name the last one counts.
                return elements.last { $0.name == step }.map { Location($0) }
            case .scalar: return nil
            }
        }
    }
}

extension YAML.Node {
    fileprivate var name: String? {
        guard case .mapping(let mapping) = content, case .scalar(let name)? = mapping["name"]?.value.content else {
            return nil
        }
        return name.text
    }
}
