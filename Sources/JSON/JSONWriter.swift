/// Writes a JSON text without white space, piece by piece, so that no value has to be made for it first.
///
/// ```swift
/// json.object { json in
///     json.member("name", name)
///     json.member("items") { json in json.array { json in items.forEach { json.string($0) } } }
/// }
/// ```
/// Commas come by themselves. A member's closure must write one value.
public struct JSONWriter: Hashable, Sendable {
    public private(set) var text: [UInt8] = []
    private var isFirst = true

    public init() {}

    /// A text that a closure writes.
    public init(_ write: (inout JSONWriter) -> Void) {
        reserveCapacity(Self.usualSize)
        write(&self)
    }

    public init(_ value: JSONValue) {
        reserveCapacity(Self.usualSize)
        self.value(value)
    }

    /// Of what is written piece by piece, such as a variable.
    private static let usualSize = 240

    mutating func reserveCapacity(_ byteCount: Int) { text.reserveCapacity(byteCount) }

    // MARK: Containers

    public mutating func object(_ members: (inout JSONWriter) -> Void) {
        within(UInt8(ascii: "{"), UInt8(ascii: "}"), members)
    }

    public mutating func array(_ elements: (inout JSONWriter) -> Void) {
        within(UInt8(ascii: "["), UInt8(ascii: "]"), elements)
    }

    private mutating func within(_ opening: UInt8, _ closing: UInt8, _ write: (inout JSONWriter) -> Void) {
        separate()
        text.append(opening)
        isFirst = true
        write(&self)
        text.append(closing)
        isFirst = false
    }

    /// - Parameter name: without anything that must be escaped.
    public mutating func member(_ name: StaticString, _ value: (inout JSONWriter) -> Void) {
        write(name)
        value(&self)
    }

    /// - Parameter name: without anything that must be escaped.
    public mutating func member(_ name: StaticString, _ string: String) {
        write(name)
        self.string(string)
    }

    /// - Parameter name: without anything that must be escaped.
    public mutating func member(_ name: StaticString, _ value: JSONValue) {
        write(name)
        self.value(value)
    }

    // MARK: Values

    public mutating func string(_ string: String) {
        separate()
        JSONValue.write(string, to: &text)
    }

    /// One string of several pieces, of which only the first may have something that must be escaped.
    mutating func string(_ first: String = "", pieces: StaticString...) {
        separate()
        text.append(UInt8(ascii: "\""))
        JSONValue.writeContent(of: first, to: &text)
        for piece in pieces { text.append(literal: piece) }
        text.append(UInt8(ascii: "\""))
    }

    /// The pointer to a part of what another one points to.
    mutating func string(_ pointer: JSONPointer, _ token: String) {
        separate()
        text.append(UInt8(ascii: "\""))
        JSONValue.writeContent(of: pointer.description, to: &text)
        text.append(UInt8(ascii: "/"))
        JSONValue.writeContent(of: JSONPointer.escaped(token), to: &text)
        text.append(UInt8(ascii: "\""))
    }

    public mutating func value(_ value: JSONValue) {
        separate()
        value.write(to: &text)
    }

    /// One value that has been written already.
    public mutating func value(_ written: JSONWriter) {
        separate()
        text.append(contentsOf: written.text)
    }

    /// An object of which all has been written already: what stands before its last value, and that value.
    mutating func object(beginningWith start: [UInt8], endingWith value: JSONWriter) {
        separate()
        text.append(contentsOf: start)
        text.append(contentsOf: value.text)
        text.append(UInt8(ascii: "}"))
    }

    // MARK: Parts

    private mutating func write(_ name: StaticString) {
        separate()
        text.append(quoted: name)
        text.append(UInt8(ascii: ":"))
        isFirst = true
    }

    private mutating func separate() {
        if !isFirst { text.append(UInt8(ascii: ",")) }
        isFirst = false
    }
}
