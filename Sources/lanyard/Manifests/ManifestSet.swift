internal import JSON
internal import KubernetesModel
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

        /// What this is to Lanyard.
        var role: Role {
            switch (value["apiVersion"]?.string ?? "", kind) {
            case ("v1", "ServiceAccount"): .serviceAccount
            case ("v1", "Namespace"): .namespace
            case (let apiVersion, let kind):
                if let known = WorkloadKind(apiVersion: apiVersion, kind: kind) {
                    known == .pod ? .pod : .workload(known)
                } else if value["spec"]?["template"]?["spec"]?["containers"]?.array?.isEmpty == false {
                    .otherWorkload
                } else {
                    .nothing
                }
            }
        }
    }

    enum Role: Hashable {
        case serviceAccount
        case namespace
        case pod
        case workload(WorkloadKind)
        /// Of a kind that is not Kubernetes' own, and has its template of pods where Deployments have theirs.
        case otherWorkload
        case nothing
    }

    private(set) var objects: [Object] = []
    /// Which objects are found by name: of several of one name the last, as it is when they are applied in turn.
    private var accountPositions: [Subject: Int] = [:]
    private var namespacePositions: [String: Int] = [:]
    /// The namespace of objects that name none.
    let defaultNamespace: String

    /// - Parameter files: paths; `-` is standard input.
    init(files: [String], defaultNamespace: String) throws(UsageProblem) {
        self.defaultNamespace = defaultNamespace
        for file in files {
            let documents = try Self.documents(of: file)
            for (index, document) in documents.enumerated() {
                try append(document.value, file: file, document.location, document: index + 1)
            }
        }
    }

    private static func documents(of file: String) throws(UsageProblem) -> [YAML.Document] {
        let text = try InputFile.text(of: file)
        do throws(UsageProblem) {
            return try YAML.documents(in: text, file: file)
        } catch {
            guard text.contains("{{") else { throw error }
            throw UsageProblem(
                "\(error); it has \"{{\": if it is a template of a Helm chart, pipe the output of helm template CHART")
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
            add(Object(value: value, file: file, location: location))
            return
        }
        for (index, item) in items.enumerated() {
            let place = location.part(["items", String(index)]) ?? location
            try append(item, file: file, place, document: document)
        }
    }

    private mutating func add(_ object: Object) {
        switch object.role {
        case .serviceAccount: accountPositions[subject(of: object)] = objects.count
        case .namespace: namespacePositions[object.name] = objects.count
        default: break
        }
        objects.append(object)
    }

    /// Cluster-scoped objects have none.
    func namespace(of object: Object) -> String {
        object.role == .namespace ? "" : object.namespace ?? defaultNamespace
    }

    /// An object as people call it: `Deployment ai/app`.
    func title(of object: Object) -> String {
        let namespace = namespace(of: object)
        return "\(object.kind) \(namespace.isEmpty ? "" : "\(namespace)/")\(object.name)"
    }

    /// What a ServiceAccount is called where pods name it.
    func subject(of object: Object) -> Subject {
        Subject(namespace: namespace(of: object), serviceAccount: object.name)
    }

    func serviceAccount(_ subject: Subject) -> Object? {
        accountPositions[subject].map { objects[$0] }
    }

    func namespace(named name: String) -> Object? {
        namespacePositions[name].map { objects[$0] }
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
