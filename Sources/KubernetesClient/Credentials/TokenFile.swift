/// A token in a file that somebody else renews.
struct TokenFile: Sendable {
    private let file: RenewedFile<String>

    init(path: String, clock: any Clock<Duration>) {
        file = RenewedFile(path: path, clock: clock) { bytes in
            let token = String(decoding: bytes, as: UTF8.self).drop(while: \.isWhitespace).prefix { !$0.isWhitespace }
            guard !token.isEmpty else { throw FileContents.Failure(path: path, message: "is empty") }
            return String(token)
        }
    }

    /// - Throws: a ``FileContents/Failure`` if there has never been a token.
    func token() throws -> String { try file.contents() }

    /// The server did not take the last one.
    func expire() { file.expire() }
}
