internal import ArgumentParser
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

struct Heal: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Replace a pod that was created without its credentials, or show what the operator would do.",
        discussion: """
            It looks once at each Deployment, StatefulSet and DaemonSet that runs as the ServiceAccount, or at the one that \
            is named, and evicts one pod \
            of each at most, as the operator does where the annotation or label lanyard.dev/heal asks for it: none during \
            a rollout, none while a replacement is awaited, and not the only one that is ready. It does so with your own \
            rights: to read workloads and pods, to create pods/eviction, and to update workloadidentities/status, where it \
            is written down for the operator. Which pods it is about, it takes from the WorkloadIdentity.

            The limits for the whole cluster (healing.concurrency, healing.intervalSeconds, healing.stopPercent) are for \
            the operator, and not applied.

            Exit codes: 0; 1 if the cluster cannot be asked or refuses, or there is no report; 2 for usage, a kubeconfig that \
            cannot be read, or output that cannot be written.
            """)

    @Argument(
        help: ArgumentHelp(
            "The ServiceAccount, NS/NAME, or sa/NAME with -n; or with -n one workload of it, such as deployment/NAME.",
            valueName: "ns/name"))
    var object: String

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("The namespace. Default: that of the kubeconfig's context.", valueName: "ns"))
    var namespace: String?

    @Flag(help: "Do nothing, and print what would be done and why.")
    var dryRun = false

    @Flag(help: "Evict the only pod that is ready, too.")
    var allowDowntime = false

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    func run() async throws {
        // What is written wrong is told before a kubeconfig is looked for.
        let object = try ObjectArgument(object, namespace: namespace)
        if case .workload(let kind) = object.kind, !HealingPass.kinds.contains(kind) {
            throw UsageProblem(
                "no pod of a \(kind.rawValue) is replaced: name a ServiceAccount, a Deployment, a StatefulSet or a DaemonSet"
            )
        }
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        var configuration = WorkloadIdentity.Configuration()
        configuration.healing.allowsDowntime = allowDowntime
        let settings = configuration.healing
        try await Cluster.withClient(cluster) { client in
            do {
                let subject = try await client.subject(of: object, in: cluster.namespace ?? "default")
                try await HealingPass(client: client, settings, isTrial: dryRun)
                    .run(on: subject, only: object.workload) { try StandardOutput.writeLine($0) }
            } catch let error as HealingPass.Impossible {
                throw StartFailure(description: "\(error)")
            }
        }
    }
}

extension ObjectArgument {
    /// `nil` for a ServiceAccount, which means all of its workloads.
    fileprivate var workload: (kind: WorkloadKind, name: String)? {
        guard case .workload(let kind) = kind else { return nil }
        return (kind, name)
    }
}
