internal import JSON
internal import WorkloadIdentity

extension PodAddition.Variable {
    var json: JSONValue { ["name": .string(name), "value": .string(value)] }
}

extension PodAddition.Volume {
    /// The volume as it stands in a pod. Its files get Kubernetes' default mode, 0644, so that any user can read them.
    var json: JSONValue {
        var sources: [JSONValue] = [
            [
                "serviceAccountToken": [
                    "audience": .string(token.audience),
                    "expirationSeconds": .number(JSONNumber(token.expirationSeconds)),
                    "path": .string(token.path),
                ]
            ]
        ]
        if let file {
            sources.append([
                "downwardAPI": [
                    "items": [["path": .string(file.path), "fieldRef": ["fieldPath": .string(file.field)]]]
                ]
            ])
        }
        return ["name": .string(name), "projected": ["sources": .array(sources)]]
    }

    /// Whether a volume of the pod gives the same files. Lifetimes and what the API server fills in may differ.
    func matches(_ volume: JSONValue) -> Bool {
        guard let sources = volume["projected"]?["sources"]?.array, sources.count == (file == nil ? 1 : 2) else {
            return false
        }
        let hasToken = sources.contains { source in
            source["serviceAccountToken"]?["audience"]?.string == token.audience
                && source["serviceAccountToken"]?["path"]?.string == token.path
        }
        guard let file else { return hasToken }
        let hasFile = sources.contains { source in
            let items = source["downwardAPI"]?["items"]?.array ?? []
            return items.count == 1 && items[0]["path"]?.string == file.path
                && items[0]["fieldRef"]?["fieldPath"]?.string == file.field
        }
        return hasToken && hasFile
    }
}

extension PodAddition.Volume.File {
    fileprivate var field: String { "metadata.annotations['\(annotation)']" }
}
