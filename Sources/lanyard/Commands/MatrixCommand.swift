internal import ArgumentParser
internal import JSON
internal import WorkloadIdentity

struct MatrixCommand: ParsableCommand {
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case table, json, yaml, markdown
    }

    static let configuration = CommandConfiguration(
        commandName: "matrix", abstract: "Print which mechanisms serve each provider on each platform.",
        discussion:
            """
            Of a cell's mechanisms the first one is used whose inputs a workload has and whose needs the cluster \
            meets. "stored key" stands for vault-agent, vault-csi and external-secret, of which \
            lanyard.dev/secret-delivery chooses one. JSON and YAML hold each cell in full.
            """
    )

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    @Option(help: "A configuration file, whose matrix and providers are shown too.", completion: .file())
    var config: String?

    func run() throws {
        let configuration = try ConfigurationFile.read(config)
        let table = MatrixTable(configuration)
        switch output {
        case .table: try StandardOutput.writeLine(table.text)
        case .markdown: try StandardOutput.writeLine(table.markdown)
        case .json: try StandardOutput.writeLine(table.json.prettySerializedString())
        case .yaml: try StandardOutput.write(try YAML.text(of: table.json))
        }
    }
}

/// The matrix as rows and columns of text.
struct MatrixTable {
    private let providers: [Provider]
    private let matrix: Matrix

    init(_ configuration: Configuration) {
        providers = Provider.all(configuration)
        matrix = Matrix(configuration)
    }

    /// `{provider: {platform: [mechanism, …]}}`
    var json: JSONValue {
        var rows = JSONObject()
        for provider in providers {
            var cells = JSONObject()
            for platform in Platform.allCases {
                cells[platform.rawValue] = .array(matrix[platform, provider.name].map { .string($0.rawValue) })
            }
            rows[provider.name.rawValue] = .object(cells)
        }
        return .object(rows)
    }

    /// Wide cells are rare: equal ones of a row are said once.
    var text: String {
        let width = (providers.map(\.name.rawValue.count).max() ?? 0) + 2
        let lines = providers.flatMap { provider in
            groups(of: provider).enumerated().map { index, group in
                let label = index == 0 ? provider.name.rawValue : ""
                let platforms =
                    group.platforms.count == Platform.allCases.count
                    ? "everywhere" : group.platforms.joined(separator: " ")
                return label.padded(to: width) + "\(platforms): \(group.cell.joined(separator: ", "))"
            }
        }
        let notes = footnotes.map { "\($0.mechanism): \($0.note)" }
        return (lines + [""] + notes).joined(separator: "\n")
    }

    var markdown: String {
        let header = "| provider | " + Platform.allCases.map(\.rawValue).joined(separator: " | ") + " |"
        let rule = "|" + String(repeating: " --- |", count: Platform.allCases.count + 1)
        let rows = providers.map { provider in
            let cells = Platform.allCases.map { platform in
                cell(platform, provider).map { $0 == Self.storedKey ? $0 : "`\($0)`" }.joined(separator: ", ")
            }
            return "| `\(provider.name)` | " + cells.joined(separator: " | ") + " |"
        }
        let notes = footnotes.map { "* `\($0.mechanism)`: \($0.note)" }
        return ([header, rule] + rows + [""] + notes).joined(separator: "\n")
    }

    // MARK: Cells

    /// Stands for all deliveries of a stored key, at the end of a cell.
    private static let storedKey = "stored key"

    private func cell(_ platform: Platform, _ provider: Provider) -> [String] {
        let mechanisms = matrix[platform, provider.name]
        let deliveries = Mechanism.secretDeliveries
        guard mechanisms.suffix(deliveries.count).elementsEqual(deliveries) else { return mechanisms.map(\.rawValue) }
        return mechanisms.dropLast(deliveries.count).map(\.rawValue) + [Self.storedKey]
    }

    /// The platforms of a row that have the same cell, in the order of the platforms.
    private func groups(of provider: Provider) -> [(platforms: [String], cell: [String])] {
        var groups: [(platforms: [String], cell: [String])] = []
        for platform in Platform.allCases {
            let cell = cell(platform, provider)
            if let index = groups.firstIndex(where: { $0.cell == cell }) {
                groups[index].platforms.append(platform.rawValue)
            } else {
                groups.append(([platform.rawValue], cell))
            }
        }
        return groups
    }

    /// The mechanisms of which the provider's SDK does not make use by itself.
    private var footnotes: [(mechanism: Mechanism, note: String)] {
        Mechanism.allCases.compactMap { mechanism in
            let provider = providers.first { $0.reach(of: mechanism) != nil }
            switch provider?.reach(of: mechanism) {
            case .needsCode: return (mechanism, "the application must pass the credential to its SDK (needs-code)")
            case .platformAPIsOnly: return (mechanism, "reaches the platform's APIs, but no model (platform-apis-only)")
            case .sdkDefault, nil: return nil
            }
        }
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
