// What a reader needs that must not fail on what is JSON, whatever its types are: it asks for a type, and what is of another
// one is passed over.

extension JSONReader {
    /// - Returns: whether there is an object; `nil` for `null`.
    public mutating func objectIfAny(_ member: (String, inout JSONReader) throws -> Void) throws -> Bool? {
        switch kind() {
        case .object: try object(member)
        case let kind:
            try skip()
            return kind == .null ? nil : false
        }
        return true
    }

    /// ``objectIfAny(_:)`` for members that are known by name.
    public mutating func membersIfAny(_ member: (Span<UInt8>, inout JSONReader) throws -> Void) throws -> Bool? {
        switch kind() {
        case .object: try members(member)
        case let kind:
            try skip()
            return kind == .null ? nil : false
        }
        return true
    }

    public mutating func objectIfAny(
        only name: StaticString, _ member: (inout JSONReader) throws -> Void
    ) throws {
        if kind() == .object { try object(only: name, member) } else { try skip() }
    }

    /// - Returns: whether there is an array; `nil` for `null`.
    public mutating func arrayIfAny(_ element: (inout JSONReader) throws -> Void) throws -> Bool? {
        switch kind() {
        case .array: try array(element)
        case let kind:
            try skip()
            return kind == .null ? nil : false
        }
        return true
    }

    public mutating func stringIfAny() throws -> String? {
        try stringTokenIfAny().map { string($0) }
    }

    public mutating func stringTokenIfAny() throws -> JSONStringToken? {
        if kind() == .string { return try stringToken() }
        try skip()
        return nil
    }

    public mutating func boolIfAny() throws -> Bool? {
        if kind() == .bool { return try bool() }
        try skip()
        return nil
    }
}
