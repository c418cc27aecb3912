internal import KubernetesModel
internal import NIOCore

/// Cuts a list in Protocol Buffers into its items while it arrives, as ``ListFramer`` does for JSON.
///
/// The list is one field of an envelope, and each item one field of the list. All of these fields begin with a number and a
/// length.
struct ProtobufListFramer {
    private enum Place: Equatable {
        /// Before the bytes with which every object begins.
        case start

        case envelope

        /// Inside the list, of which so many bytes are still to come.
        case list(Int)
    }

    /// The fields of a list.
    private enum ListField {
        static let metadata: UInt64 = 1
        static let item: UInt64 = 2
    }

    private struct FieldHead {
        var number: UInt64
        var length: Int

        /// How many bytes the number and length take themselves.
        var size: Int
    }

    let limit: Int
    private var place = Place.start
    private var metadata: ListMetadata?

    /// What has arrived and is not a whole field yet.
    private var pending: [UInt8] = []

    /// - Parameter limit: the length of the longest item, in bytes.
    init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// Takes the next bytes, and hands over each item that they complete: a `PartialObjectMetadata`.
    mutating func append(_ chunk: ByteBuffer, _ item: ([UInt8]) throws -> Void) throws {
        pending += chunk.readableBytesView
        var position = 0
        while try readPart(at: &position, item) {}
        pending.removeFirst(position)
    }

    /// - Returns: the list's metadata.
    /// - Throws: a `ProtobufError` if the list was not complete.
    func finish() throws(ProtobufError) -> ListMetadata {
        guard place == .envelope, pending.isEmpty, let metadata else {
            throw ProtobufError("the list ends too early", at: 0)
        }
        return metadata
    }

    /// - Returns: false if that takes more bytes than there are.
    private mutating func readPart(at position: inout Int, _ item: ([UInt8]) throws -> Void) throws -> Bool {
        switch place {
        case .start:
            let magic = ProtobufEnvelope.magic
            guard pending.count - position >= magic.count else { return false }
            guard pending[position...].starts(with: magic) else {
                throw ProtobufError("expected a Kubernetes object", at: position)
            }
            position += magic.count
            place = .envelope
            return true
        case .envelope:
            guard let head = try fieldHead(at: position) else { return false }
            if head.number == ProtobufEnvelope.object {
                position += head.size
                place = head.length == 0 ? .envelope : .list(head.length)
                return true
            }
            return try takeField(head, at: &position) != nil
        case .list(let rest):
            guard let head = try fieldHead(at: position), let content = try takeField(head, at: &position) else {
                return false
            }
            let left = rest - head.size - head.length
            guard left >= 0 else { throw ProtobufError("an item ends outside its list", at: position) }
            place = left == 0 ? .envelope : .list(left)
            switch head.number {
            case ListField.metadata: metadata = try ListMetadata(protobuf: content)
            case ListField.item: try item(content)
            default: break
            }
            return true
        }
    }

    private func takeField(_ head: FieldHead, at position: inout Int) throws -> [UInt8]? {
        guard head.length <= limit else { throw PartTooLong(limit: limit) }
        let start = position + head.size
        guard pending.count - start >= head.length else { return nil }
        position = start + head.length
        return Array(pending[start..<position])
    }

    /// - Returns: `nil` if there are not enough bytes yet.
    private func fieldHead(at position: Int) throws(ProtobufError) -> FieldHead? {
        var end = position
        guard let tag = try varint(at: &end), let length = try varint(at: &end) else { return nil }
        guard tag & 7 == 2, length <= UInt64(Int32.max) else {
            throw ProtobufError("a field is not one of a list", at: position)
        }
        return FieldHead(number: tag >> 3, length: Int(length), size: end - position)
    }

    private func varint(at position: inout Int) throws(ProtobufError) -> UInt64? {
        var value: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 7) {
            guard position < pending.count else { return nil }
            let byte = pending[position]
            position += 1
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
        }
        throw ProtobufError("a number is too long", at: position)
    }
}
