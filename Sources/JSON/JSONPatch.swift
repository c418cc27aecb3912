/// Changes to a JSON text, in order (RFC 6902).
public struct JSONPatch: Hashable, Sendable {
    public enum Operation: Hashable, Sendable {
        /// Adds a member or inserts an element; the token `-` stands for the end of an array (section 4.1).
        case add(JSONPointer, JSONValue)
        case remove(JSONPointer)
        case replace(JSONPointer, JSONValue)
        /// Fails the patch unless the value is there (section 4.6). Numbers must be written alike: for us `1` is not `1.0`.
        case test(JSONPointer, JSONValue)
    }

    /// The operations as they are sent, without the brackets around them: most patches are sent and never applied here.
    private var text = JSONWriter()

    public init() {}

    public init(_ operations: some Sequence<Operation>) {
        for operation in operations {
            switch operation {
            case .add(let path, let value): append("add", path) { $0.member("value", value) }
            case .remove(let path): remove(at: path)
            case .replace(let path, let value): append("replace", path) { $0.member("value", value) }
            case .test(let path, let value): append("test", path) { $0.member("value", value) }
            }
        }
    }

    public var isEmpty: Bool { text.text.isEmpty }

    public mutating func add(_ value: JSONValue, at pointer: JSONPointer) {
        append("add", pointer) { $0.member("value", value) }
    }

    /// Adds a string as a member to the object at a pointer.
    public mutating func add(_ string: String, asMember name: String, of pointer: JSONPointer) {
        append("add") { json in
            json.member("path") { $0.string(pointer, name) }
            json.member("value", string)
        }
    }

    public mutating func remove(at pointer: JSONPointer) {
        append("remove", pointer) { _ in }
    }

    /// Adds a member, whose value a closure writes, to the object at a pointer.
    ///
    /// - Parameter name: without anything that must be escaped.
    public mutating func add(
        member name: StaticString, to pointer: JSONPointer, _ value: (inout JSONWriter) -> Void
    ) {
        append("add", pointer, name) { $0.member("value", value) }
    }

    /// Appends elements, one after the other, to the array that is a member of the object at a pointer.
    ///
    /// - Parameters:
    ///   - elements: each of them one value.
    ///   - name: of the array, without anything that must be escaped.
    public mutating func append(_ elements: [JSONWriter], toArray name: StaticString, of pointer: JSONPointer) {
        guard let first = elements.first else { return }
        let start = text.text.count + (text.text.isEmpty ? 0 : 1)
        append("add", pointer, name, "/-") { $0.member("value") { $0.value(first) } }
        // What stands before the value is the same for all of them.
        let end = text.text.count - first.text.count - 1
        let operation = Array(text.text[start..<end])
        for element in elements.dropFirst() { text.object(beginningWith: operation, endingWith: element) }
    }

    /// - Parameters:
    ///   - name: of a member, after the path; empty for none.
    ///   - end: what follows it.
    private mutating func append(
        _ operation: StaticString, _ path: JSONPointer, _ name: StaticString = "", _ end: StaticString = "",
        _ value: (inout JSONWriter) -> Void
    ) {
        append(operation) { json in
            json.member("path") { json in
                let separator: StaticString = name.utf8CodeUnitCount == 0 ? "" : "/"
                json.string(path.description, pieces: separator, name, end)
            }
            value(&json)
        }
    }

    private mutating func append(_ operation: StaticString, _ rest: (inout JSONWriter) -> Void) {
        if text.text.isEmpty { text.reserveCapacity(4096) }
        text.object { json in
            json.member("op") { $0.string(pieces: operation) }
            rest(&json)
        }
    }

    /// Writes the patch, as `application/json-patch+json` and admission responses carry it.
    public func write(to output: inout [UInt8]) {
        output.append(UInt8(ascii: "["))
        output.append(contentsOf: text.text)
        output.append(UInt8(ascii: "]"))
    }

    /// The patch as JSON.
    public var json: JSONValue {
        var text: [UInt8] = []
        write(to: &text)
        // It has been written here, so it is JSON.
        return (try? JSONValue(parsing: text, maximumDepth: .max)) ?? []
    }

    public var operations: [Operation] {
        (json.array ?? []).compactMap { operation in
            guard let path = operation["path"]?.string.map(JSONPointer.init(escaped:)) else { return nil }
            return switch (operation["op"]?.string, operation["value"]) {
            case ("add", let value?): .add(path, value)
            case ("remove", _): .remove(path)
            case ("replace", let value?): .replace(path, value)
            case ("test", let value?): .test(path, value)
            default: nil
            }
        }
    }
}

/// Why a patch does not fit a text.
public struct JSONPatchError: Error, Hashable, Sendable, CustomStringConvertible {
    public var operation: Int
    public var pointer: JSONPointer
    public var message: String

    public var description: String { "operation \(operation) at '\(pointer)': \(message)" }
}

extension JSONValue {
    /// Applies all operations, or none and throws.
    public mutating func apply(_ patch: JSONPatch) throws(JSONPatchError) {
        var result = self
        for (index, operation) in patch.operations.enumerated() {
            do {
                try result.apply(operation)
            } catch {
                throw JSONPatchError(operation: index, pointer: error.pointer, message: error.message)
            }
        }
        self = result
    }

    public func applying(_ patch: JSONPatch) throws(JSONPatchError) -> JSONValue {
        var result = self
        try result.apply(patch)
        return result
    }

    private mutating func apply(_ operation: JSONPatch.Operation) throws(Misfit) {
        switch operation {
        case .add(let pointer, let value): try edit(pointer, .add(value))
        case .remove(let pointer): try edit(pointer, .remove)
        case .replace(let pointer, let value): try edit(pointer, .replace(value))
        case .test(let pointer, let value): try edit(pointer, .test(value))
        }
    }

    private mutating func edit(_ pointer: JSONPointer, _ change: Change) throws(Misfit) {
        do {
            try edit(pointer.tokens[...], change)
        } catch {
            throw Misfit(pointer: pointer, message: error.message)
        }
    }

    /// Walks to the parent of the place, then changes the place itself.
    private mutating func edit(_ tokens: ArraySlice<String>, _ change: Change) throws(Misfit) {
        guard let token = tokens.first else {
            try change.applyToWhole(&self)
            return
        }
        let rest = tokens.dropFirst()
        switch self {
        case .object(var members):
            self = .null
            defer { self = .object(members) }
            if rest.isEmpty {
                try change.apply(to: &members, at: token)
            } else {
                guard var child = members[token] else { throw Misfit("there is no member '\(token)'") }
                try child.edit(rest, change)
                members[token] = child
            }
        case .array(var elements):
            self = .null
            defer { self = .array(elements) }
            if rest.isEmpty {
                try change.apply(to: &elements, at: token)
            } else {
                guard let index = Change.index(token), elements.indices.contains(index) else {
                    throw Misfit("there is no element '\(token)'")
                }
                try elements[index].edit(rest, change)
            }
        default:
            throw Misfit("'\(token)' names a part of \(kind), which has none")
        }
    }
}

private struct Misfit: Error {
    var pointer = JSONPointer()
    var message: String

    init(pointer: JSONPointer = JSONPointer(), message: String) {
        self.pointer = pointer
        self.message = message
    }

    init(_ message: String) {
        self.init(message: message)
    }
}

private enum Change {
    case add(JSONValue)
    case remove
    case replace(JSONValue)
    case test(JSONValue)

    func applyToWhole(_ whole: inout JSONValue) throws(Misfit) {
        switch self {
        case .add(let value), .replace(let value): whole = value
        case .remove: throw Misfit("the whole text cannot be removed")
        case .test(let value): if whole != value { throw Misfit("the value is not the one expected") }
        }
    }

    func apply(to members: inout JSONObject, at key: String) throws(Misfit) {
        if case .add(let value) = self {
            members[key] = value
            return
        }
        guard let present = members[key] else { throw Misfit("there is no member '\(key)'") }
        switch self {
        case .add: break
        case .remove: members[key] = nil
        case .replace(let value): members[key] = value
        case .test(let value): if present != value { throw Misfit("the value is not the one expected") }
        }
    }

    func apply(to elements: inout [JSONValue], at token: String) throws(Misfit) {
        if case .add(let value) = self {
            guard let index = token == "-" ? elements.count : Change.index(token), index <= elements.count else {
                throw Misfit("'\(token)' is not a place in an array of \(elements.count)")
            }
            elements.insert(value, at: index)
            return
        }
        guard let index = Change.index(token), elements.indices.contains(index) else {
            throw Misfit("there is no element '\(token)'")
        }
        switch self {
        case .add: break
        case .remove: elements.remove(at: index)
        case .replace(let value): elements[index] = value
        case .test(let value): if elements[index] != value { throw Misfit("the value is not the one expected") }
        }
    }

    /// An array index: digits, without leading zeros (RFC 6901 section 4).
    static func index(_ token: String) -> Int? {
        guard token.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }),
            token == "0" || !token.hasPrefix("0")
        else { return nil }
        return Int(token)
    }
}
