internal import JSON
internal import WorkloadIdentity

extension PodAddition.Variable {
    func write(to json: inout JSONWriter) {
        json.object { json in
            json.member("name", name)
            switch value {
            case .text(let text):
                json.member("value", text)
            case .podField(let path):
                json.member("valueFrom", ["fieldRef": ["fieldPath": .string(path)]])
            case .secretKey(let secret, let key):
                json.member("valueFrom", ["secretKeyRef": ["name": .string(secret), "key": .string(key)]])
            }
        }
    }
}

extension PodAddition.Variable.Value {
    /// The value that a container's variable has; `nil` if it is taken from somewhere that is not known here.
    init?(_ variable: JSONValue) {
        guard !variable.isNull else { return nil }
        guard let source = variable["valueFrom"], !source.isNull else {
            self = .text(variable["value"]?.string ?? "")
            return
        }
        if let path = source["fieldRef"]?["fieldPath"]?.string {
            self = .podField(path)
            return
        }
        guard let secret = source["secretKeyRef"]?["name"]?.string, let key = source["secretKeyRef"]?["key"]?.string
        else { return nil }
        self = .secretKey(secret: secret, key: key)
    }
}

extension PodAddition.Volume {
    /// The volume as it stands in a pod. Its files get Kubernetes' default mode, 0644, so that any user can read them.
    var json: JSONValue {
        switch source {
        case .token:
            return ["name": .string(name), "projected": ["sources": .array(projectedSources.map(\.json))]]
        case .secretsStore(let providerClass):
            return [
                "name": .string(name),
                "csi": [
                    "driver": .string(Self.secretsStoreDriver), "readOnly": true,
                    "volumeAttributes": ["secretProviderClass": .string(providerClass)],
                ],
            ]
        }
    }

    private static let secretsStoreDriver = "secrets-store.csi.k8s.io"

    /// Whether a volume of the pod gives the same files. Lifetimes and what the API server fills in may differ.
    func matches(_ volume: JSONValue) -> Bool {
        switch source {
        case .token:
            projects(volume)
        case .secretsStore(let providerClass):
            volume["csi"]?["driver"]?.string == Self.secretsStoreDriver
                && volume["csi"]?["volumeAttributes"]?["secretProviderClass"]?.string == providerClass
        }
    }

    private func projects(_ volume: JSONValue) -> Bool {
        let needed = projectedSources
        guard let sources = volume["projected"]?["sources"]?.array, sources.count == needed.count else { return false }
        return needed.allSatisfy { source in sources.contains(where: source.matches) }
    }
}
