internal import Synchronization

/// A file that somebody else renews, as kubelet does with what a pod is given.
///
/// It is read at most once a minute. If it cannot be read, what could be read last is used for as long as the server takes
/// it: the file is for a moment not there while it is replaced (kubernetes/kubernetes#68164).
final class RenewedFile<Contents: Sendable>: Sendable {
    private static var refreshInterval: Duration { .seconds(60) }

    private struct State {
        var contents: Contents?
        var readAt: Duration?
    }

    private let path: String
    private let interpret: @Sendable (_ bytes: [UInt8]) throws -> Contents
    private let stopwatch: Stopwatch
    private let state = Mutex(State())

    /// - Parameter interpret: throws if the file is not as it should be.
    init(
        path: String, clock: any Clock<Duration>, interpret: @escaping @Sendable (_ bytes: [UInt8]) throws -> Contents
    ) {
        self.path = path
        self.interpret = interpret
        stopwatch = Stopwatch(clock)
    }

    /// - Throws: a ``FileContents/Failure``, or what is wrong with the file, if it has never been as it should be.
    func contents() throws -> Contents {
        try state.withLock { state in
            let now = stopwatch.elapsed
            if let contents = state.contents, let readAt = state.readAt, now - readAt < Self.refreshInterval {
                return contents
            }
            state.readAt = now
            do {
                let contents = try interpret(FileContents.read(path))
                state.contents = contents
                return contents
            } catch {
                guard let last = state.contents else { throw error }
                return last
            }
        }
    }

    /// Reads the file again when it is next asked for, because the server did not take what was in it.
    func expire() {
        state.withLock { $0.readAt = nil }
    }
}
