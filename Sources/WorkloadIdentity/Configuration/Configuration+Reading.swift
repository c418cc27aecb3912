public import JSON

extension Configuration {
    /// Reads a configuration file that has been turned into JSON. What it does not set keeps its default.
    public init(_ file: JSONValue, environment: [String: String] = [:]) throws(ConfigurationError) {
        self.init()
        if !file.isNull { try read(file, prefix: "") }
        try read(environment)
        try checkMatrix()
    }

    private mutating func read(_ value: JSONValue, prefix: String) throws(ConfigurationError) {
        guard let members = value.object else {
            let place = prefix.isEmpty ? "the configuration" : prefix
            throw ConfigurationError(key: "", message: "\(place): expected a map of settings, found \(value.kind)")
        }
        for (member, value) in members {
            let name = prefix.isEmpty ? member : "\(prefix).\(member)"
            if let key = ConfigurationKey.all.first(where: { $0.name == name }) {
                try key.read(value, &self)
            } else if ConfigurationKey.all.contains(where: { $0.name.hasPrefix(name + ".") }) {
                if !value.isNull { try read(value, prefix: name) }
            } else {
                throw ConfigurationError.unknown(name, among: ConfigurationKey.all.map(\.name))
            }
        }
    }

    /// Settings from the environment win over those of the file.
    private mutating func read(_ environment: [String: String]) throws(ConfigurationError) {
        let names = ConfigurationKey.all.map(\.environmentVariable)
        let links = ServiceLinks(environment)
        for (variable, text) in environment.sorted(by: { $0.key < $1.key })
        where variable.hasPrefix("LANYARD_") && !links.contains(variable) {
            guard let key = ConfigurationKey.all.first(where: { $0.environmentVariable == variable }) else {
                throw ConfigurationError.unknown(variable, among: names)
            }
            let isMap = text.first == "{" || text.first == "["
            guard let value = isMap ? try? JSONValue(parsing: Array(text.utf8)) : .string(text) else {
                throw ConfigurationError(key: variable, message: "is not valid JSON")
            }
            do {
                try key.read(value, &self)
            } catch {
                throw ConfigurationError(key: variable, message: error.message)
            }
        }
    }

    /// Each cell's provider must be known, and its mechanisms be the provider's. The providers may be in the same file, in any
    /// order.
    private func checkMatrix() throws(ConfigurationError) {
        let providers = Provider.all(self)
        for (platform, row) in matrix.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            for (name, mechanisms) in row.sorted(by: { $0.key < $1.key }) {
                let key = "matrix.\(platform).\(name)"
                guard let provider = providers.first(where: { $0.name == name }) else {
                    let meant = Spelling.nearest(to: name.rawValue, among: providers.map(\.name.rawValue))
                    throw ConfigurationError(
                        key: key,
                        message: meant.map { "is not a provider; did you mean \"\($0)\"?" }
                            ?? "is not a provider; add providers.\(name)")
                }
                for mechanism in mechanisms where provider.mechanism(mechanism) == nil {
                    let known = Mechanism.allCases.filter { provider.mechanism($0) != nil }.map(\.rawValue)
                    throw ConfigurationError(
                        key: key,
                        message:
                            "\"\(mechanism)\" gives no credential of \(name); write \(ValueSyntax.oneOf(known).expected)"
                    )
                }
            }
        }
    }

    /// All settings with their values, as a configuration file would have them.
    public var json: JSONValue {
        var root: JSONValue = [:]
        for key in ConfigurationKey.all {
            root.set(key.name.split(separator: ".").map(String.init)[...], key.show(self))
        }
        return root
    }
}

/// The variables by which the kubelet tells a container of the Services in its namespace. Lanyard's own are called
/// `lanyard-webhook` and `lanyard-metrics`, so theirs begin as settings do.
///
/// See https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
private struct ServiceLinks {
    private let services: [Substring]

    init(_ environment: [String: String]) {
        let host = "_SERVICE_HOST"
        services = environment.keys.filter { $0.hasSuffix(host) }.map { $0.dropLast(host.count) }
    }

    func contains(_ variable: String) -> Bool {
        services.contains { service in
            variable.hasPrefix("\(service)_SERVICE_") || variable.hasPrefix("\(service)_PORT")
        }
    }
}

extension ConfigurationError {
    fileprivate static func unknown(_ name: String, among names: [String]) -> ConfigurationError {
        let meant = Spelling.nearest(to: name, among: names).map { "; did you mean \"\($0)\"?" } ?? ""
        return ConfigurationError(key: name, message: "is not a setting\(meant)")
    }
}

extension JSONValue {
    /// Sets a member of a member, and makes the objects on the way.
    fileprivate mutating func set(_ path: ArraySlice<String>, _ value: JSONValue) {
        guard let name = path.first else {
            self = value
            return
        }
        var member = self[name] ?? [:]
        member.set(path.dropFirst(), value)
        self[name] = member
    }
}
