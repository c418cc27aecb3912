internal import ArgumentParser
internal import JSON
internal import WorkloadIdentity

struct Explain: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print how to set up the trust behind a provider: commands and policies, to be read and pasted.",
        discussion: """
            A shell script: first the values to fill in, as far as they are known, then the steps for the provider's own \
            command line, with what each is for and what bites. With a ServiceAccount from a file, it is the way that this \
            ServiceAccount gets; else every way of the matrix's cell. Nothing is run, and no cluster is asked.

            Exit codes: 0; 2 for usage, input that cannot be read, or output that cannot be written.
            """)

    @Argument(help: "The provider, such as aws-bedrock.")
    var provider: String

    @Option(
        name: [.customShort("f"), .customLong("filename")],
        help: "A file with the ServiceAccount; \"-\" is standard input. May be repeated.")
    var files: [String] = []

    @Option(
        name: .customLong("serviceaccount"),
        help: ArgumentHelp(
            "The ServiceAccount. Default: the only one of the files; without files, a name to fill in.",
            valueName: "ns/name"))
    var serviceAccount: String?

    @Option(help: "The mechanism, in place of the one that is chosen.")
    var mechanism: String?

    @OptionGroup var facts: OfflineFacts

    func run() throws {
        let configuration = try ConfigurationFile.read(facts.config)
        let platformFacts = try facts.facts(configuration)
        let account = try account()
        let explanation: Explanation
        do {
            explanation = try Explanation(
                of: provider, mechanism: mechanism, for: account, facts: platformFacts, configuration: configuration)
        } catch {
            throw UsageProblem("\(error)")
        }
        try StandardOutput.write(explanation.script)
    }

    /// The ServiceAccount that is meant, with its annotations if there are files.
    private func account() throws(UsageProblem) -> Explanation.ServiceAccount? {
        guard !files.isEmpty else { return named.map { Explanation.ServiceAccount($0) } }
        let manifests = try ManifestSet(files: files, defaultNamespace: facts.namespace)
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

    private var named: Subject? {
        guard let serviceAccount else { return nil }
        guard let slash = serviceAccount.firstIndex(of: "/") else {
            return Subject(namespace: facts.namespace, serviceAccount: serviceAccount)
        }
        return Subject(
            namespace: String(serviceAccount[..<slash]),
            serviceAccount: String(serviceAccount[serviceAccount.index(after: slash)...]))
    }

    private static func list(_ subjects: [Subject]) -> String {
        guard !subjects.isEmpty else { return "they have none" }
        return "they have " + subjects.map { "\($0.namespace)/\($0.serviceAccount)" }.joined(separator: ", ")
    }
}

extension ManifestSet {
    fileprivate var serviceAccounts: [Subject] {
        objects.filter { $0.role == .serviceAccount }.map(subject)
    }
}
