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
            meets.
            """
    )

    @Option(name: [.customShort("o"), .long], help: "The format.")
    var output = Format.table

    @Option(help: "A configuration file, whose matrix and providers are shown too.")
    var config: String?

    func run() throws {
        let configuration = try ConfigurationFile.read(config)
        let table = MatrixTable(configuration)
        switch output {
        case .table: print(table.text)
        case .markdown: print(table.markdown)
        case .json: print(table.json.prettySerializedString())
        case .yaml: print(try YAML.text(of: table.json), terminator: "")
        }
    }
}

/// The matrix as rows and columns of text.
struct MatrixTable {
    let providers: [ProviderName]
    let matrix: Matrix

    init(_ configuration: Configuration) {
        providers = Provider.all(configuration).map(\.name)
        matrix = Matrix(configuration)
    }

    /// `{provider: {platform: [mechanism, …]}}`
    var json: JSONValue {
        var rows = JSONObject()
        for provider in providers {
            var cells = JSONObject()
            for platform in Platform.allCases {
                cells[platform.rawValue] = .array(matrix[platform, provider].map { .string($0.rawValue) })
            }
            rows[provider.rawValue] = .object(cells)
        }
        return .object(rows)
    }

    /// Wide cells are rare: equal ones of a row are said once.
    var text: String {
        let width = (providers.map(\.rawValue.count).max() ?? 0) + 2
        return providers.map { provider in
            groups(of: provider).enumerated().map { index, group in
                let label = index == 0 ? provider.rawValue : ""
                let platforms =
                    group.platforms.count == Platform.allCases.count
                    ? "everywhere" : group.platforms.joined(separator: " ")
                return label.padded(to: width) + "\(platforms): \(group.mechanisms)"
            }.joined(separator: "\n")
        }.joined(separator: "\n")
    }

    var markdown: String {
        let header = "| provider | " + Platform.allCases.map(\.rawValue).joined(separator: " | ") + " |"
        let rule = "|" + String(repeating: " --- |", count: Platform.allCases.count + 1)
        let rows = providers.map { provider in
            let cells = Platform.allCases.map { platform in
                matrix[platform, provider].map { "`\($0)`" }.joined(separator: ", ")
            }
            return "| `\(provider)` | " + cells.joined(separator: " | ") + " |"
        }
        return ([header, rule] + rows).joined(separator: "\n")
    }

    /// The platforms of a row that have the same cell, in the order of the platforms.
    private func groups(of provider: ProviderName) -> [(platforms: [String], mechanisms: String)] {
        var groups: [(platforms: [String], mechanisms: String)] = []
        for platform in Platform.allCases {
            let mechanisms = matrix[platform, provider].map(\.rawValue).joined(separator: ", ")
            if let index = groups.firstIndex(where: { $0.mechanisms == mechanisms }) {
                groups[index].platforms.append(platform.rawValue)
            } else {
                groups.append(([platform.rawValue], mechanisms))
            }
        }
        return groups
    }
}

extension String {
    fileprivate func padded(to width: Int) -> String {
        self + String(repeating: " ", count: max(0, width - count))
    }
}
