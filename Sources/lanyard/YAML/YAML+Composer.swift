internal import JSON

extension YAML {
    /// Builds the documents of a text.
    ///
    /// Aliases may make a small text a huge value, or a deep one. So each anchor knows how much it stands for, and an alias that
    /// would be too much is refused where it is, before anything is built of it. All documents together may have as many
    /// values as the text has bytes, which without aliases no text can exceed. A few more than that do no harm.
    struct Composer: ~Copyable {
        private let events: Events
        private let maximumDepth: Int
        private var valuesLeft: Int
        private var anchors: [String: Composed] = [:]
        private var collections: [OpenCollection] = []

        /// - Parameters:
        ///   - harmlessCount: how many values a text may have, however short it is.
        ///   - maximumDepth: how many values may stand inside each other.
        init(_ text: String, harmlessCount: Int = 1 << 16, maximumDepth: Int = JSONReader.defaultMaximumDepth) {
            events = Events(text)
            valuesLeft = max(text.utf8.count, harmlessCount)
            self.maximumDepth = maximumDepth
        }

        /// The next document; `nil` after the last one.
        mutating func nextDocument() throws(Failure) -> Node? {
            var root: Node?
            while true {
                let event = try events.next()
                switch event.kind {
                case .streamEnd: return nil
                case .documentEnd:
                    // An anchor is known in its own document only.
                    anchors.removeAll()
                    return root
                case .alias(let name):
                    guard let composed = anchors[name] else {
                        throw Failure("the alias *\(name) has no anchor before it", line: event.line)
                    }
                    try admit(composed, line: event.line)
                    root = try add(composed)
                case .scalar(let scalar):
                    let composed = Composed(node: Node(content: .scalar(scalar), line: event.line))
                    try admit(composed, line: event.line)
                    root = try add(composed, anchor: event.anchor)
                case .sequenceStart, .mappingStart:
                    let collection = OpenCollection(event)
                    try admit(collection.composed, line: event.line)
                    collections.append(collection)
                case .collectionEnd:
                    guard let collection = collections.popLast() else { continue }
                    root = try add(collection.composed, anchor: collection.anchor)
                case .other: continue
                }
            }
        }

        /// Takes what comes next into account, before it is added.
        private mutating func admit(_ composed: Composed, line: Int) throws(Failure) {
            if let collection = collections.last, collection.isAtKey {
                guard case .scalar = composed.node.content else { throw Failure("a key is not a string", line: line) }
                return
            }
            guard composed.depth <= maximumDepth - collections.count else {
                throw .nestedTooDeep(line: line)
            }
            guard composed.count <= valuesLeft else { throw Failure("its aliases stand for too much", line: line) }
            valuesLeft -= composed.count
        }

        /// Puts a node into the collection that is open.
        ///
        /// - Returns: the node if there is none: it is the document.
        private mutating func add(_ composed: Composed, anchor: String? = nil) throws(Failure) -> Node? {
            if let anchor { anchors[anchor] = composed }
            guard let last = collections.indices.last else { return composed.node }
            try collections[last].add(composed)
            return nil
        }
    }

    /// A node, and how much it is with all that its aliases stand for.
    private struct Composed {
        var node: Node
        /// Values, without keys.
        var count = 1
        /// How many values stand inside each other, this one included.
        var depth = 1
    }

    /// A sequence or a mapping whose end has not come yet.
    private struct OpenCollection {
        let anchor: String?
        private let line: Int
        private let isMapping: Bool
        private var count = 1
        private var depth = 1
        private var elements: [Node] = []
        private var members = Mapping()
        private var key: (text: String, isMerge: Bool, line: Int)?
        private var mergeLine: Int?
        private var merged: [Mapping] = []

        init(_ event: Event) {
            anchor = event.anchor
            line = event.line
            if case .mappingStart = event.kind { isMapping = true } else { isMapping = false }
        }

        var isAtKey: Bool { isMapping && key == nil }

        var composed: Composed {
            let content = isMapping ? Node.Content.mapping(members.merging(merged)) : .sequence(elements)
            return Composed(node: Node(content: content, line: line), count: count, depth: depth)
        }

        mutating func add(_ composed: Composed) throws(Failure) {
            let node = composed.node
            if isAtKey, case .scalar(let scalar) = node.content { return try beginMember(scalar, line: node.line) }
            count += composed.count
            depth = max(depth, composed.depth + 1)
            guard let key else { return elements.append(node) }
            self.key = nil
            guard key.isMerge else {
                return members.append(Mapping.Member(key: key.text, keyLine: key.line, value: node))
            }
            guard case .sequence(let nodes) = node.content else { return merged.append(try Self.mapping(node)) }
            for node in nodes { merged.append(try Self.mapping(node)) }
        }

        private mutating func beginMember(_ scalar: Scalar, line: Int) throws(Failure) {
            let isMerge = scalar.isMergeKey
            if let first = isMerge ? mergeLine : members[scalar.text]?.keyLine {
                throw Failure("line \(first): the key \(scalar.text) is there more than once")
            }
            if isMerge { mergeLine = line }
            key = (scalar.text, isMerge, line)
        }

        private static func mapping(_ node: Node) throws(Failure) -> Mapping {
            guard case .mapping(let mapping) = node.content else {
                throw Failure("<< takes a mapping, or a sequence of mappings", line: node.line)
            }
            return mapping
        }
    }
}

extension YAML.Mapping {
    /// This with the members that merge keys bring: its own win, and then those that come first.
    /// https://yaml.org/type/merge.html
    fileprivate func merging(_ others: [YAML.Mapping]) -> YAML.Mapping {
        var merged = self
        for member in others.lazy.flatMap(\.members) where merged[member.key] == nil { merged.append(member) }
        return merged
    }
}
