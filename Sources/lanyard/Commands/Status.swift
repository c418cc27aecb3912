internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Operator
internal import WorkloadIdentity

struct Status: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Show what runs now: the cluster as Lanyard sees it, and each ServiceAccount's credentials.",
        discussion: """
            It reads the WorkloadIdentities that the operator keeps, and needs no more rights than to list them. READY, \
            REASON and PODS are what kubectl get wid shows; below stand what is wrong and what to change, and the pods that \
            it is about. Whether the operator is alive it says from the operator's Lease, where there is a right to read it.

            Exit codes: 0; 1 if the cluster cannot be asked, if there is no report on NAME, and with --exit-code if \
            something is not ready or the operator is not alive; 2 for usage, a kubeconfig that cannot be read, or output \
            that cannot be written.
            """)

    @Argument(
        help: ArgumentHelp(
            """
            One ServiceAccount, NAME or NS/NAME; or with -n a workload that runs as it, such as deployment/NAME. Default: all \
            of the namespace.
            """, valueName: "ns/name"))
    var name: String?

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("The namespace. Default: that of the kubeconfig's context.", valueName: "ns"))
    var namespace: String?

    @Flag(name: [.customShort("A"), .long], help: "All namespaces.")
    var allNamespaces = false

    @Flag(help: "End with 1 if something is not ready, or the operator is not alive.")
    var exitCode = false

    @Option(
        help: ArgumentHelp(
            "Where the operator and its Lease are. Default: the pod's namespace, else lanyard-system.", valueName: "ns")
    )
    var operatorNamespace: String?

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    func validate() throws {
        if name != nil, allNamespaces {
            throw ValidationError("a name is of one namespace: leave out --all-namespaces")
        }
    }

    func run() async throws {
        let object = try name.map { name throws(UsageProblem) in try ObjectArgument(name, namespace: namespace) }
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let place = allNamespaces ? nil : namespace ?? cluster.namespace ?? "default"
        let lease = ControllerLease.key(
            in: operatorNamespace ?? cluster.namespaceInPod ?? ControllerLease.defaultNamespace)
        let (identities, operatorState) = try await Cluster.withClient(cluster) { client in
            (try await reports(on: object, in: place, by: client), try await OperatorState.read(lease, by: client))
        }
        let report = StatusReport(identities, by: operatorState)
        switch output {
        case .json: try StandardOutput.writeLine(report.json.prettySerializedString())
        case .table where identities.isEmpty:
            if operatorState.isAlive == false { StandardError.write(operatorState.text) }
            StandardError.write("no ServiceAccount \(place.map { "in namespace \($0) " } ?? "")asks for a provider")
        case .table: try StandardOutput.writeLine(report.text(width: Terminal.width))
        }
        if exitCode, !report.isReady { throw ExitCode(1) }
    }

    /// - Parameter namespace: of all reports, if none is named; `nil`: all of them.
    private func reports(
        on object: ObjectArgument?, in namespace: String?, by client: KubernetesClient
    ) async throws -> [WorkloadIdentityObject] {
        var subject: Subject?
        if let object { subject = try await client.subject(of: object, in: namespace ?? "default") }
        do {
            guard let subject else { return try await client.list(WorkloadIdentityObject.self, in: namespace) }
            return [try await client.get(WorkloadIdentityObject.self, subject.key)]
        } catch let error as KubernetesError where error.isNotFound {
            try await Cluster.requireDefinition(of: WorkloadIdentityObject.resourceType, client)
            guard let subject else { throw error }
            throw StartFailure(
                description: """
                    there is no report on \(subject): it asks for no provider, it is not \
                    there, or the operator has not seen it yet
                    """)
        }
    }
}
