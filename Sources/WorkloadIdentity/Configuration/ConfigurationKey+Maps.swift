internal import JSON

/// Settings that are maps, or lists of maps.
extension ConfigurationKey {
    static func subjects(_ value: JSONValue, _ key: String) throws(ConfigurationError) -> Set<Subject> {
        var subjects: Set<Subject> = []
        for element in value.array ?? (value == "" ? [] : [value]) {
            guard let members = element.object, members.count == 2,
                let namespace = members["namespace"]?.string, let account = members["serviceAccount"]?.string
            else {
                throw ConfigurationError(key: key, message: "write a list of {namespace: NAME, serviceAccount: NAME}")
            }
            guard DNSName.isLabel(namespace), DNSName.isSubdomain(account) else {
                throw ConfigurationError(
                    key: key,
                    message: """
                        "\(namespace)/\(account)" is not a ServiceAccount with its namespace: write lower-case \
                        letters, digits and "-"
                        """)
            }
            subjects.insert(Subject(namespace: namespace, serviceAccount: account))
        }
        return subjects
    }

    static func readProviders(
        _ value: JSONValue, into configuration: inout Configuration
    ) throws(ConfigurationError) {
        configuration.providers = [:]
        for (name, settings) in try members(of: value, "providers") {
            let key = "providers.\(name)"
            // It stands in names of volumes and annotations, which have 63 characters at most.
            guard DNSName.isLabel(name), name.utf8.count <= 40 else {
                throw ConfigurationError(
                    key: key.shortened,
                    message: "a provider's name is lower-case letters, digits and \"-\" between them, 40 at most")
            }
            var apiKey = APIKey(variable: "")
            for (setting, value) in try members(of: settings, key) {
                switch setting {
                case "variable": apiKey.variable = try text(value, "\(key).variable", .variableName)
                case "vaultKey": apiKey.vaultKey = try text(value, "\(key).vaultKey", .vaultField)
                default:
                    throw ConfigurationError(
                        key: "\(key).\(setting)", message: "is not a setting; write \"variable\" or \"vaultKey\"")
                }
            }
            guard !apiKey.variable.isEmpty else {
                throw ConfigurationError(
                    key: key, message: "add \"variable\": the environment variable that the provider's SDK reads")
            }
            configuration.providers[ProviderName(rawValue: name)] = apiKey
        }
    }

    static func showProviders(_ configuration: Configuration) -> JSONValue {
        var members = JSONObject()
        for (name, apiKey) in configuration.providers.sorted(by: { $0.key < $1.key }) {
            members[name.rawValue] = ["variable": .string(apiKey.variable), "vaultKey": .string(apiKey.vaultKey)]
        }
        return .object(members)
    }

    static func readEndpoints(
        _ value: JSONValue, into configuration: inout Configuration
    ) throws(ConfigurationError) {
        configuration.verify.endpoints = [:]
        for (provider, endpoint) in try members(of: value, "verify.endpoints") {
            let key = "verify.endpoints.\(provider)"
            let name = ProviderName(rawValue: provider)
            guard Exchange.providers.contains(name) else {
                let known = Exchange.providers.map(\.rawValue)
                throw ConfigurationError(
                    key: key.shortened,
                    message: "no token of it is exchanged; write \(ValueSyntax.oneOf(known).expected)")
            }
            configuration.verify.endpoints[name] = try text(endpoint, key, .origin)
        }
    }

    static func showEndpoints(_ configuration: Configuration) -> JSONValue {
        var members = JSONObject()
        for (name, endpoint) in configuration.verify.endpoints.sorted(by: { $0.key < $1.key }) {
            members[name.rawValue] = .string(endpoint)
        }
        return .object(members)
    }

    static func readMatrix(
        _ value: JSONValue, into configuration: inout Configuration
    ) throws(ConfigurationError) {
        configuration.matrix = [:]
        for (platformName, row) in try members(of: value, "matrix") {
            guard let platform = Platform(rawValue: platformName) else {
                throw ConfigurationError(
                    key: "matrix.\(platformName)",
                    message: "is not a platform; write \(ValueSyntax.oneOf(Platform.allCases.map(\.rawValue)).expected)"
                )
            }
            for (provider, cell) in try members(of: row, "matrix.\(platformName)") {
                let key = "matrix.\(platformName).\(provider)"
                var mechanisms: [Mechanism] = []
                for element in cell.array ?? [cell] { mechanisms.append(try choice(element, key)) }
                configuration.matrix[platform, default: [:]][ProviderName(rawValue: provider)] = mechanisms
            }
        }
    }

    static func showMatrix(_ configuration: Configuration) -> JSONValue {
        var platforms = JSONObject()
        for (platform, row) in configuration.matrix.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            var cells = JSONObject()
            for (provider, mechanisms) in row.sorted(by: { $0.key < $1.key }) {
                cells[provider.rawValue] = .array(mechanisms.map { .string($0.rawValue) })
            }
            platforms[platform.rawValue] = .object(cells)
        }
        return .object(platforms)
    }

    private static func members(of value: JSONValue, _ key: String) throws(ConfigurationError) -> JSONObject {
        guard let members = value.object else {
            throw ConfigurationError(key: key, message: "expected a map, found \(value.kind)")
        }
        return members
    }
}
