internal import ArgumentParser
internal import JSON
internal import PodInjection
internal import WorkloadIdentity

struct Inject: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case yaml, json, patch
    }

    static let configuration = CommandConfiguration(
        abstract: "Print what admission would make of workloads.",
        discussion: """
            ServiceAccounts, Namespaces and workloads come from the same files: YAML or JSON, several documents, or a \
            List. Other objects are printed as they are. What `lanyard check` finds goes to standard error. `-o patch` \
            prints one line of JSON for every workload.

            Exit codes: 0; 1 for errors (--strict: for warnings too); 2 for input that cannot be read or in which there is \
            no object, or output that cannot be written.
            """)

    @OptionGroup var input: ManifestInput

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.yaml

    func run() throws {
        let (manifests, facts, configuration) = try input.read(for: "inject")
        let objects = manifests.reviewed(facts: facts, configuration: configuration)
        for object in objects {
            object.writeNotes()
            for found in object.findings {
                StandardError.write("\(found.problem.severity): \(found.finding.message)")
            }
        }
        let results = output == .patch ? objects.compactMap(\.patchLine) : try objects.map { try $0.injected }
        try write(results)
        let problems = objects.flatMap(\.findings).map(\.problem)
        let isError = problems.contains { $0.severity == .error || input.strict && $0.severity == .warning }
        if isError { throw ExitCode(1) }
    }

    private func write(_ results: [JSONValue]) throws {
        switch output {
        case .patch:
            for result in results { try StandardOutput.writeLine(result.serializedString()) }
        case .json:
            let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(results)]
            try StandardOutput.writeLine(list.prettySerializedString())
        case .yaml:
            try StandardOutput.write(try results.map(YAML.text).joined(separator: "---\n"))
        }
    }
}

extension ManifestSet.ReviewedObject {
    /// The object with the patch applied.
    fileprivate var injected: JSONValue {
        get throws { try review.map { try object.value.applying($0.patch) } ?? object.value }
    }

    /// What `-o patch` prints of a workload; `nil` for other objects.
    fileprivate var patchLine: JSONValue? {
        guard podPointer != nil, let review else { return nil }
        return [
            "kind": .string(object.kind), "namespace": .string(namespace), "name": .string(object.name),
            "patch": review.patch.json, "warnings": .array(review.findings.warnings.map { .string($0.message) }),
        ]
    }

    func writeNotes() {
        for note in notes { StandardError.write("note: \(title): \(note)") }
    }
}
