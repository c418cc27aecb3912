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

            Exit codes: 0; 1 for errors (--strict: for warnings too); 2 for input that cannot be read.
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")], help: "A file; \"-\" is standard input. May be repeated.")
    var files: [String]

    @OptionGroup var facts: OfflineFacts

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    func run() throws {
        let configuration = try ConfigurationFile.read(facts.config)
        let platformFacts = try facts.facts(configuration)
        let manifests = try ManifestSet(files: files, defaultNamespace: facts.namespace)
        let report = FindingReport(
            findings: manifests.findings(facts: platformFacts, configuration: configuration))
        switch output {
        case .table: print(report.table)
        case .json: print(report.json.prettySerializedString())
        case .sarif: print(report.sarif.prettySerializedString())
        }
        if report.count(.error) > 0 || strict && report.count(.warning) > 0 { throw ExitCode(1) }
    }
}
