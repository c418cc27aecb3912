internal import JSON
internal import PodInjection
internal import WorkloadIdentity

/// The objects of some files, as one cluster would hold them.
struct ManifestSet {
    struct Object {
        var value: JSONValue
        /// File, document and line, for messages.
        var origin: String

        var kind: String { value["kind"]?.string ?? "" }
        var name: String { value["metadata"]?["name"]?.string ?? value["metadata"]?["generateName"]?.string ?? "" }
        var namespace: String? { value["metadata"]?["namespace"]?.string }
    }

    private(set) var objects: [Object] = []
    /// The namespace of objects that name none.
    let defaultNamespace: String

    init(files: [String], defaultNamespace: String) throws(UsageProblem) {
        self.defaultNamespace = defaultNamespace
        for file in files {
            let documents = try YAML.documents(in: try InputFile.text(of: file), file: file)
            for (index, document) in documents.enumerated() {
                try append(document.value, origin: "\(file): document \(index + 1), line \(document.line)")
            }
        }
    }

    /// A List stands for its items.
    private mutating func append(_ value: JSONValue, origin: String) throws(UsageProblem) {
        guard value.object != nil, let kind = value["kind"]?.string, value["apiVersion"]?.string != nil else {
            throw UsageProblem("\(origin): expected a Kubernetes object with apiVersion and kind, found \(value.kind)")
        }
        guard kind.hasSuffix("List"), let items = value["items"]?.array else {
            objects.append(Object(value: value, origin: origin))
            return
        }
        for (index, item) in items.enumerated() { try append(item, origin: "\(origin), item \(index)") }
    }

    func namespace(of object: Object) -> String {
        object.namespace ?? defaultNamespace
    }

    func serviceAccount(_ subject: Subject) -> Object? {
        objects.last {
            $0.kind == "ServiceAccount" && $0.name == subject.serviceAccount && namespace(of: $0) == subject.namespace
        }
    }

    func labels(ofNamespace name: String) -> [String: String] {
        objects.last { $0.kind == "Namespace" && $0.name == name }?.value["metadata"]?["labels"]?.strings ?? [:]
    }
}

extension JSONValue {
    /// The members of an object that are strings.
    var strings: [String: String] {
        var strings: [String: String] = [:]
        for (key, value) in object ?? [:] { strings[key] = value.string }
        return strings
    }
}
