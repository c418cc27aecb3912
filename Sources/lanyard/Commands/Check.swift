internal import ArgumentParser
internal import JSON
internal import WorkloadIdentity

struct Check: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, sarif
    }

    static let configuration = CommandConfiguration(
        abstract: "Check manifests before they are applied: what admission would say of them.",
        discussion: """
            ServiceAccounts, Namespaces and workloads come from the same files: YAML or JSON, several documents, or a \
            List. Workloads of kinds that are not Kubernetes' own, such as Argo Rollouts and Knative Services, are checked \
            by their pod template. SARIF 2.1.0 is what code-scanning services take.

              lanyard check --platform eks -R -f manifests/
              helm template CHART | lanyard check --platform gke -f -
              kubectl kustomize FOLDER | lanyard check --platform aks -f -

            Exit codes: 0; 1 for errors (--strict: for warnings too); 2 for input that cannot be read or in which there is \
            nothing to check, or output that cannot be written.
            """)

    @OptionGroup var input: ManifestInput

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    func run() throws {
        let (manifests, facts, configuration) = try input.read(for: "check")
        try input.expectSubjects(in: manifests)
        let objects = manifests.reviewed(facts: facts, configuration: configuration)
        for object in objects { object.writeNotes() }
        let report = FindingReport(objects)
        switch output {
        case .table: try StandardOutput.writeLine(report.table)
        case .json: try StandardOutput.writeLine(report.json.prettySerializedString())
        case .sarif: try StandardOutput.writeLine(report.sarif.prettySerializedString())
        }
        if report.count(.error) > 0 || input.strict && report.count(.warning) > 0 { throw ExitCode(1) }
    }
}
