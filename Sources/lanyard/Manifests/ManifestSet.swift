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
        var annotations: [String: String] { value["metadata"]?["annotations"]?.strings ?? [:] }
        var labels: [String: String] { value["metadata"]?["labels"]?.strings ?? [:] }
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
        if let fault = value.objectFault {
            throw UsageProblem(
                """
                \(file): document \(document), line \(location.line): expected a Kubernetes object with apiVersion and \
                kind, \(fault)
                """)
        }
        guard let items = value.listItems else {
            objects.append(Object(value: value, file: file, location: location))
            return
        }
        for (index, item) in items.enumerated() {
            let place = location.part(["items", String(index)]) ?? location
            try append(item, file: file, place, document: document)
        }
    }

    /// Cluster-scoped objects have none.
    func namespace(of object: Object) -> String {
        object.kind == "Namespace" ? "" : object.namespace ?? defaultNamespace
    }

    /// An object as people call it: `Deployment ai/app`.
    func title(of object: Object) -> String {
        let namespace = namespace(of: object)
        return "\(object.kind) \(namespace.isEmpty ? "" : "\(namespace)/")\(object.name)"
    }

    func serviceAccount(_ subject: Subject) -> Object? {
        objects.last {
            $0.kind == "ServiceAccount" && $0.name == subject.serviceAccount && namespace(of: $0) == subject.namespace
        }
    }

    func namespace(named name: String) -> Object? {
        objects.last { $0.kind == "Namespace" && $0.name == name }
    }
}

extension JSONValue {
    /// Why this is no Kubernetes object, as the end of a sentence.
    fileprivate var objectFault: String? {
        guard object != nil else { return "found \(kind)" }
        let missing = ["apiVersion", "kind"].filter { self[$0]?.string == nil }
        guard !missing.isEmpty else { return nil }
        return "found an object without \(missing.joined(separator: " and "))"
    }

    /// The items of a list; `nil` if this is none. The API server writes what they are only once, as the list's own kind.
    fileprivate var listItems: [JSONValue]? {
        guard let kind = self["kind"]?.string, kind.hasSuffix("List"), let items = self["items"]?.array else {
            return nil
        }
        guard kind != "List" else { return items }
        return items.map { item in
            guard let members = item.object else { return item }
            var object: JSONValue = [:]
            object["apiVersion"] = self["apiVersion"]
            object["kind"] = .string(String(kind.dropLast("List".count)))
            for (key, value) in members { object[key] = value }
            return object
        }
    }
}
