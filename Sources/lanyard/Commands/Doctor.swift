internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

struct Doctor: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case text, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Say why one pod has no credentials: what it should have, what it has, and the likeliest cause.",
        discussion: """
            It compares the pod with what admission would give it now, says for each container which credential the \
            provider's SDK takes and why, what the kubelet writes into the token's file, and what the provider must trust; \
            and ends with the likeliest cause and the next command to type.

            lanyard doctor pod/llm-0 -n ai
            lanyard doctor deployment/llm -n ai     one of its pods: one that is not ready, else the latest

            It works with your own rights, and says what it may not read. It only reads, unless you add --verify: that makes \
            tokens and asks the providers, as lanyard verify does. Of a Secret it asks for the names of its keys alone, never \
            for a value; of variables it shows only values that Lanyard itself would set. Where the operator's configuration \
            cannot be read (ConfigMap lanyard), add --config.

            Exit codes: 0 if nothing is wrong that can be seen; 1 if something is, or the pod cannot be read; 2 for usage, a \
            file that cannot be read, or output that cannot be written.
            """)

    @Argument(
        help: ArgumentHelp(
            "A pod, pod/NAME, or a workload of which one pod is taken, such as deployment/NAME.", valueName: "kind/name"
        ))
    var object: String

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("The namespace. Default: that of the kubeconfig's context.", valueName: "ns"))
    var namespace: String?

    @Option(
        help: ArgumentHelp(
            "The cluster's platform. Default: as the operator reports, or as the cluster shows.", valueName: "platform"),
        completion: .list(Platform.allCases.map(\.rawValue)))
    var platform: String?

    @Option(
        help: ArgumentHelp(
            "The operator's configuration. Default: that of its ConfigMap, if you may read it.", valueName: "file"),
        completion: .file())
    var config: String?

    @Option(
        help: ArgumentHelp(
            "Where the operator and its Lease are. Default: the pod's namespace, else lanyard-system.", valueName: "ns")
    )
    var operatorNamespace: String?

    @Flag(help: "Also try whether the providers trust the pod, as lanyard verify does. It makes tokens.")
    var verify = false

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.text

    func run() async throws {
        let object = try ObjectArgument(object, namespace: namespace, isWorkload: true)
        guard case .workload(let kind) = object.kind else { throw ObjectArgument.notAWorkload(self.object) }
        let configuration = try config.map { path throws(UsageProblem) in try ConfigurationFile.read(path) }
        let namedPlatform = try OfflineFacts.platform(platform, configuration ?? WorkloadIdentity.Configuration())
        let exchange = verify ? try TokenExchange(ProcessEnvironment.variables) : nil
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let settings = ObservedPod.Settings(
            operatorNamespace: operatorNamespace ?? cluster.namespaceInPod ?? ControllerLease.defaultNamespace,
            platform: namedPlatform, configuration: configuration)
        let report = try await Cluster.withClient(cluster) { client in
            let key = object.key(in: cluster.namespace ?? "default")
            let (pod, choice) = try await self.pod(kind, key, client)
            let observed = try await ObservedPod(pod, by: client, settings)
            var observation = observed.observation
            if let exchange, let plan = observation.plan {
                observation.trials = try await VerificationReport(
                    of: plan, by: client, observation.configuration, exchange
                ).entries
            }
            return DoctorReport(
                diagnosis: PodDiagnosis(of: observation), operatorState: observed.operatorState,
                choice: choice, gaps: observed.gaps)
        }
        switch output {
        case .json: try StandardOutput.writeLine(report.json.prettySerializedString())
        case .text: try StandardOutput.writeLine(report.text(width: Terminal.width))
        }
        if report.diagnosis.hasFault { throw ExitCode(1) }
    }

    /// The pod that is meant, and how it was chosen if it was not named.
    private func pod(
        _ kind: WorkloadKind, _ key: ObjectKey, _ client: KubernetesClient
    ) async throws -> (ObjectKey, choice: String?) {
        guard kind != .pod else { return (key, nil) }
        guard let found = try await client.podMostInNeed(of: kind, key) else {
            throw StartFailure(
                description: """
                    \(kind.rawValue) \(key) has no pod; if it should have, kubectl describe \(kind.rawValue.lowercased()) \
                    \(key.name) -n \(key.namespace ?? "") says why none is created
                    """)
        }
        let others = found.total == 1 ? "its only pod" : "one of its \(found.total) pods"
        return (found.key, "of \(kind.rawValue) \(key): \(others), which is \(found.isReady ? "" : "not ")ready")
    }
}
