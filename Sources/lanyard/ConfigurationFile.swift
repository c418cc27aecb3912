internal import JSON
internal import WorkloadIdentity

/// The operator's configuration: a file, and environment variables that win over it.
enum ConfigurationFile {
    static func read(
        _ path: String?, environment: [String: String] = ProcessEnvironment.variables
    ) throws(UsageProblem) -> Configuration {
        var file = JSONValue.null
        if let path {
            let documents = try YAML.documents(in: try InputFile.text(of: path), file: path)
            guard documents.count <= 1 else {
                throw UsageProblem("\(path): a configuration is one document, not \(documents.count)")
            }
            file = documents.first?.value ?? .null
        }
        do {
            return try Configuration(file, environment: environment)
        } catch {
            // A variable is in no file.
            let file = error.key.hasPrefix("LANYARD_") ? nil : path
            throw UsageProblem(file.map { "\($0): \(error)" } ?? "\(error)")
        }
    }
}
