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
            List. Warnings go to standard error. `-o patch` prints one line of JSON for every workload.

            Exit codes: 0; 1 for errors or blocked bindings (--strict: for warnings too); 2 for input that cannot be read, \
            or output that cannot be written.
            """)

    @OptionGroup var input: ManifestInput

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.yaml

    func run() throws {
        let (manifests, facts, configuration) = try input.read()
        var results: [JSONValue] = []
        var hasErrors = false
        var hasWarnings = false
        for object in manifests.objects {
            let judgement = manifests.judge(object, facts: facts, configuration: configuration)
            results.append(try judgement?.result(output, namespace: manifests.namespace(of: object)) ?? object.value)
            guard let judgement else { continue }
            let title = manifests.title(of: object)
            if judgement.asksForProvider, let exemption = judgement.exemption {
                StandardError.write("note: \(title): nothing is injected: \(exemption)")
            }
            for problem in judgement.problems {
                StandardError.write("\(problem.severity): \(title): \(problem.sentence)")
                hasErrors = hasErrors || problem.severity == .error
                hasWarnings = true
            }
            hasErrors = hasErrors || judgement.isBlocked
        }
        if output == .patch { results = results.filter { $0["patch"] != nil } }
        try write(results)
        if hasErrors || input.strict && hasWarnings { throw ExitCode(1) }
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

extension ManifestSet.Judgement {
    /// The object with the patch applied, or a line about the patch.
    fileprivate func result(_ format: Inject.Format, namespace: String) throws -> JSONValue {
        guard format == .patch else { return try object.value.applying(patch) }
        return [
            "kind": .string(kind.rawValue), "namespace": .string(namespace), "name": .string(object.name),
            "patch": patch.json, "warnings": .array(problems.map { .string($0.sentence) }),
        ]
    }
}
