internal import JSON
internal import WorkloadIdentity

/// A file in a projected volume.
enum ProjectedSource: Hashable {
    /// A ServiceAccount token that the kubelet keeps fresh.
    case token(PodAddition.Volume.Token)
    /// The value of a pod annotation.
    case annotation(PodAddition.Volume.File)

    var isToken: Bool { if case .token = self { true } else { false } }

    /// The file's name in the volume.
    var path: String {
        get {
            switch self {
            case .token(let token): token.path
            case .annotation(let file): file.path
            }
        }
        set {
            switch self {
            case .token(var token):
                token.path = newValue
                self = .token(token)
            case .annotation(var file):
                file.path = newValue
                self = .annotation(file)
            }
        }
    }

    var json: JSONValue {
        switch self {
        case .token(let token):
            [
                "serviceAccountToken": [
                    "audience": .string(token.audience),
                    "expirationSeconds": .number(JSONNumber(token.expirationSeconds)), "path": .string(token.path),
                ]
            ]
        case .annotation(let file):
            ["downwardAPI": ["items": [["path": .string(file.path), "fieldRef": ["fieldPath": .string(file.field)]]]]]
        }
    }

    /// Whether a source in a pod gives the same file. Lifetimes and what the API server fills in may differ.
    func matches(_ source: JSONValue) -> Bool {
        switch self {
        case .token(let token):
            return source["serviceAccountToken"]?["audience"]?.string == token.audience
                && source["serviceAccountToken"]?["path"]?.string == token.path
        case .annotation(let file):
            let items = source["downwardAPI"]?["items"]?.array ?? []
            return items.count == 1 && items[0]["path"]?.string == file.path
                && items[0]["fieldRef"]?["fieldPath"]?.string == file.field
        }
    }

    /// The files that a source in a pod gives, of whichever kind; `nil` if it may give any.
    static func paths(of source: JSONValue) -> [String]? {
        for kind in ["serviceAccountToken", "clusterTrustBundle", "podCertificate"] {
            if let path = source[kind]?["path"]?.string { return [path] }
        }
        for kind in ["downwardAPI", "configMap", "secret"] {
            if let items = source[kind]?["items"]?.array, !items.isEmpty {
                return items.compactMap { $0["path"]?.string }
            }
        }
        return nil
    }
}

extension PodAddition.Volume.File {
    fileprivate var field: String { "metadata.annotations['\(annotation)']" }
}

extension PodAddition.Volume {
    /// The files of a projected volume; none for another kind.
    var projectedSources: [ProjectedSource] {
        guard case .token(let token, let file) = source else { return [] }
        return [.token(token)] + (file.map { [.annotation($0)] } ?? [])
    }

    /// The file that a variable with such a value names.
    func source(named path: String) -> ProjectedSource? {
        projectedSources.first { path.hasSuffix("/\($0.path)") || path.hasSuffix("\\\($0.path)") }
    }
}
