/// A number as it was written.
///
/// JSON does not bound a number's size or precision (RFC 8259 section 6). Keeping the text means that what is passed on
/// is what arrived.
public struct JSONNumber: Hashable, Sendable {
    public let text: String

    /// A number whose text has already been found to match the grammar.
    init(validated text: String) {
        self.text = text
    }

    public init(_ integer: Int) {
        text = String(integer)
    }

    /// The number as an `Int`, or `nil` if it has a fraction or an exponent, or is out of range.
    public var integer: Int? { Int(text) }
}
