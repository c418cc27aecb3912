import GeneratedPods
import JSON

/// Texts that are small, and would be huge or deep if their aliases were followed.
enum HostileYAML {
    /// A line for each link: an alias of the one before, nested. Each may be read by itself; all together stand deep.
    static func chain(links: Int, nesting: Int) -> String {
        (0..<links).map { link in
            let inner = link == 0 ? "x" : "*a\(link - 1)"
            return "- &a\(link) \(nested(inner, nesting))\n"
        }.joined()
    }

    static func nested(_ inner: String, _ nesting: Int) -> String {
        String(repeating: "[", count: nesting) + inner + String(repeating: "]", count: nesting)
    }

    /// A line for each level, each of which stands for the one before many times.
    static func laughs(levels: Int, of pattern: (_ alias: String) -> String) -> String {
        "a0: &a0 {x: y}\n" + (1..<levels).map { "a\($0): &a\($0) \(pattern("*a\($0 - 1)"))\n" }.joined()
    }
}

/// Documents that are made up, of anchors, aliases and merge keys: as text, and as what they mean.
struct AliasedDocuments {
    private indirect enum Node {
        case scalar(String)
        case sequence([Node])
        case mapping([(key: String, value: Node)], merged: [Node])
        /// A node that has an anchor, and what stands in its place.
        case alias(name: String, Node)
        case anchored(name: String, Node)
    }

    private var numbers: RandomNumbers
    private var documents: [Node] = []
    private var anchors: [(name: String, node: Node)] = []
    private var names = 0

    init(seed: UInt64) {
        numbers = RandomNumbers(seed: seed)
        for _ in 0...below(3) {
            anchors = []
            documents.append(collection(depth: 4))
        }
    }

    private mutating func below(_ limit: Int) -> Int { Int.random(in: 0..<limit, using: &numbers) }

    private mutating func node(depth: Int) -> Node {
        if !anchors.isEmpty, below(3) == 0 { return alias(anchors[below(anchors.count)]) }
        return depth == 0 || below(4) == 0 ? .scalar(["x", "7", "null", "true"][below(4)]) : collection(depth: depth)
    }

    private mutating func collection(depth: Int) -> Node {
        let node =
            below(2) == 0 ? Node.sequence((0..<below(5)).map { _ in self.node(depth: depth - 1) }) : mapping(depth)
        guard below(2) == 0 else { return node }
        names += 1
        // Some names are given again: the last one counts.
        let name = "n\(names % 12)"
        anchors.removeAll { $0.name == name }
        anchors.append((name, node))
        return .anchored(name: name, node)
    }

    private mutating func mapping(_ depth: Int) -> Node {
        // What is merged is written first, and has its anchor before.
        let mappings = anchors.filter { if case .mapping = $0.node { true } else { false } }
        let merged = mappings.isEmpty ? [] : (0..<below(4)).map { _ in alias(mappings[below(mappings.count)]) }
        let members = (0..<below(4)).map { (key: "k\($0 + below(2) * 4)", value: node(depth: depth - 1)) }
        return .mapping(members, merged: merged)
    }

    private func alias(_ anchor: (name: String, node: Node)) -> Node { .alias(name: anchor.name, anchor.node) }

    // MARK: What they are

    var text: String { documents.map { "--- \(Self.text($0))\n" }.joined() }

    /// How many values there are, without keys, and how many stand inside each other: found by following each alias.
    ///
    /// - Parameter limit: there are more values, if that many are found.
    func size(limit: Int) -> (count: Int, depth: Int) {
        var count = 0
        let depths = documents.map { Self.depth($0, &count, limit) }
        return (count, depths.max() ?? 0)
    }

    /// What they mean, with merge keys merged.
    var values: [JSONValue] { documents.map(Self.value) }

    private static func text(_ node: Node) -> String {
        switch node {
        case .scalar(let text): return text
        case .sequence(let nodes): return "[\(nodes.map(text).joined(separator: ", "))]"
        case .mapping(let members, let merged):
            let merge = merged.map(text)
            let first =
                merge.isEmpty ? [] : ["<<: " + (merge.count == 1 ? merge[0] : "[\(merge.joined(separator: ", "))]")]
            return "{\((first + members.map { "\($0.key): \(text($0.value))" }).joined(separator: ", "))}"
        case .alias(let name, _): return "*\(name) "
        case .anchored(let name, let node): return "&\(name) \(text(node))"
        }
    }

    private static func depth(_ node: Node, _ count: inout Int, _ limit: Int) -> Int {
        switch node {
        case .alias(_, let node), .anchored(_, let node): return depth(node, &count, limit)
        default: break
        }
        guard count < limit else { return 0 }
        count += 1
        switch node {
        case .sequence(let nodes): return 1 + (nodes.map { depth($0, &count, limit) }.max() ?? 0)
        case .mapping(let members, let merged):
            let merge = merged.count > 1 ? [Node.sequence(merged)] : merged
            return 1 + ((merge + members.map(\.value)).map { depth($0, &count, limit) }.max() ?? 0)
        default: return 1
        }
    }

    private static func value(_ node: Node) -> JSONValue {
        switch node {
        case .scalar("null"): return .null
        case .scalar("true"): return true
        case .scalar("7"): return 7
        case .scalar(let text): return .string(text)
        case .sequence(let nodes): return .array(nodes.map(value))
        case .alias(_, let node), .anchored(_, let node): return value(node)
        case .mapping(let members, let merged):
            var object: JSONValue = [:]
            for (key, member) in members { object[key] = value(member) }
            for (key, member) in merged.flatMap({ value($0).object ?? [:] }) where object[key] == nil {
                object[key] = member
            }
            return object
        }
    }
}
