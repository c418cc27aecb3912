internal import ArgumentParser

@main
struct Lanyard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanyard",
        abstract: "Gives pods the credentials of AI providers, without stored keys.",
        version: Version.current,
        subcommands: [
            Run.self, Inject.self, Check.self, MatrixCommand.self, Explain.self, Keys.self, Verify.self, Status.self,
            Doctor.self, Heal.self, CleanUpCommand.self, VerifyInPod.self, Version.self,
        ])

    static func main() async {
        StandardStreams.reserve()
        do {
            try await runCommand()
        } catch let problem as UsageProblem {
            StandardError.write("lanyard: \(problem)")
            exit(withError: ExitCode(2))
        } catch {
            // Argument Parser's own exit code for usage is 64; ours is 2 for whatever cannot be read.
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            StandardError.write(fullMessage(for: error))
            exit(withError: ExitCode(2))
        }
    }

    private static func runCommand() async throws {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch  where exitCode(for: error) == .success {
            // Help, or the version: an answer, too.
            try StandardOutput.writeLine(fullMessage(for: error))
        }
    }
}
