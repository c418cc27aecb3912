internal import ArgumentParser

@main
struct Lanyard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lanyard",
        abstract: "Gives pods the credentials of AI providers, without stored keys.",
        version: Version.current,
        subcommands: [
            Run.self, Inject.self, Check.self, MatrixCommand.self, Explain.self, Status.self, Version.self,
        ])

    static func main() async {
        do {
            var command = try parseAsRoot()
            if var command = command as? any AsyncParsableCommand {
                try await command.run()
            } else {
                try command.run()
            }
        } catch let problem as UsageProblem {
            StandardError.write("lanyard: \(problem)")
            exit(withError: ExitCode(2))
        } catch let error as ExitCode {
            exit(withError: error)
        } catch {
            // Argument Parser's own exit code for usage is 64; ours is 2 for whatever cannot be read.
            let isUsage = exitCode(for: error) == .validationFailure
            if isUsage {
                StandardError.write(fullMessage(for: error))
                exit(withError: ExitCode(2))
            }
            exit(withError: error)
        }
    }
}

/// Input that cannot be read, or words that are not of the command's form: exit code 2.
struct UsageProblem: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}
