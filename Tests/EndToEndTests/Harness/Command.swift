import Foundation

/// A finished command.
struct CommandResult {
    var exitCode: Int32
    var output: String
    var errors: String
}

struct CommandFailure: Error, CustomStringConvertible {
    let description: String
}

enum Command {
    /// Runs a program to its end.
    ///
    /// - Parameter environment: all that it gets; nothing is inherited, so that this machine's settings stay out.
    static func run(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> CommandResult {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: program)
        process.arguments = arguments
        process.environment = base.merging(environment) { $1 }
        // Files, not pipes: whoever reads two pipes one after the other may wait for ever.
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent(UUID().uuidString)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let files = ["in", "out", "err"].map { folder.appendingPathComponent($0) }
        try Data(input.utf8).write(to: files[0])
        for file in files[1...] { try Data().write(to: file) }
        process.standardInput = try FileHandle(forReadingFrom: files[0])
        process.standardOutput = try FileHandle(forWritingTo: files[1])
        process.standardError = try FileHandle(forWritingTo: files[2])
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            process.terminationHandler = { _ in continuation.resume() }
            do {
                try process.run()
            } catch {
                process.terminationHandler = nil
                continuation.resume(throwing: error)
            }
        }
        return CommandResult(
            exitCode: process.terminationStatus,
            output: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self),
            errors: String(decoding: try Data(contentsOf: files[2]), as: UTF8.self))
    }

    static let base = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "TMPDIR"].contains($0.key) }
}

/// Tries until something is so, or for too long.
///
/// - Parameter condition: returns what to go on with, or throws what is not as it should be yet.
func eventually<Value>(
    within limit: Duration = .seconds(20), _ what: String, _ condition: () async throws -> Value
) async throws -> Value {
    let deadline = ContinuousClock.now + limit
    while true {
        do {
            return try await condition()
        } catch {
            guard ContinuousClock.now < deadline else {
                throw CommandFailure(description: "\(what) within \(limit): \(error)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
