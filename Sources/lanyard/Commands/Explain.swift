internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import WorkloadIdentity

struct Explain: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print how to set up the trust at the providers, as a shell script to be read and pasted.",
        discussion: """
            First come the values to fill in, as far as they are known; then for each provider the steps by its own command \
            line, with what each is for and its pitfalls; how to try the trust by hand; and, in comments, how to take it \
            down again. The command itself only reads.

            lanyard explain ml/llm                  everything that a ServiceAccount of the cluster asks for
            lanyard explain -f FILE                 the same, for a ServiceAccount of a file
            lanyard explain openai -f FILE          one provider, by the way that the ServiceAccount gets
            lanyard explain openai --platform eks   one provider, by every way of the matrix's cell; no cluster is read

            A ServiceAccount is read from the cluster if there is no -f, unless both PROVIDER and --platform are given: \
            then only its name counts. What the operator reports in a WorkloadIdentity (platform, issuer, mechanisms) is \
            used where it does; the script says what was taken from where.

            Exit codes: 0; 1 if the cluster cannot be read, or has no such ServiceAccount; 2 for usage, input that cannot \
            be read, or output that cannot be written.
            """)

    @Argument(
        help: ArgumentHelp(
            """
            A provider, such as aws-bedrock, and a ServiceAccount, NS/NAME (with -n also sa/NAME, and KIND/NAME of a workload \
            that runs as it). Default: every provider that the ServiceAccount asks for.
            """, valueName: "provider|ns/name"),
        completion: .list(Provider.all(Configuration()).map(\.name.rawValue)))
    var words: [String] = []

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: ArgumentHelp(
            "A file or a folder with the ServiceAccount, or \"-\" for standard input. May be repeated.",
            valueName: "file"),
        completion: .file())
    var files: [String] = []

    @Option(
        name: .customLong("serviceaccount"),
        help: ArgumentHelp(
            "The ServiceAccount, NAME or NS/NAME. Default: the only one of the files; without files, a name to fill in.",
            valueName: "name"))
    var serviceAccount: String?

    @Option(
        help: "The mechanism for PROVIDER, in place of the one that is chosen.",
        completion: .list(Mechanism.allCases.map(\.rawValue)))
    var mechanism: String?

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @OptionGroup var facts: OfflineFacts

    func run() async throws {
        let configuration = try ConfigurationFile.read(facts.config)
        let request = try ExplainRequest(
            words: words, serviceAccount: serviceAccount, namespace: facts.namespace, mechanism: mechanism)
        do {
            let explanation = try await explanation(of: request, configuration)
            try StandardOutput.write(explanation.script)
        } catch let error as ExplanationError {
            throw UsageProblem("\(error)")
        }
    }

    private func explanation(of request: ExplainRequest, _ configuration: Configuration) async throws -> Explanation {
        let platform = try facts.knownPlatform(configuration)
        if let named = request.serviceAccount, files.isEmpty,
            request.provider == nil || platform == nil || kubeconfig != nil || named.kind != .serviceAccount
        {
            let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
            let observed = try await Cluster.withClient(cluster) { client in
                let subject = try await client.subject(of: named, in: cluster.namespace ?? "default")
                return try await ObservedServiceAccount(
                    subject, client, platform: platform, configuration: configuration)
            }
            var explanation = try request.explanation(for: observed.account, observed.facts, configuration)
            explanation.sources = observed.sources
            return explanation
        }
        guard kubeconfig == nil else {
            throw UsageProblem("--kubeconfig is for a ServiceAccount of the cluster: name it, and leave -f away")
        }
        return try request.explanation(
            for: try account(request.serviceAccount), try facts.facts(configuration), configuration)
    }

    /// The ServiceAccount that is meant, with its annotations if there are files.
    private func account(_ argument: ObjectArgument?) throws(UsageProblem) -> Explanation.ServiceAccount? {
        let named = argument?.subject(in: facts.defaultNamespace)
        if let argument, named == nil {
            throw UsageProblem("\(argument.name) is a \(argument.kind.title): with -f name its ServiceAccount")
        }
        guard !files.isEmpty else { return named.map { Explanation.ServiceAccount($0) } }
        let paths = try InputFiles.files(named: files, recursively: false)
        let manifests = try ManifestSet(files: paths, defaultNamespace: facts.defaultNamespace)
        let known = manifests.serviceAccounts
        guard let subject = named ?? (known.count == 1 ? known.first : nil) else {
            throw UsageProblem("say which ServiceAccount is meant, with --serviceaccount; \(Self.list(known))")
        }
        guard let object = manifests.serviceAccount(subject) else {
            throw UsageProblem("\(subject) is not in the files; \(Self.list(known))")
        }
        return Explanation.ServiceAccount(
            subject, annotations: object.annotations,
            mountsToken: object.value["automountServiceAccountToken"]?.bool ?? true)
    }

    private static func list(_ subjects: [Subject]) -> String {
        guard !subjects.isEmpty else { return "they have none" }
        return "they have " + subjects.map(\.qualifiedName).joined(separator: ", ")
    }
}

extension ManifestSet {
    fileprivate var serviceAccounts: [Subject] {
        objects.filter { $0.role == .serviceAccount }.map(subject)
    }
}
