internal import Yams

extension YAML {
    /// Where a value stands in its file.
    struct Location {
        /// The line on which it begins, and before a member's its key. Counted from 1.
        let line: Int
        private let node: Node

        init(_ node: Node) {
            self.init(node, at: node.mark)
        }

        private init(_ node: Node, at mark: Mark?) {
            self.node = node
            line = mark?.line ?? 1
        }

        /// Where a part of the value stands, if there is one.
        ///
        /// - Parameter path: the names of members, and of elements the indices, or what their `name` is.
        func part(_ path: some Collection<String>) -> Location? {
            guard let step = path.first else { return self }
            return child(step)?.part(path.dropFirst())
        }

        private func child(_ step: String) -> Location? {
            switch node {
            case .mapping: return member(step)
            case .sequence(let elements):
                if let index = Int(step), elements.indices.contains(index) { return Location(elements[index]) }
                // Of elements of the same name the last one counts.
                return elements.reversed().lazy.map { Location($0) }.first { $0.member("name")?.node.string == step }
            default: return nil
            }
        }

        private func member(_ name: String) -> Location? {
            guard case .mapping(let mapping) = node else { return nil }
            // The members have been read before, so they are not too many.
            var conversion = Conversion(textSize: .max)
            let member = try? conversion.members(of: mapping).first { $0.key.string == name }
            return member.map { Location($0.value, at: $0.key.mark) }
        }
    }
}
