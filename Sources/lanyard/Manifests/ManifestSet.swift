internal import JSON
internal import PodInjection
internal import WorkloadIdentity

/// The objects of some files, as one cluster would hold them.
struct ManifestSet {
    struct Object {
        var value: JSONValue
        var file: String
        var location: YAML.Location

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
                try append(document.value, file: file, document.location, document: index + 1)
            }
        }
    }

    /// A List stands for its items.
    private mutating func append(
        _ value: JSONValue, file: String, _ location: YAML.Location, document: Int
    ) throws(UsageProblem) {
        guard value.object != nil, let kind = value["kind"]?.string, value["apiVersion"]?.string != nil else {
            throw UsageProblem(
                """
                \(file): document \(document), line \(location.line): expected a Kubernetes object with apiVersion and \
                kind, found \(value.kind)
                """)
        }
        guard kind.hasSuffix("List"), let items = value["items"]?.array else {
            objects.append(Object(value: value, file: file, location: location))
            return
        }
        for (index, item) in items.enumerated() {
            let place = location.element(index, of: "items") ?? location
            try append(item, file: file, place, document: document)
        }
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
