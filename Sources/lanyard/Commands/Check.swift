internal import ArgumentParser
internal import JSON
internal import WorkloadIdentity

struct Check: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, sarif
    }

    static let configuration = CommandConfiguration(
        abstract: "Judge manifests before they are applied.",
        discussion: """
            ServiceAccounts, Namespaces and workloads come from the same files: YAML or JSON, several documents, or a \
            List. SARIF 2.1.0 is what code-scanning services take.

            Exit codes: 0; 1 for errors (--strict: for warnings too); 2 for input that cannot be read, or output that \
            cannot be written.
            """)

    @OptionGroup var input: ManifestInput

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    func run() throws {
        let (manifests, facts, configuration) = try input.read()
        let report = FindingReport(
            findings: manifests.findings(facts: facts, configuration: configuration))
        switch output {
        case .table: try StandardOutput.writeLine(report.table)
        case .json: try StandardOutput.writeLine(report.json.prettySerializedString())
        case .sarif: try StandardOutput.writeLine(report.sarif.prettySerializedString())
        }
        if report.count(.error) > 0 || input.strict && report.count(.warning) > 0 { throw ExitCode(1) }
    }
}
