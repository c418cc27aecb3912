internal import ArgumentParser
internal import KubernetesClient
internal import KubernetesModel
internal import Operator

struct CleanUpCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "clean-up",
        abstract: "Remove what an operator that is gone has left in the cluster.",
        discussion: """
            For after an uninstall; the chart runs it by itself. It waits until no operator holds the Lease, and removes \
            Lanyard's webhook configurations, which would go on denying pods labelled lanyard.dev/inject=required, the \
            condition lanyard.dev/CredentialsReady of Deployments and DaemonSets, every WorkloadIdentity, the Lease, and \
            the Secret with the certificates. Each is printed, on a line of its own.

            What pods have been given stays: their volumes and stamps, and the objects by which stored keys get to them, \
            which go with their ServiceAccounts. So does the CustomResourceDefinition: kubectl delete crd \
            workloadidentities.lanyard.dev.

            Exit codes: 0; 1 if an operator is alive, or the cluster refuses; 2 for usage, a kubeconfig that cannot be \
            read, or output that cannot be written.
            """)

    /// A pod that is told to end has half a minute, and gives the Lease back in the end.
    private static let patience = Duration.seconds(60)

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp(
            "Where the operator was. Default: the pod's namespace, else lanyard-system.", valueName: "ns"))
    var namespace: String?

    @Flag(help: "Remove nothing, and print what would be removed.")
    var dryRun = false

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    func run() async throws {
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let namespace = namespace ?? cluster.namespaceInPod ?? ControllerLease.defaultNamespace
        let lease = ControllerLease.key(in: namespace)
        try await Cluster.withClient(cluster) { client in
            do {
                try await waitForTheEnd(of: lease, client)
                let cleanUp = CleanUp(client: client, namespace: namespace, lease: lease, isTrial: dryRun)
                try await cleanUp.run { try StandardOutput.writeLine(dryRun ? "would remove \($0)" : "removed \($0)") }
            } catch let error as CleanUp.OtherInstallation {
                throw StartFailure(description: "\(error)")
            }
        }
    }

    private func waitForTheEnd(of lease: ObjectKey, _ client: KubernetesClient) async throws {
        let clock = ContinuousClock()
        let start = clock.now
        var isTold = false
        while true {
            switch try await OperatorState.read(lease, by: client) {
            case .silent, .resigned, .absent: return
            case .unknown(let why): throw StartFailure(description: "whether an operator is alive is not known: \(why)")
            case .alive(let holder, _):
                guard clock.now - start < Self.patience, !dryRun else {
                    throw StartFailure(
                        description: """
                            the operator is alive: \(holder) holds Lease \(lease); uninstall it first, for it would make \
                            all of it again
                            """)
                }
                if !isTold { StandardError.write("waiting for \(holder) to give back Lease \(lease)") }
                isTold = true
                try await clock.sleep(for: .seconds(1))
            }
        }
    }
}
