internal import NIOCore

/// Cuts a stream of bytes into lines, wherever the network has cut it.
///
/// A watch sends one JSON text a line. Only 0x0A ends a line: the other line ends of Unicode may stand inside a JSON
/// string.
struct LineFramer {
    /// A line is longer than it may be.
    struct LineTooLong: Error, Hashable {
        var limit: Int
    }

    let limit: Int
    private var partial: [UInt8] = []

    /// - Parameter limit: the length of the longest line, in bytes. etcd holds no object larger than 1.5 MiB, and JSON is
    ///   seldom more than a few times that.
    init(limit: Int = 16 << 20) {
        self.limit = limit
    }

    /// Takes the next bytes and returns the lines that they complete, without line ends. Empty lines are passed over.
    mutating func append(_ chunk: ByteBuffer) throws(LineTooLong) -> [[UInt8]] {
        var lines: [[UInt8]] = []
        var rest = chunk.readableBytesView
        while let end = rest.firstIndex(of: 0x0A) {
            try extend(with: rest[..<end])
            rest = rest[(end + 1)...]
            if let line = takePartial() { lines.append(line) }
        }
        try extend(with: rest)
        return lines
    }

    /// The last line, if it has no line end.
    mutating func finish() -> [UInt8]? {
        takePartial()
    }

    private mutating func extend(with bytes: ByteBufferView) throws(LineTooLong) {
        guard partial.count + bytes.count <= limit else { throw LineTooLong(limit: limit) }
        partial += bytes
    }

    private mutating func takePartial() -> [UInt8]? {
        defer { partial = [] }
        return partial.isEmpty ? nil : partial
    }
}
