/// A JSON object that keeps the order of its members.
///
/// Members are few in what this package reads and writes, so look-up is a search from the end: of members with the same
/// name the last one counts, as it does for Kubernetes.
public struct JSONObject: Sendable {
    public typealias Element = (key: String, value: JSONValue)

    private var members: [Element]

    public init() {
        members = []
    }

    /// Adds a member after all others, without looking for one of that name.
    public mutating func append(_ key: String, _ value: JSONValue) {
        members.append((key, value))
    }

    public subscript(key: String) -> JSONValue? {
        get { lastIndex(of: key).map { members[$0].value } }
        set {
            let index = lastIndex(of: key)
            switch (index, newValue) {
            case (let index?, let value?): members[index].value = value
            case (nil, let value?): members.append((key, value))
            case (_?, nil): members.removeAll { $0.key.isSameText(as: key) }
            case (nil, nil): break
            }
        }
    }

    public var keys: [String] { members.map(\.key) }

    fileprivate func lastIndex(of key: String) -> Int? {
        members.lastIndex { $0.key.isSameText(as: key) }
    }
}

extension JSONObject: RandomAccessCollection {
    public var startIndex: Int { members.startIndex }
    public var endIndex: Int { members.endIndex }
    public subscript(position: Int) -> Element { members[position] }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    public init(dictionaryLiteral elements: (String, JSONValue)...) {
        members = elements.map { (key: $0.0, value: $0.1) }
    }

    /// The members in the order of their names.
    public init(_ strings: [String: String]) {
        members = strings.sorted { $0.key < $1.key }.map { (key: $0.key, value: .string($0.value)) }
    }
}

extension JSONObject: Hashable {
    /// Objects are equal whatever the order of their members (RFC 8259 section 4). Of members with the same name the last
    /// ones are compared, and only those: comparing others with them would make an object differ from itself.
    public static func == (left: JSONObject, right: JSONObject) -> Bool {
        left.count == right.count && right.allSatisfy { left.lastIndex(of: $0.key) != nil }
            && left.indices.allSatisfy { index in
                let (key, value) = left[index]
                return left.lastIndex(of: key) != index || right[key] == value
            }
    }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
    }
}
