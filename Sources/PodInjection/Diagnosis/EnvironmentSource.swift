public import JSON

/// A ConfigMap or Secret of which a container takes every key as a variable (`envFrom`).
public struct EnvironmentSource: Hashable, Sendable {
    public enum Kind: String, Hashable, Sendable {
        case configMap = "ConfigMap"
        case secret = "Secret"
    }

    public let kind: Kind
    public let name: String

    public init(_ kind: Kind, named name: String) {
        self.kind = kind
        self.name = name
    }

    /// - Returns: `nil` for an element of another form.
    init?(_ element: JSONValue) {
        if let name = element["configMapRef"]?["name"]?.string {
            self.init(.configMap, named: name)
        } else if let name = element["secretRef"]?["name"]?.string {
            self.init(.secret, named: name)
        } else {
            return nil
        }
    }

    /// Those of a pod, each once.
    public static func all(of pod: JSONValue) -> [EnvironmentSource] {
        let elements = ExaminedPod.lists.flatMap { pod["spec"]?[$0.rawValue]?.array ?? [] }
            .flatMap { $0["envFrom"]?.array ?? [] }
        var known: Set<EnvironmentSource> = []
        return elements.compactMap { EnvironmentSource($0) }.filter { known.insert($0).inserted }
    }

    /// The object's keys, by what the API server notes of who has set which field. The metadata has no values, so that none is
    /// ever read.
    /// https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management
    ///
    /// - Parameter metadata: the object's, with `managedFields`.
    /// - Returns: sorted; `nil` if nothing is noted.
    public static func keys(notedIn metadata: JSONValue) -> [String]? {
        guard let entries = metadata["managedFields"]?.array, !entries.isEmpty else { return nil }
        var keys: Set<String> = []
        for fields in entries.compactMap({ $0["fieldsV1"] }) {
            for place in ["f:data", "f:stringData", "f:binaryData"] {
                for (name, _) in fields[place]?.object ?? [:] where name.hasPrefix("f:") {
                    keys.insert(String(name.dropFirst(2)))
                }
            }
        }
        return keys.sorted()
    }

    /// A variable that is taken from a key of it, as a container would write that.
    func variable(_ key: String, prefix: String) -> JSONValue {
        let field = kind == .secret ? "secretKeyRef" : "configMapKeyRef"
        return [
            "name": .string(prefix + key),
            "valueFrom": .object([field: ["name": .string(name), "key": .string(key)]]),
        ]
    }
}

extension EnvironmentSource: CustomStringConvertible {
    public var description: String { "\(kind.rawValue) \(name)" }
}
