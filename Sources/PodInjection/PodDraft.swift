internal import JSON
internal import WorkloadIdentity

/// A pod with what has been decided to add to it. The pod itself is only read.
struct PodDraft {
    let isWellFormed: Bool
    let containers: [Container]

    private let metadata: JSONValue?
    private let presentAnnotations: JSONObject?
    private let presentLabels: JSONObject?
    private let presentVolumes: [JSONValue]?

    private var annotations: [(name: String, value: String)] = []
    private var labels: [(name: String, value: String)] = []
    private var volumes: [PodAddition.Volume] = []
    private var variables: [JSONPointer: [PodAddition.Variable]] = [:]
    private var mounts: [JSONPointer: [(volume: String, path: String)]] = [:]

    /// - Parameters:
    ///   - lists: the lists of containers that may be added to.
    ///   - settled: the containers in them that may not, by name.
    init(
        _ pod: JSONValue, containersIn lists: [String] = ["initContainers", "containers"],
        except settled: Set<String> = []
    ) {
        let spec = pod["spec"]
        var isWellFormed = spec?["containers"]?.array != nil
        func optional<Value>(_ value: JSONValue?, _ read: (JSONValue) -> Value?) -> Value? {
            guard let value, !value.isNull else { return nil }
            let content = read(value)
            if content == nil { isWellFormed = false }
            return content
        }
        metadata = optional(pod["metadata"]) { $0.object == nil ? nil : $0 }
        presentAnnotations = optional(metadata?["annotations"], \.object)
        presentLabels = optional(metadata?["labels"], \.object)
        presentVolumes = optional(spec?["volumes"], \.array)
        var containers: [Container] = []
        for field in lists {
            for (index, container) in (optional(spec?[field], \.array) ?? []).enumerated() {
                _ = optional(container, \.object)
                if let name = container["name"]?.string, settled.contains(name) { continue }
                containers.append(
                    Container(
                        container, pointer: JSONPointer("spec", field, String(index)),
                        environment: optional(container["env"], \.array),
                        mounts: optional(container["volumeMounts"], \.array)))
            }
        }
        self.containers = containers
        self.isWellFormed = isWellFormed
    }

    // MARK: What is there

    func volume(named name: String) -> JSONValue? {
        presentVolumes?.first { $0["name"]?.string == name }
    }

    /// The value that the pod has, or will have.
    func annotation(_ name: String) -> String? {
        annotations.last { $0.name == name }?.value ?? presentAnnotations?[name]?.string
    }

    struct Container {
        let name: String
        let pointer: JSONPointer
        let hasEnvironment: Bool
        let hasMounts: Bool
        /// The ConfigMaps and Secrets of `envFrom`.
        let environmentSources: [String]
        /// A value that is taken from elsewhere (`valueFrom`) is not known: `nil`.
        private let environment: [String: PodAddition.Variable.Value?]
        private let mounts: [String: String]

        init(_ container: JSONValue, pointer: JSONPointer, environment: [JSONValue]?, mounts: [JSONValue]?) {
            name = container["name"]?.string ?? ""
            self.pointer = pointer
            hasEnvironment = environment != nil
            hasMounts = mounts != nil
            var variables: [String: PodAddition.Variable.Value?] = [:]
            for variable in environment ?? [] {
                guard let name = variable["name"]?.string else { continue }
                variables[name] = .some(PodAddition.Variable.Value(variable))
            }
            self.environment = variables
            var volumes: [String: String] = [:]
            for mount in mounts ?? [] {
                guard let path = mount["mountPath"]?.string else { continue }
                volumes[path.count > 1 && path.hasSuffix("/") ? String(path.dropLast()) : path] = mount["name"]?.string
            }
            self.mounts = volumes
            environmentSources = (container["envFrom"]?.array ?? []).map { source in
                for kind in ["configMapRef", "secretRef"] {
                    if let name = source[kind]?["name"]?.string {
                        return kind == "secretRef" ? "Secret \(name)" : "ConfigMap \(name)"
                    }
                }
                return "a source"
            }
        }

        func defines(_ variable: String) -> Bool { environment[variable] != nil }
        func value(of variable: String) -> PodAddition.Variable.Value? { environment[variable] ?? nil }
        /// Whether the user set the variable to something else, or to something that is not known here.
        func hasOther(than variable: PodAddition.Variable) -> Bool {
            defines(variable.name) && value(of: variable.name) != variable.value
        }
        func volumeMounted(at path: String) -> String? { mounts[path] }
    }

    // MARK: What is added

    mutating func annotate(_ name: String, _ value: String) {
        if annotation(name) != value { annotations.append((name, value)) }
    }

    /// A label that the pod has already is the user's.
    mutating func label(_ name: String, _ value: String) {
        if presentLabels?[name] == nil, !labels.contains(where: { $0.name == name }) { labels.append((name, value)) }
    }

    mutating func addVolume(_ volume: PodAddition.Volume) {
        if self.volume(named: volume.name) == nil, !volumes.contains(volume) { volumes.append(volume) }
    }

    mutating func apply(_ edit: ContainerEdit) {
        // Two bindings may want the same variable, such as a region: the first one's value stays.
        for variable in edit.variables
        where variables[edit.pointer]?.contains(where: { $0.name == variable.name }) != true {
            variables[edit.pointer, default: []].append(variable)
        }
        if let volume = edit.volumeName, let path = edit.mountPath {
            mounts[edit.pointer, default: []].append((volume, path))
        }
    }

    /// The additions as operations, as few and small as can be.
    func patch(at root: JSONPointer) -> JSONPatch {
        var patch = JSONPatch()
        addMetadata(to: &patch, at: root.appending("metadata"))
        patch.append(
            volumes.map(\.json), to: root.appending("spec").appending("volumes"), isPresent: presentVolumes != nil)
        for container in containers {
            let pointer = root.appending(container.pointer)
            patch.append(
                (variables[container.pointer] ?? []).map(\.json), to: pointer.appending("env"),
                isPresent: container.hasEnvironment)
            patch.append(
                (mounts[container.pointer] ?? []).map { mount in
                    ["name": .string(mount.volume), "mountPath": .string(mount.path), "readOnly": true]
                },
                to: pointer.appending("volumeMounts"), isPresent: container.hasMounts)
        }
        return patch
    }

    private func addMetadata(to patch: inout JSONPatch, at pointer: JSONPointer) {
        let additions = [("annotations", annotations, presentAnnotations), ("labels", labels, presentLabels)].filter {
            !$0.1.isEmpty
        }
        if metadata == nil, !additions.isEmpty { patch.add([:], at: pointer) }
        for (field, added, present) in additions {
            let pointer = pointer.appending(field)
            if present != nil {
                for (name, value) in added { patch.add(.string(value), at: pointer.appending(name)) }
            } else {
                var members = JSONObject()
                for (name, value) in added { members[name] = .string(value) }
                patch.add(.object(members), at: pointer)
            }
        }
    }
}

extension JSONPatch {
    /// Appends to an array, or makes it.
    fileprivate mutating func append(_ elements: [JSONValue], to pointer: JSONPointer, isPresent: Bool) {
        guard !elements.isEmpty else { return }
        if isPresent {
            for element in elements { add(element, at: pointer.appending("-")) }
        } else {
            add(.array(elements), at: pointer)
        }
    }
}
