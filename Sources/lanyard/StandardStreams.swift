internal import ArgumentParser
internal import SystemPackage

/// What a command answers.
enum StandardOutput {
    /// Writes a text as it is, to its end.
    ///
    /// - Throws: a `UsageProblem` if it cannot be written, for then the answer is not there; the exit code of SIGPIPE if
    ///   nobody reads it any more, which is the reader's decision and needs no words.
    static func write(_ text: String) throws {
        do {
            try FileDescriptor.standardOutput.writeAll(text.utf8)
        } catch Errno.brokenPipe {
            // This process may have been started with SIGPIPE ignored.
            throw ExitCode(128 + 13)
        } catch {
            throw UsageProblem("standard output: cannot be written: \(error)")
        }
    }

    static func writeLine(_ text: String) throws {
        try write(text + "\n")
    }
}

enum StandardError {
    /// What cannot be written is lost: there is no place left to say so.
    static func write(_ line: String) {
        _ = try? FileDescriptor.standardError.writeAll((line + "\n").utf8)
    }
}

enum StandardStreams {
    /// Makes streams that are closed fail when they are used. Otherwise the next file that is opened would get the number of
    /// one, and what is meant for the stream would go there.
    static func reserve() {
        for (number, mode) in [(0, .writeOnly), (1, .readOnly), (2, .readOnly)] as [(CInt, FileDescriptor.AccessMode)] {
            guard let file = try? FileDescriptor.open("/dev/null", mode), file.rawValue != number else { continue }
            try? file.close()
        }
    }
}
