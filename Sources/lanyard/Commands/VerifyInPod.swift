internal import ArgumentParser
internal import PodInjection
internal import SystemPackage
internal import WorkloadIdentity

/// What the init container of a pod runs. Whatever comes of it, the pod is to start: it ends well.
struct VerifyInPod: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-in-pod",
        abstract: "Try whether the providers trust the pod that this runs in.",
        discussion: """
            For the init container lanyard-verify alone, which a pod annotated lanyard.dev/verify: "true" gets. What it is to \
            try is in \(TrialContainer.variable). The result is the container's termination message, and its log.

            Exit code: 0, whatever the result, so that the pod starts; 2 for usage.
            """,
        shouldDisplay: false)

    @Option(help: ArgumentHelp("Where its tokens are.", valueName: "folder"), completion: .directory)
    var tokens = TrialContainer.folder

    @Option(help: ArgumentHelp("Where the node reads the result.", valueName: "file"), completion: .file())
    var message = "/dev/termination-log"

    func run() async throws {
        guard let trial = ProcessEnvironment.variables[TrialContainer.variable].flatMap({ PodTrial($0) }) else {
            StandardError.write("\(TrialContainer.variable) does not say what to try")
            return
        }
        let exchange: TokenExchange
        do {
            exchange = try TokenExchange(ProcessEnvironment.variables, isShort: true)
        } catch {
            StandardError.write("\(error)")
            return
        }
        let run = PodTrialRun(trial, folder: tokens, exchange: exchange)
        let text = trial.message(of: await run.verdicts())
        // The log is for people: the node keeps the message also where that cannot be written.
        try? StandardOutput.writeLine(text)
        do {
            let file = try FileDescriptor.open(
                FilePath(message), .writeOnly, options: [.create, .truncate, .closeOnExec],
                permissions: .ownerReadWrite)
            try file.closeAfter { _ = try file.writeAll(text.utf8) }
        } catch {
            StandardError.write("\(message): cannot be written: \(error)")
        }
    }
}
