import Foundation
import Subprocess
import SystemPackage

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
    /// No command of the tests takes longer.
    private static let timeout = Duration.seconds(120)

    /// A text as a file without a name. Through a pipe, Subprocess would not survive a program that ends before it has read all.
    private static func descriptor(reading text: String) throws -> FileDescriptor {
        let file = FileManager.default.temporaryDirectory.appendingPathComponent("input-\(UUID().uuidString)")
        try text.write(to: file, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(at: file) }
        return try FileDescriptor.open(FilePath(file.path), .readOnly)
    }

    /// Runs a program to its end.
    ///
    /// - Parameter environment: all that it gets, beside where programs and temporary files are: this machine's settings
    ///   stay out.
    static func run(
        _ program: String, _ arguments: [String], input: String = "", environment: [String: String] = [:]
    ) async throws -> CommandResult {
        try await withThrowingTaskGroup(of: CommandResult.self) { group in
            defer { group.cancelAll() }
            group.addTask {
                let result = try await Subprocess.run(
                    .path(FilePath(program)), arguments: Arguments(arguments),
                    environment: self.environment(environment),
                    input: .fileDescriptor(try descriptor(reading: input), closeAfterSpawningProcess: true),
                    output: .string(limit: 64 << 20), error: .string(limit: 64 << 20))
                return CommandResult(
                    exitCode: result.terminationStatus.exitCode, output: result.standardOutput,
                    errors: result.standardError)
            }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw CommandFailure(description: "\(program) did not end within \(timeout)")
            }
            guard let result = try await group.next() else { throw CancellationError() }
            return result
        }
    }

    static func environment(_ variables: [String: String] = [:]) -> Environment {
        let base = ProcessInfo.processInfo.environment.filter { ["PATH", "HOME", "TMPDIR"].contains($0.key) }
        let pairs = base.merging(variables) { $1 }.compactMap { name, value in
            Environment.Key(rawValue: name).map { ($0, value) }
        }
        return .custom(Dictionary(pairs) { first, _ in first })
    }
}

extension TerminationStatus {
    /// A signal counts as a failure.
    var exitCode: Int32 {
        switch self {
        case .exited(let code): Int32(code)
        default: -1
        }
    }
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
