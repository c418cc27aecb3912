/// Why some bytes are not the JSON that was asked for, and where.
public struct JSONError: Error, Hashable, Sendable, CustomStringConvertible {
    /// What is wrong, as the end of a sentence: `expected a string, found a number`.
    public var message: String

    /// The offset, in bytes from the start of the text, at which reading stopped.
    public var offset: Int

    public init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    public var description: String { "\(message) at byte \(offset)" }
}
