internal import ArgumentParser
internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import Logging
internal import Operator

struct Status: AsyncParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    static let configuration = CommandConfiguration(
        abstract: "Show what runs now: the cluster as Lanyard sees it, and each ServiceAccount's credentials.",
        discussion: """
            It reads the WorkloadIdentities that the operator keeps, and needs no more rights than to list them.

            Exit codes: 0; 1 if the cluster cannot be asked; 2 for usage, a kubeconfig that cannot be read, or output that \
            cannot be written.
            """)

    @Option(
        name: [.customShort("n"), .long],
        help: ArgumentHelp("The namespace. Default: that of the kubeconfig's context.", valueName: "ns"))
    var namespace: String?

    @Flag(name: [.customShort("A"), .long], help: "All namespaces.")
    var allNamespaces = false

    @Option(help: ArgumentHelp("A kubeconfig. Default: as for lanyard run.", valueName: "file"), completion: .file())
    var kubeconfig: String?

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    func run() async throws {
        let cluster = try Cluster.configuration(kubeconfig: kubeconfig)
        let place = allNamespaces ? nil : namespace ?? cluster.namespace ?? "default"
        let identities = try await Cluster.withClient(
            cluster, logger: Logger(label: "lanyard") { _ in SwiftLogNoOpLogHandler() }
        ) { client in
            do {
                return try await client.list(WorkloadIdentityObject.self, in: place)
            } catch let error as KubernetesError where error.isNotFound {
                try await Cluster.requireDefinition(of: WorkloadIdentityObject.resourceType, client)
                throw error
            } catch let error as KubernetesError {
                throw StartFailure(description: "\(error)")
            }
        }
        let report = StatusReport(identities.sorted { $0.key < $1.key })
        switch output {
        case .json: try StandardOutput.writeLine(report.json.prettySerializedString())
        case .table where identities.isEmpty:
            StandardError.write("no ServiceAccount \(place.map { "in namespace \($0) " } ?? "")asks for a provider")
        case .table: try StandardOutput.writeLine(report.table)
        }
    }
}

/// The WorkloadIdentities of a cluster, for people.
struct StatusReport {
    private let identities: [WorkloadIdentityObject]

    init(_ identities: [WorkloadIdentityObject]) {
        self.identities = identities
    }

    var json: JSONValue {
        [
            "identities": .array(
                identities.map { identity in
                    [
                        "namespace": .string(identity.metadata.namespace ?? ""),
                        "serviceAccount": .string(identity.metadata.name), "status": identity.status,
                    ]
                })
        ]
    }

    var table: String {
        var sections = [facts.joined(separator: "\n"), TextTable(header: Self.header, rows: rows).text]
        if !remarks.isEmpty { sections.append(remarks.joined(separator: "\n")) }
        return sections.joined(separator: "\n\n")
    }

    private static let header = [
        "NAMESPACE", "SERVICEACCOUNT", "PROVIDER", "MECHANISM", "REACH", "READY", "REASON", "PODS",
    ]

    /// The cluster as the operator sees it. Objects that are not written anew yet may still tell of what was.
    private var facts: [String] {
        var lines: [String] = []
        for status in identities.map(\.status) {
            var line = "platform \(status["platform"].text) (\(status["evidence"].text))"
            if let issuer = status["issuer"] { line += ", issuer \(issuer["url"].text) (\(issuer["reach"].text))" }
            if !lines.contains(line) { lines.append(line) }
            let components = (status["components"]?.array ?? []).compactMap(\.string)
            let also = "also in the cluster: \(components.joined(separator: ", "))"
            if !components.isEmpty, !lines.contains(also) { lines.append(also) }
        }
        return lines
    }

    private var rows: [[String]] {
        identities.flatMap { identity in
            let status = identity.status
            let injected = identity.status["conditions"]?.array?.first { $0["type"] == "Injected" }
            return (status["providers"]?.array ?? []).map { provider in
                // A provider is of use only if the pods have what was found for it.
                let unmet = [
                    provider["ready"] == true ? nil : provider, injected?["status"] == "True" ? nil : injected,
                ]
                let shortcoming = unmet.compactMap { $0 }.first
                return [
                    identity.metadata.namespace ?? "", identity.metadata.name, provider["name"].text,
                    provider["mechanism"].text, provider["reach"].text, shortcoming == nil ? "yes" : "no",
                    (shortcoming ?? provider)["reason"].text, status["summary"]?["pods"].text ?? "",
                ]
            }
        }
    }

    /// What is wrong, and what to know although all is well.
    private var remarks: [String] {
        identities.flatMap { identity in
            let name = "\(identity.key)"
            let unmet = (identity.status["conditions"]?.array ?? []).filter {
                $0["status"] != "True" && $0["type"] != "Ready"
            }
            let failures = (identity.status["providers"]?.array ?? []).filter { $0["ready"]?.bool != true }
            var remarks = unmet.map { "\(name): \($0["type"].text) is \($0["status"].text): \($0["message"].text)" }
            for failure in failures {
                let message = failure["message"].text
                if !remarks.contains(where: { $0.hasSuffix(message) }) { remarks.append("\(name): \(message)") }
            }
            return remarks + (identity.status["warnings"]?.array ?? []).map { "\(name): warning: \($0.string ?? "")" }
        }
    }
}

/// Columns as wide as their widest cells.
struct TextTable {
    var header: [String]
    var rows: [[String]]

    var text: String {
        let lines = [header] + rows
        let widths = header.indices.map { column in lines.map { $0[column].count }.max() ?? 0 }
        return lines.map { line in
            let cells = zip(line, widths).map { cell, width in
                cell + String(repeating: " ", count: max(0, width - cell.count))
            }
            let padded = cells.joined(separator: "  ")
            return String(padded.reversed().drop { $0 == " " }.reversed())
        }.joined(separator: "\n")
    }
}

extension JSONValue? {
    fileprivate var text: String { self?.string ?? "" }
}
