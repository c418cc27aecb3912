import Glibc
import Synchronization

/// Where lines of log go.
public final class LogSink: Sendable {
    public static let standardError = LogSink(fileDescriptor: STDERR_FILENO)

    private let lines: Mutex<@Sendable ([UInt8]) -> Void>

    /// - Parameter write: is never called twice at the same time.
    public init(_ write: @escaping @Sendable ([UInt8]) -> Void) {
        lines = Mutex(write)
    }

    /// Each line is one `write(2)`, so that the lines of several processes on one pipe do not mix. What cannot be written is
    /// lost: a log must never stop the process.
    public convenience init(fileDescriptor: CInt) {
        self.init { line in
            var rest = line[...]
            while !rest.isEmpty {
                let written = rest.withUnsafeBytes { Glibc.write(fileDescriptor, $0.baseAddress, $0.count) }
                if written < 0, errno == EINTR { continue }
                guard written > 0 else { return }
                rest = rest.dropFirst(written)
            }
        }
    }

    func write(_ line: [UInt8]) {
        lines.withLock { $0(line) }
    }
}
