public import JSON

/// What a workload makes its pods from (`spec.template`).
public struct PodTemplate: Hashable, Sendable {
    public var labels: [String: String] = [:]
    public var annotations: [String: String] = [:]
    public var serviceAccountName = "default"

    /// Unset: as the ServiceAccount says.
    public var automountServiceAccountToken: Bool?
    public var initContainers: [Container] = []
    public var containers: [Container] = []

    /// `linux` or `windows`, if the template says (`spec.os.name`).
    public var osName: String?
    public var nodeSelector: [String: String] = [:]

    public init() {}
}

/// A container, as far as its environment goes.
public struct Container: Hashable, Sendable {
    public struct Variable: Hashable, Sendable {
        public var name = ""

        /// The text, or `nil` if it comes from elsewhere (`valueFrom`).
        public var value: String?
    }

    /// A ConfigMap or Secret all of whose keys become variables.
    public struct VariableSource: Hashable, Sendable {
        public enum Kind: String, Hashable, Sendable {
            case configMap = "ConfigMap"
            case secret = "Secret"
        }

        public var kind = Kind.configMap
        public var name = ""
        public var prefix = ""
    }

    public var name = ""
    public var environment: [Variable] = []
    public var environmentSources: [VariableSource] = []

    public init(name: String) {
        self.name = name
    }
}

// MARK: - Reading

extension PodTemplate: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "metadata":
                let metadata: ObjectMetadata = try json.read()
                labels = metadata.labels
                annotations = metadata.annotations
            case "spec": try readSpecification(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readSpecification(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "serviceAccountName":
                if let name = try json.optionalString(), !name.isEmpty { serviceAccountName = name }
            case "automountServiceAccountToken": automountServiceAccountToken = try json.skipNull() ? nil : json.bool()
            case "initContainers": initContainers = try json.list()
            case "containers": containers = try json.list()
            case "os": osName = try Self.name(from: &json)
            case "nodeSelector": nodeSelector = try json.strings()
            default: try json.skip()
            }
        }
    }

    private static func name(from json: inout JSONReader) throws -> String? {
        var name: String?
        try json.object { key, json in
            switch key {
            case "name": name = try json.optionalString()
            default: try json.skip()
            }
        }
        return name
    }
}

extension Container: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "env": environment = try json.list()
            case "envFrom": environmentSources = try json.list()
            default: try json.skip()
            }
        }
    }
}

extension Container.Variable: JSONReadable {
    public init(from json: inout JSONReader) throws {
        var isFromElsewhere = false
        try json.object { key, json in
            switch key {
            case "name": name = try json.string()
            case "value": value = try json.optionalString()
            case "valueFrom":
                isFromElsewhere = true
                try json.skip()
            default: try json.skip()
            }
        }
        if value == nil && !isFromElsewhere { value = "" }
    }
}

extension Container.VariableSource: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "prefix": prefix = try json.optionalString() ?? ""
            case "configMapRef": try readReference(.configMap, from: &json)
            case "secretRef": try readReference(.secret, from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readReference(_ kind: Kind, from json: inout JSONReader) throws {
        self.kind = kind
        try json.object { key, json in
            switch key {
            case "name": name = try json.optionalString() ?? ""
            default: try json.skip()
            }
        }
    }
}
