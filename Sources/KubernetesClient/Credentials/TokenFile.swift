internal import Synchronization

/// A token in a file that somebody else renews, as kubelet does.
///
/// The file is read at most once a minute. If it cannot be read, the last token that could be is used for as long as the
/// server takes it: the file is for a moment not there while it is replaced (kubernetes/kubernetes#68164).
final class TokenFile: Sendable {
    static let refreshInterval = Duration.seconds(60)

    private struct State {
        var token: String?
        var readAt: Duration?
    }

    let path: String
    private let stopwatch: Stopwatch
    private let state = Mutex(State())

    init(path: String, clock: any Clock<Duration>) {
        self.path = path
        stopwatch = Stopwatch(clock)
    }

    /// - Throws: a ``FileContents/Failure`` if there has never been a token.
    func token() throws -> String {
        try state.withLock { state in
            let now = stopwatch.elapsed
            if let token = state.token, let readAt = state.readAt, now - readAt < Self.refreshInterval { return token }
            state.readAt = now
            do {
                let token = try read()
                state.token = token
                return token
            } catch {
                guard let lastToken = state.token else { throw error }
                return lastToken
            }
        }
    }

    /// Reads the file again when the token is next asked for, because the server did not take the last one.
    func expire() {
        state.withLock { $0.readAt = nil }
    }

    private func read() throws -> String {
        let text = String(decoding: try FileContents.read(path), as: UTF8.self)
        let token = text.drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
        guard !token.isEmpty else { throw FileContents.Failure(path: path, message: "is empty") }
        return String(token)
    }
}
