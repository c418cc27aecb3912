public import JSON

/// A list's `metadata`.
public struct ListMetadata: Hashable, Sendable {
    /// From where a watch goes on that follows this list.
    public var resourceVersion = ""

    /// Asks for the next page; empty on the last one.
    public var continueToken = ""

    public init(resourceVersion: String = "", continueToken: String = "") {
        self.resourceVersion = resourceVersion
        self.continueToken = continueToken
    }
}

extension ListMetadata: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "resourceVersion": resourceVersion = try json.string()
            case "continue": continueToken = try json.optionalString() ?? ""
            default: try json.skip()
            }
        }
    }
}
