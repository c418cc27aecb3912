public import JSON
internal import WorkloadIdentity

/// What is to be known of a pod, or of the template of a workload's pods, before anything is added to it.
///
/// It is read in one pass over the pod's JSON. What no decision rests on is skipped; and of what there is much of, variables,
/// mounts and volumes, only the places are kept, to be compared with the few names that are asked for. Whatever the pod
/// holds, reading fails only if it is not JSON, or if there is more of it than ``ManifestAllowance`` allows.
public struct PodManifest: Sendable {
    /// `nil` if the API server is to make it up.
    public private(set) var name: String?
    /// What a made-up name begins with.
    public private(set) var namePrefix: String?
    /// The owner that calls itself its controller: `ReplicaSet app-6d4cf56db6`.
    public private(set) var controller: String?
    /// Those that may matter to a plan.
    public private(set) var annotations: [String: String] = [:]
    /// Those that may matter to a plan.
    public private(set) var labels: [String: String] = [:]
    /// Empty if the pod names none.
    public var serviceAccountName: String { writtenServiceAccountName ?? olderServiceAccountName ?? "" }
    /// A static pod as the kubelet shows it to the API server, which lets nobody change it.
    public private(set) var isMirrorPod = false

    private(set) var hasMetadata = false
    private(set) var hasAnnotations = false
    private(set) var hasLabels = false
    private(set) var hasVolumes = false
    private(set) var mountsServiceAccountToken: Bool?
    /// `nil` if there is no such list.
    private(set) var pullSecrets: Set<String>?
    /// Whether it says that its containers run as root.
    private(set) var runsAsRoot = false
    /// Whether it is on its node's network.
    private(set) var usesHostNetwork = false
    private(set) var operatingSystem = PodContext.OperatingSystem.linux

    private var writtenServiceAccountName: String?
    /// The API server copies this field to the other, but a manifest may have it alone.
    private var olderServiceAccountName: String?
    private var containers: [ContainerList: [Container]] = [:]
    private var isOfItsTypes = true
    private var volumes = NamedPlaces()
    private var allowance = ManifestAllowance()
    private let text: JSONReader

    /// Whether it has containers, and all that is looked at is of its type.
    var isWellFormed: Bool { containers[.containers] != nil && isOfItsTypes }

    /// What it has too much of, if reading it as a value was given up.
    private(set) var excess: JSONLimitExceeded?

    enum ContainerList: String {
        case initContainers, containers, ephemeralContainers
    }

    func containers(in list: ContainerList) -> [Container] { containers[list] ?? [] }

    /// Whether there is such a list.
    func has(_ list: ContainerList) -> Bool { containers[list] != nil }

    /// Whether reviewing it takes so long that others should not have to wait for it.
    public var isLaborious: Bool { allowance.isLargelySpent }

    func volume(named name: String) -> JSONValue? { volumes.value(of: name, in: text) }

    /// Its place in the list of volumes.
    func indexOfVolume(named name: String) -> Int? { volumes.index(of: name, in: text) }

    /// Those of the tokens in its volumes.
    var tokenLifetimes: Set<Int> {
        var lifetimes: Set<Int> = []
        for var json in volumes.readers(of: text) {
            // All of it has been read before, as what it is.
            try? json.objectIfAny(only: "projected") { json in
                try json.objectIfAny(only: "sources") { json in
                    _ = try json.arrayIfAny { json in
                        try json.objectIfAny(only: "serviceAccountToken") { json in
                            try json.objectIfAny(only: "expirationSeconds") { json in
                                guard json.kind() == .number else { return try json.skip() }
                                lifetimes.formUnion([try json.number().integer].compactMap(\.self))
                            }
                        }
                    }
                }
            }
        }
        return lifetimes
    }

    /// A reference, since it goes to all who decide something about it.
    final class Container: Sendable {
        let list: ContainerList
        let pointer: JSONPointer
        private let fields: ContainerFields
        private let text: JSONReader

        var name: String { fields.name }
        var hasEnvironment: Bool { fields.hasEnvironment }
        var hasMounts: Bool { fields.hasMounts }
        /// The ConfigMaps and Secrets of `envFrom`.
        var environmentSources: [String] { fields.environmentSources }
        var mountCount: Int { fields.mountPaths.count }
        /// Those at, above or near the places where volumes are injected, however they are written.
        var outerMounts: [OuterMount] { fields.outerMounts }

        struct OuterMount {
            var path: String
            var volume: String
            var isReadOnly: Bool
        }

        fileprivate init(_ fields: ContainerFields, of text: JSONReader, in list: ContainerList, pointer: JSONPointer) {
            self.fields = fields
            self.text = text
            self.list = list
            self.pointer = pointer
        }

        /// All of it; `nil` if that is longer than a container of Lanyard's own can be, and not worth the memory.
        var json: JSONValue? {
            var json = text
            guard let range = try? json.range(), range.count <= 16 << 10 else { return nil }
            json = text
            return try? json.value()
        }

        func defines(_ variable: String) -> Bool { fields.variables.contains(variable, in: text) }

        /// `nil` if the variable is not there, or its value is taken from somewhere that is not known here.
        func value(of variable: String) -> PodAddition.Variable.Value? {
            fields.variables.value(of: variable, in: text).flatMap { PodAddition.Variable.Value($0) }
        }

        /// Whether the user set the variable to something else, or to something that is not known here.
        func hasOther(than variable: PodAddition.Variable) -> Bool {
            defines(variable.name) && value(of: variable.name) != variable.value
        }

        /// All its mounts.
        var mounts: [(path: String, volume: String)] {
            zip(fields.mountPaths, fields.mountedVolumes).map { path, volume in
                (text.string(path), volume.map { text.string($0) } ?? "")
            }
        }

        func volumeMounted(at path: String) -> String? {
            let paths = fields.mountPaths
            let index = text.lastIndex(of: path, in: paths) ?? text.lastIndex(of: path + "/", in: paths)
            return index.flatMap { fields.mountedVolumes[$0] }.map { text.string($0) }
        }
    }
}

/// What is kept of a container.
private struct ContainerFields {
    var name = ""
    var hasEnvironment = false
    var hasMounts = false
    var environmentSources: [String] = []
    var variables = NamedPlaces()
    var mountPaths: [JSONStringToken] = []
    /// For each mount.
    var mountedVolumes: [JSONStringToken?] = []
    var outerMounts: [PodManifest.Container.OuterMount] = []
}

// MARK: - Reading

extension PodManifest: JSONReadable {
    public init(from json: inout JSONReader) throws {
        text = json
        let isObject = try json.membersIfAny { key, json in
            switch key {
            case "metadata": try readMetadata(from: &json)
            case "spec": try readSpec(from: &json)
            default: try json.skip()
            }
        }
        note(isObject)
    }

    public init(_ pod: JSONValue) {
        var json = JSONReader(pod.serialized(), maximumDepth: .max)
        do {
            self = try PodManifest(from: &json)
        } catch {
            // What has just been written is JSON, so there is too much of it.
            text = json
            excess = error as? JSONLimitExceeded
        }
    }

    /// True for what is there, and is not `null`.
    @discardableResult
    private mutating func note(_ isOfItsType: Bool?) -> Bool {
        if isOfItsType == false { isOfItsTypes = false }
        return isOfItsType == true
    }

    private mutating func readMetadata(from json: inout JSONReader) throws {
        hasMetadata = note(
            try json.membersIfAny { key, json in
                switch key {
                case "name": name = try json.stringIfAny()
                case "generateName": namePrefix = try json.stringIfAny()
                case "ownerReferences":
                    controller = nil
                    _ = try json.arrayIfAny { json in controller = try json.controllerIfAny() ?? controller }
                case "annotations":
                    annotations = [:]
                    hasAnnotations = note(
                        try json.objectIfAny { name, json in
                            if name == "kubernetes.io/config.mirror" { isMirrorPod = true }
                            try annotations.read(name, from: &json, within: &allowance)
                        })
                case "labels":
                    labels = [:]
                    hasLabels = note(
                        try json.objectIfAny { name, json in try labels.read(name, from: &json, within: &allowance) })
                default: try json.skip()
                }
            })
    }

    private mutating func readSpec(from json: inout JSONReader) throws {
        var system: String?
        var selected: String?
        _ = try json.membersIfAny { key, json in
            switch key {
            case "serviceAccountName": writtenServiceAccountName = try json.nameIfAny()
            case "serviceAccount": olderServiceAccountName = try json.nameIfAny()
            case "automountServiceAccountToken": mountsServiceAccountToken = try json.boolIfAny()
            case "hostNetwork": usesHostNetwork = try json.boolIfAny() == true
            case "volumes": try readVolumes(from: &json)
            case "initContainers": try readContainers(.initContainers, from: &json)
            case "containers": try readContainers(.containers, from: &json)
            case "ephemeralContainers": try readContainers(.ephemeralContainers, from: &json)
            case "imagePullSecrets":
                var names: Set<String> = []
                let isArray = try json.arrayIfAny { json in
                    try allowance.keepPart()
                    try json.objectIfAny(only: "name") { json in names.formUnion([try json.stringIfAny() ?? ""]) }
                }
                pullSecrets = note(isArray) ? names : nil
            case "securityContext":
                runsAsRoot = false
                try json.objectIfAny(only: "runAsUser") { json in
                    if json.kind() == .number { runsAsRoot = try json.number().integer == 0 } else { try json.skip() }
                }
            case "os":
                try json.objectIfAny(only: "name") { json in system = try json.stringIfAny() }
            case "nodeSelector":
                var older: String?
                _ = try json.membersIfAny { key, json in
                    switch key {
                    case "kubernetes.io/os": selected = try json.stringIfAny()
                    case "beta.kubernetes.io/os": older = try json.stringIfAny()
                    default: try json.skip()
                    }
                }
                selected = selected ?? older
            default: try json.skip()
            }
        }
        // `spec.os.name` says it since Kubernetes 1.25; before, only the node selector did.
        operatingSystem = (system ?? selected) == "windows" ? .windows : .linux
    }

    private mutating func readVolumes(from json: inout JSONReader) throws {
        volumes = NamedPlaces()
        hasVolumes = note(
            try json.arrayIfAny { json in
                try allowance.keepPart()
                let offset = json.offset
                let name = try json.stringTokenIfAny(ofMember: "name")
                volumes.append(name, at: offset..<json.offset)
            })
    }

    private mutating func readContainers(_ list: ContainerList, from json: inout JSONReader) throws {
        let pointer = JSONPointer("spec", list.rawValue)
        var found: [Container] = []
        let isArray = try json.arrayIfAny { json in
            try allowance.keepContainer()
            let text = json
            let fields = try ContainerFields(from: &json, isOfItsTypes: &isOfItsTypes, within: &allowance)
            found.append(Container(fields, of: text, in: list, pointer: pointer.appending(found.count)))
        }
        containers[list] = note(isArray) ? found : nil
    }
}

extension ContainerFields {
    init(
        from json: inout JSONReader, isOfItsTypes: inout Bool, within allowance: inout ManifestAllowance
    ) throws {
        let isObject = try json.membersIfAny { key, json in
            switch key {
            case "name": name = try json.stringIfAny() ?? ""
            case "env":
                variables = NamedPlaces()
                let isArray = try json.arrayIfAny { json in
                    try allowance.keepPart()
                    try readVariable(from: &json)
                }
                hasEnvironment = isArray == true
                isOfItsTypes = isOfItsTypes && isArray != false
            case "volumeMounts":
                (mountPaths, mountedVolumes, outerMounts) = ([], [], [])
                let isArray = try json.arrayIfAny { json in
                    try allowance.keepPart()
                    try readMount(from: &json)
                }
                hasMounts = isArray == true
                isOfItsTypes = isOfItsTypes && isArray != false
            case "envFrom":
                environmentSources = []
                _ = try json.arrayIfAny { json in
                    try allowance.keepPart()
                    try readEnvironmentSource(from: &json)
                }
            default: try json.skip()
            }
        }
        isOfItsTypes = isOfItsTypes && isObject != false
    }

    private mutating func readVariable(from json: inout JSONReader) throws {
        let offset = json.offset
        let name = try json.stringTokenIfAny(ofMember: "name")
        variables.append(name, at: offset..<json.offset)
    }

    private mutating func readMount(from json: inout JSONReader) throws {
        var path: JSONStringToken?
        var volume: JSONStringToken?
        var isReadOnly: Bool?
        _ = try json.membersIfAny { key, json in
            switch key {
            case "mountPath": path = try json.stringTokenIfAny()
            case "name": volume = try json.stringTokenIfAny()
            case "readOnly": isReadOnly = try json.boolIfAny()
            default: try json.skip()
            }
        }
        guard let path else { return }
        mountPaths.append(path)
        mountedVolumes.append(volume)
        if let outer = outerPath(path, in: json) {
            outerMounts.append(
                PodManifest.Container.OuterMount(
                    path: outer, volume: volume.map { json.string($0) } ?? "", isReadOnly: isReadOnly == true))
        }
    }

    /// Nearly every mount is told by its first bytes to be elsewhere; and the token that every pod has is.
    private func outerPath(_ token: JSONStringToken, in text: JSONReader) -> String? {
        guard token.length <= 64 else { return nil }
        let path = text.string(token)
        switch path.utf8.dropFirst().first {
        case nil, UInt8(ascii: "v"), UInt8(ascii: "r"), UInt8(ascii: "/"), UInt8(ascii: "."), UInt8(ascii: "\\"),
            UInt8(ascii: ":"):
            return path.hasPrefix("/var/run/secrets/kubernetes.io/") ? nil : path
        default: return nil
        }
    }

    private mutating func readEnvironmentSource(from json: inout JSONReader) throws {
        var configMap: String?
        var secret: String?
        func name(from json: inout JSONReader) throws -> String? {
            try json.stringTokenIfAny(ofMember: "name").map { json.string($0) }
        }
        _ = try json.membersIfAny { key, json in
            switch key {
            case "configMapRef": configMap = try name(from: &json)
            case "secretRef": secret = try name(from: &json)
            default: try json.skip()
            }
        }
        environmentSources.append(
            configMap.map { "ConfigMap \($0)" } ?? secret.map { "Secret \($0)" } ?? "a source")
    }
}

extension JSONReader {
    /// The kind and name of an owner, if it is one that controls the object.
    fileprivate mutating func controllerIfAny() throws -> String? {
        var kind = ""
        var name = ""
        var controls: Bool?
        _ = try membersIfAny { key, json in
            switch key {
            case "kind": kind = try json.stringIfAny() ?? ""
            case "name": name = try json.stringIfAny() ?? ""
            case "controller": controls = try json.boolIfAny()
            default: try json.skip()
            }
        }
        return controls == true ? "\(kind) \(name)" : nil
    }

    /// `nil` for the empty string, too.
    fileprivate mutating func nameIfAny() throws -> String? {
        try stringIfAny().flatMap { $0.isEmpty ? nil : $0 }
    }
}
