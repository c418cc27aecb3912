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

            Exit codes: 0; 1 for errors or blocked bindings (--strict: for warnings too); 2 for input that cannot be read.
            """)

    @Option(
        name: [.customShort("f"), .customLong("filename")], help: "A file; \"-\" is standard input. May be repeated.")
    var files: [String]

    @OptionGroup var facts: OfflineFacts

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.yaml

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    func run() throws {
        let configuration = try ConfigurationFile.read(facts.config)
        let platformFacts = try facts.facts(configuration)
        let manifests = try ManifestSet(files: files, defaultNamespace: facts.namespace)

        var results: [JSONValue] = []
        var hasErrors = false
        var hasWarnings = false
        for object in manifests.objects {
            let judgement = manifests.judge(object, facts: platformFacts, configuration: configuration)
            results.append(try judgement?.result(output, namespace: manifests.namespace(of: object)) ?? object.value)
            guard let judgement else { continue }
            for problem in judgement.problems {
                StandardError.write(
                    """
                    \(problem.severity): \(object.kind) \(manifests.namespace(of: object))/\(object.name): \
                    \(problem.message)
                    """
                )
                hasErrors = hasErrors || problem.severity == .error
                hasWarnings = true
            }
            hasErrors = hasErrors || judgement.isBlocked
        }
        if output == .patch { results = results.filter { $0["patch"] != nil } }
        try print(results)
        if hasErrors || strict && hasWarnings { throw ExitCode(1) }
    }

    private func print(_ results: [JSONValue]) throws {
        switch output {
        case .patch:
            for result in results { Swift.print(result.serializedString()) }
        case .json:
            let list: JSONValue = ["apiVersion": "v1", "kind": "List", "items": .array(results)]
            Swift.print(list.prettySerializedString())
        case .yaml:
            Swift.print(try results.map(YAML.text).joined(separator: "---\n"), terminator: "")
        }
    }
}

extension ManifestSet.Judgement {
    /// The object with the patch applied, or a line about the patch.
    fileprivate func result(_ format: Inject.Format, namespace: String) throws -> JSONValue {
        guard format == .patch else { return try object.value.applying(patch) }
        return [
            "kind": .string(kind.rawValue), "namespace": .string(namespace), "name": .string(object.name),
            "patch": patch.json, "warnings": .array(problems.map { .string($0.message) }),
        ]
    }
}

/// What is known of a cluster without asking it.
struct OfflineFacts: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cluster's platform: \(Platform.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "platform"))
    var platform: String?

    @Option(help: "The operator's configuration file.")
    var config: String?

    @Option(name: [.customShort("n"), .long], help: "The namespace of objects that name none.")
    var namespace = "default"

    func facts(_ configuration: Configuration) throws(UsageProblem) -> PlatformFacts {
        var known = configuration.platform
        if let platform {
            guard let named = Platform(rawValue: platform) else {
                let names = Platform.allCases.map(\.rawValue).joined(separator: ", ")
                throw UsageProblem("--platform \(platform) is not known; write one of \(names)")
            }
            known = named
        }
        guard let known else {
            throw UsageProblem("the platform is not known; add --platform, or set platform in the configuration file")
        }
        return .offline(known, issuerURL: configuration.issuer.url, isPublic: configuration.issuer.isPublic)
    }
}
