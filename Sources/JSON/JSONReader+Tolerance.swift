// What a reader needs that must not fail on what is JSON, whatever its types are: it asks for a type, and what is of another
// one is passed over.

extension JSONReader {
    /// - Returns: whether there is an object; `nil` for `null`.
    public mutating func objectIfAny(_ member: (String, inout JSONReader) throws -> Void) throws -> Bool? {
        guard isNext(UInt8(ascii: "{")) else { return try skipOther() }
        try object(member)
        return true
    }

    /// ``objectIfAny(_:)`` for members that are known by name.
    public mutating func membersIfAny(_ member: (Span<UInt8>, inout JSONReader) throws -> Void) throws -> Bool? {
        guard isNext(UInt8(ascii: "{")) else { return try skipOther() }
        try members(member)
        return true
    }

    public mutating func objectIfAny(
        only name: StaticString, _ member: (inout JSONReader) throws -> Void
    ) throws {
        if isNext(UInt8(ascii: "{")) { try object(only: name, member) } else { try skip() }
    }

    /// - Returns: whether there is an array; `nil` for `null`.
    public mutating func arrayIfAny(_ element: (inout JSONReader) throws -> Void) throws -> Bool? {
        guard isNext(UInt8(ascii: "[")) else { return try skipOther() }
        try array(element)
        return true
    }

    public mutating func stringIfAny() throws -> String? {
        try stringTokenIfAny().map { string($0) }
    }

    public mutating func stringTokenIfAny() throws -> JSONStringToken? {
        if isNext(UInt8(ascii: "\"")) { return try stringToken() }
        try skip()
        return nil
    }

    /// Of an object, the member of one name if that is a string: most lists are of objects that are told apart by it. Whatever
    /// else there is is passed over.
    public mutating func stringTokenIfAny(ofMember name: StaticString) throws(JSONError) -> JSONStringToken? {
        guard isNext(UInt8(ascii: "{")) else {
            try skip()
            return nil
        }
        return try stringToken(ofMember: name)
    }

    public mutating func boolIfAny() throws -> Bool? {
        if kind() == .bool { return try bool() }
        try skip()
        return nil
    }
    /// Passes over what is of another type.
    ///
    /// - Returns: false; `nil` for `null`.
    private mutating func skipOther() throws -> Bool? {
        if skipNull() { return nil }
        try skip()
        return false
    }
}
