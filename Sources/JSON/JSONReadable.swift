/// A value that reads what it needs of a JSON object and skips the rest.
public protocol JSONReadable {
    init(from json: inout JSONReader) throws
}

extension JSONReader {
    public mutating func read<Value: JSONReadable>(_ type: Value.Type = Value.self) throws -> Value {
        try Value(from: &self)
    }

    /// An array of values. `null` counts as an empty array.
    public mutating func list<Value: JSONReadable>(of type: Value.Type = Value.self) throws -> [Value] {
        var values: [Value] = []
        try array { json in values.append(try json.read()) }
        return values
    }

    /// An array of strings. `null` counts as an empty array.
    public mutating func stringList() throws -> [String] {
        var values: [String] = []
        try array { json in values.append(try json.string()) }
        return values
    }

    /// An object whose values are strings. `null` counts as an empty object, and a `null` value as an empty string.
    public mutating func strings() throws -> [String: String] {
        var strings: [String: String] = [:]
        try object { key, json in strings[key] = try json.optionalString() ?? "" }
        return strings
    }
}

extension JSONValue: JSONReadable {
    public init(from json: inout JSONReader) throws {
        self = try json.value()
    }
}

extension JSONReadable {
    /// Reads a whole text.
    public init(parsing bytes: [UInt8], maximumDepth: Int = JSONReader.defaultMaximumDepth) throws {
        var reader = JSONReader(bytes, maximumDepth: maximumDepth)
        self = try reader.read()
        try reader.end()
    }
}
