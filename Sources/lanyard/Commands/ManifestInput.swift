internal import ArgumentParser
internal import KubernetesModel
internal import WorkloadIdentity

/// Manifests that are reviewed without a cluster.
struct ManifestInput: ParsableArguments {
    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp(
            "A file, a folder of .yaml, .yml and .json files, or \"-\" for standard input. May be repeated.",
            valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Flag(name: [.customShort("R"), .long], help: "Look into the subfolders of folders, too.")
    var recursive = false

    @Option(name: [.customShort("k"), .customLong("kustomize")], help: .hidden)
    var kustomization: String?

    @OptionGroup var facts: OfflineFacts

    @Flag(help: "Exit with 1 for warnings too.")
    var strict = false

    /// - Parameter command: the one that reads, for messages.
    func read(for command: String) throws(UsageProblem) -> (ManifestSet, PlatformFacts, Configuration) {
        if let kustomization {
            throw UsageProblem(
                "-k is not known here; pipe the kustomization: kubectl kustomize \(kustomization) | lanyard \(command) -f -"
            )
        }
        guard !files.isEmpty else {
            throw UsageProblem("nothing to read: write -f FILE, -f FOLDER or -f - for standard input")
        }
        let configuration = try ConfigurationFile.read(facts.config)
        let facts = try facts.facts(configuration)
        let paths = try InputFiles.files(named: files, recursively: recursive)
        let manifests = try ManifestSet(files: paths, defaultNamespace: self.facts.defaultNamespace)
        guard !manifests.objects.isEmpty else {
            let hint = paths == ["-"] ? "; see whether the command before the pipe failed" : ""
            throw UsageProblem("\(source(paths)) no object\(hint). \(Self.wanted)")
        }
        return (manifests, facts, configuration)
    }

    /// - Throws: if there is nothing to check in the manifests.
    func expectSubjects(in manifests: ManifestSet) throws(UsageProblem) {
        guard ObjectCounts(of: manifests.objects).isEmpty else { return }
        let kinds = Set(manifests.objects.map(\.kind)).sorted()
        let named = kinds.prefix(8).joined(separator: ", ") + (kinds.count > 8 ? " and others" : "")
        throw UsageProblem("\(source(Array(Set(manifests.objects.map(\.file))))) only \(named). \(Self.wanted)")
    }

    private func source(_ paths: [String]) -> String {
        switch paths.count {
        case 1 where paths[0] == "-": "nothing to check: standard input has"
        case 1: "nothing to check: \(paths[0]) has"
        default: "nothing to check: the \(paths.count) files have"
        }
    }

    private static let wanted = """
        Checked are ServiceAccounts, Namespaces, \(WorkloadKind.allCases.map { "\($0.rawValue)s" }.joined(separator: ", ")), \
        and whatever else has spec.template.spec.containers
        """
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
        try Self.platform(platform, configuration)
    }

    /// - Parameter option: what was written; the configuration's counts where nothing was.
    static func platform(_ option: String?, _ configuration: Configuration) throws(UsageProblem) -> Platform? {
        guard let option else { return configuration.platform }
        guard let named = Platform(rawValue: option) else {
            let names = Platform.allCases.map(\.rawValue).joined(separator: ", ")
            throw UsageProblem("--platform \(option) is not known; write one of \(names)")
        }
        return named
    }
}
