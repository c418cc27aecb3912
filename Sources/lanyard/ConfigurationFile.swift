internal import JSON
internal import WorkloadIdentity

/// The operator's configuration: a file, and environment variables that win over it.
enum ConfigurationFile {
    static func read(
        _ path: String?, environment: [String: String] = ProcessEnvironment.variables
    ) throws(UsageProblem) -> Configuration {
        try read(text: path.map { path throws(UsageProblem) in try InputFile.text(of: path) }, of: path, environment)
    }

    /// - Parameter name: whose text it is, for messages.
    static func read(
        text: String?, of name: String?, _ environment: [String: String] = ProcessEnvironment.variables
    ) throws(UsageProblem) -> Configuration {
        var file = JSONValue.null
        if let text, let name {
            let documents = try YAML.documents(in: text, file: name)
            guard documents.count <= 1 else {
                throw UsageProblem("\(name): a configuration is one document, not \(documents.count)")
            }
            file = documents.first?.value ?? .null
        }
        do {
            return try Configuration(file, environment: environment)
        } catch {
            // A variable is in no file.
            let file = error.key.hasPrefix("LANYARD_") ? nil : name
            throw UsageProblem(file.map { "\($0): \(error)" } ?? "\(error)")
        }
    }
}
