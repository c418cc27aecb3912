internal import NIOCore

/// An item of a list, or all that is not an item, is longer than it may be.
struct PartTooLong: Error, Hashable {
    var limit: Int
}

/// Cuts a list into its items while it arrives, so that a list of any length is never held as a whole.
///
/// It looks at brackets and quotes only; what an item says, and whether it is JSON, is found out when it is read. What is
/// not an item is kept: the envelope, which has the list's `metadata`.
struct ListFramer {
    let limit: Int

    /// What has been seen that is not an item: in the end a list without items.
    private(set) var envelope: [UInt8] = []

    private var item: [UInt8] = []
    private var isInItems = false

    /// How many brackets are open.
    private var depth = 0
    private var isInString = false
    private var isEscaped = false

    /// - Parameter limit: the length of the longest item, in bytes.
    init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// Takes the next bytes, and hands over each item that they complete.
    mutating func append(_ chunk: ByteBuffer, _ item: ([UInt8]) throws -> Void) throws {
        try chunk.withUnsafeReadableBytes { bytes in
            var start = 0
            for position in bytes.indices {
                let byte = bytes[position]
                if isInString {
                    isInString = isEscaped || byte != UInt8(ascii: "\"")
                    isEscaped = !isEscaped && byte == UInt8(ascii: "\\")
                    continue
                }
                switch byte {
                case UInt8(ascii: "\""):
                    isInString = true
                case UInt8(ascii: "{"), UInt8(ascii: "["):
                    depth += 1
                    if depth == 2, !isInItems, byte == UInt8(ascii: "[") {
                        try keep(bytes[start...position])
                        start = position + 1
                        isInItems = envelopeEndsInItems
                    }
                case UInt8(ascii: "}"), UInt8(ascii: "]"):
                    depth -= 1
                    if isInItems, depth == 2 {
                        try keep(bytes[start...position])
                        start = position + 1
                        try item(takeItem())
                    } else if isInItems, depth == 1 {
                        isInItems = false
                        start = position
                    }
                case UInt8(ascii: ",") where isInItems && depth == 2:
                    start = position + 1
                default:
                    break
                }
            }
            try keep(bytes[start...])
        }
    }

    private mutating func keep(_ bytes: Slice<UnsafeRawBufferPointer>) throws(PartTooLong) {
        guard (isInItems ? item.count : envelope.count) + bytes.count <= limit else { throw PartTooLong(limit: limit) }
        if isInItems {
            item += bytes
        } else {
            envelope += bytes
        }
    }

    private mutating func takeItem() -> [UInt8] {
        defer { item = [] }
        return item
    }

    /// Whether the bracket that was just kept opens the member `items`.
    private var envelopeEndsInItems: Bool {
        let tokens = envelope.reversed().lazy.filter { $0 != 0x20 && $0 != 0x0A && $0 != 0x0D && $0 != 0x09 }
        let expected = #""items":["#.utf8.reversed()
        guard tokens.starts(with: expected), let before = tokens.dropFirst(expected.count).first else { return false }
        return before == UInt8(ascii: "{") || before == UInt8(ascii: ",")
    }
}
