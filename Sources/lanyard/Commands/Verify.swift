internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

struct Verify: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Try whether the providers trust a ServiceAccount: exchange a token as their SDKs would.",
        discussion: """
            For each provider that the ServiceAccount asks for, a token is made with your own rights, as by kubectl create \
            token, and exchanged. That takes the right to create serviceaccounts/token. Credentials that come back are \
            discarded, Vault's are revoked, and no output shows a token. A success proves the trust, not that a model may be \
            called.

            lanyard verify ml/llm                 a ServiceAccount
            lanyard verify deployment/app -n ml   that of a workload's pods, with what their own annotations say
            lanyard verify -n ml                  all that ask for a provider, of a namespace or (-A) of the cluster

            What can be tried in a pod alone is Unknown. The network and the certificates are those of this machine, not of \
            the pod: HTTPS_PROXY, NO_PROXY and SSL_CERT_FILE are heeded.

            Exit codes: 0 if nothing failed; 1 if something did, or the cluster cannot be read; 2 for usage, or output that \
            cannot be written. Unknown is neither: it does not change the exit code.
            """)

    /// How many ServiceAccounts are tried at the same time.
    private static let concurrency = 8

    @Argument(help: ArgumentHelp("NS/NAME or NAME of a ServiceAccount; with -n also KIND/NAME.", valueName: "name"))
    var name: String?

    @Flag(name: [.customShort("A"), .long], help: "All ServiceAccounts of the cluster.")
    var allNamespaces = false

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.text

    @OptionGroup var facts: OfflineFacts

    func run() async throws {
        let configuration = try ConfigurationFile.read(facts.config)
        let platform = try facts.knownPlatform(configuration)
        let exchange = try TokenExchange(ProcessEnvironment.variables)
        // What is written wrong is told before a kubeconfig is looked for.
        _ = try target(in: "default")
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let target = try target(in: cluster.namespace ?? "default")
        let summary = try await Cluster.withClient(cluster) { client in
            let plans = try await target.plans(client, platform: platform, configuration)
            return try await Self.summary(of: plans, client, configuration, exchange)
        }
        switch output {
        case .json: try StandardOutput.writeLine(summary.json.prettySerializedString())
        case .text where summary.reports.isEmpty: StandardError.write("no ServiceAccount asks for a provider")
        case .text: try StandardOutput.writeLine(summary.text(width: Terminal.width))
        }
        if summary.hasFailure { throw ExitCode(1) }
    }

    private func target(in defaultNamespace: String) throws(UsageProblem) -> VerificationTarget {
        try VerificationTarget(
            name, namespace: facts.namespace, isForAll: allNamespaces, defaultNamespace: defaultNamespace)
    }

    private static func summary(
        of plans: [Plan], _ client: KubernetesClient, _ configuration: WorkloadIdentity.Configuration,
        _ exchange: TokenExchange
    ) async throws -> VerificationSummary {
        let progress = VerificationProgress(of: plans.count)
        defer { progress.end() }
        return try await withThrowingTaskGroup(of: (Int, VerificationReport).self) { group in
            var reports: [Int: VerificationReport] = [:]
            var waiting = plans.enumerated().makeIterator()
            func startNext() {
                guard let (index, plan) = waiting.next() else { return }
                group.addTask {
                    (index, try await VerificationReport(of: plan, by: client, configuration, exchange))
                }
            }
            for _ in 0..<concurrency { startNext() }
            while let (index, report) = try await group.next() {
                reports[index] = report
                progress.show(reports.count)
                startNext()
            }
            return VerificationSummary(reports: plans.indices.compactMap { reports[$0] })
        }
    }
}

extension VerificationTarget {
    /// What is asked for: of many ServiceAccounts, those that ask for something.
    fileprivate func plans(
        _ client: KubernetesClient, platform: Platform?, _ configuration: WorkloadIdentity.Configuration
    ) async throws -> [Plan] {
        switch self {
        case .serviceAccount(let subject):
            let observed = try await ObservedServiceAccount(
                subject, client, platform: platform, configuration: configuration)
            return [observed.plan(PodContext(mountsServiceAccountToken: observed.account.mountsToken), configuration)]
        case .workload(let kind, let key):
            let pod = try await client.pod(of: kind, key)
            let observed = try await ObservedServiceAccount(
                Subject(of: pod, in: key.namespace ?? ""), client, platform: platform, configuration: configuration)
            return [
                observed.plan(
                    PodContext(pod: pod, serviceAccountMounts: observed.account.mountsToken), configuration)
            ]
        case .all(let namespace):
            let all = try await ObservedServiceAccount.all(
                in: namespace, client, platform: platform, configuration: configuration)
            return all.map { observed in
                observed.plan(PodContext(mountsServiceAccountToken: observed.account.mountsToken), configuration)
            }.filter { !$0.bindings.isEmpty }
        }
    }
}

extension ObservedServiceAccount {
    fileprivate func plan(_ pod: PodContext, _ configuration: WorkloadIdentity.Configuration) -> Plan {
        Plan(
            for: account.subject, serviceAccount: account.annotations ?? [:], pod: pod, facts: facts,
            configuration: configuration)
    }
}
