internal import ArgumentParser
internal import WorkloadIdentity

/// Manifests that are judged without a cluster.
struct ManifestInput: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")], help: "A file; \"-\" is standard input. May be repeated.",
        completion: .file())
    var files: [String]

    @OptionGroup var facts: OfflineFacts

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    func read() throws(UsageProblem) -> (ManifestSet, PlatformFacts, Configuration) {
        let configuration = try ConfigurationFile.read(facts.config)
        let manifests = try ManifestSet(files: files, defaultNamespace: facts.defaultNamespace)
        return (manifests, try facts.facts(configuration), configuration)
    }
}

/// What is known of a cluster without asking it.
struct OfflineFacts: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "The cluster's platform: \(Platform.allCases.map(\.rawValue).joined(separator: ", ")).",
            valueName: "platform"),
        completion: .list(Platform.allCases.map(\.rawValue)))
    var platform: String?

    @Option(help: "The operator's configuration file.", completion: .file())
    var config: String?

    @Option(name: [.customShort("n"), .long], help: "The namespace of objects that name none. Default: default.")
    var namespace: String?

    var defaultNamespace: String { namespace ?? "default" }

    func facts(_ configuration: Configuration) throws(UsageProblem) -> PlatformFacts {
        guard let known = try knownPlatform(configuration) else {
            throw UsageProblem("the platform is not known; add --platform, or set platform in the configuration file")
        }
        return .offline(known, issuerURL: configuration.issuer.url, isPublic: configuration.issuer.isPublic)
    }
    /// The platform that the option or the configuration names.
    func knownPlatform(_ configuration: Configuration) throws(UsageProblem) -> Platform? {
        guard let platform else { return configuration.platform }
        guard let named = Platform(rawValue: platform) else {
            let names = Platform.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageProblem("--platform \(platform) is not known; write one of \(names)")
        }
        return named
    }
}
