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

/// A text that is JSON, and says more than its reader is willing to keep: what a few bytes become may be a hundred times as
/// large as they are.
public struct JSONLimitExceeded: Error, Hashable, Sendable, CustomStringConvertible {
    /// What there is too much of: `the pod has more than 1000 containers`.
    public let description: String

    public init(_ description: String) {
        self.description = description
    }
}
