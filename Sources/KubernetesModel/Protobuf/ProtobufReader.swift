/// Reads just what is asked for from a Protocol Buffers message, in one pass, and skips the rest.
///
/// Only what Kubernetes' own messages need. In this encoding most of each object in a list of metadata, its `managedFields`, is
/// passed over at once.
public struct ProtobufReader {
    private let bytes: [UInt8]
    private var end: Int
    private var wireType: UInt64 = 0

    /// The offset, in bytes, of what will be read next.
    public private(set) var offset = 0

    public init(_ bytes: [UInt8]) {
        self.bytes = bytes
        end = bytes.count
    }

    /// Hands each field of the message, by its number, to `field`, which must read or skip its value.
    public mutating func fields(_ field: (UInt64, inout ProtobufReader) throws -> Void) throws {
        while offset < end {
            let tag = try varint()
            wireType = tag & 7
            try field(tag >> 3, &self)
        }
    }

    /// A field that is a message itself.
    public mutating func message(_ field: (UInt64, inout ProtobufReader) throws -> Void) throws {
        let range = try lengthDelimited()
        let outerEnd = end
        (offset, end) = (range.lowerBound, range.upperBound)
        try fields(field)
        end = outerEnd
    }

    public mutating func string() throws(ProtobufError) -> String {
        let range = try lengthDelimited()
        do {
            return String(copying: try UTF8Span(validating: bytes.span.extracting(range)))
        } catch {
            throw ProtobufError("a string is not valid UTF-8", at: range.lowerBound)
        }
    }

    public mutating func integer() throws(ProtobufError) -> Int {
        guard wireType == 0 else { throw ProtobufError("expected a number", at: offset) }
        return Int(Int64(bitPattern: try varint()))
    }

    public mutating func bool() throws(ProtobufError) -> Bool {
        try integer() != 0
    }

    public mutating func skip() throws(ProtobufError) {
        switch wireType {
        case 0: _ = try varint()
        case 1: try advance(by: 8)
        case 2: _ = try lengthDelimited()
        case 5: try advance(by: 4)
        default: throw ProtobufError("unknown kind of field", at: offset)
        }
    }

    // MARK: Bytes

    private mutating func lengthDelimited() throws(ProtobufError) -> Range<Int> {
        guard wireType == 2 else { throw ProtobufError("expected a string or a message", at: offset) }
        guard let length = Int(exactly: try varint()) else { throw ProtobufError("a length is too large", at: offset) }
        let start = offset
        try advance(by: length)
        return start..<offset
    }

    private mutating func advance(by count: Int) throws(ProtobufError) {
        guard count <= end - offset else { throw ProtobufError("the message ends too early", at: offset) }
        offset += count
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard offset < end else { throw ProtobufError("the message ends too early", at: offset) }
            let byte = bytes[offset]
            offset += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtobufError("a number is too long", at: offset)
    }
}

/// Why some bytes are not the message that was asked for, and where.
public struct ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    public var message: String

    /// In bytes from the start of the outermost message.
    public var offset: Int

    public init(_ message: String, at offset: Int) {
        self.message = message
        self.offset = offset
    }

    public var description: String { "\(message) at byte \(offset)" }
}
