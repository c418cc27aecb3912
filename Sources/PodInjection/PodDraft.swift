internal import JSON
internal import WorkloadIdentity

/// A pod with what has been decided to add to it. The pod itself is only read.
struct PodDraft {
    /// Those that may be added to.
    let containers: [PodManifest.Container]

    private let pod: PodManifest

    private var annotations: [(name: String, value: String)] = []
    private var labels: [(name: String, value: String)] = []
    private var volumes: [PodAddition.Volume] = []
    private var customFolders: [CustomFolder] = []
    private var trial: TrialContainer?
    private var isManifest = false
    private let takesVolumes: Bool
    /// Whether the containers' own mounts are few enough to be compared with the paths in their variables.
    let comparesMounts: Bool
    /// For each container.
    private var additions: [ContainerAdditions]

    private struct ContainerAdditions: Equatable {
        var variables: [PodAddition.Variable] = []
        var mounts: [Mount] = []

        var isEmpty: Bool { variables.isEmpty && mounts.isEmpty }

        /// Two bindings may want the same variable, such as a region: the first one's value stays.
        mutating func add(_ added: [PodAddition.Variable]) {
            variables.reserveCapacity(variables.count + added.count)
            for variable in added where !variables.contains(where: { $0.name == variable.name }) {
                variables.append(variable)
            }
        }

        /// One folder may hold files of several bindings.
        mutating func add(_ mount: Mount?) {
            if let mount, !mounts.contains(mount) { mounts.append(mount) }
        }
    }

    private struct Mount: Hashable {
        var volume: String
        var path: String

        func write(to json: inout JSONWriter) {
            json.object { json in
                json.member("name", volume)
                json.member("mountPath", path)
                json.member("readOnly", true)
            }
        }
    }

    /// - Parameters:
    ///   - lists: the lists of containers that may be added to.
    ///   - settled: the containers in them that may not, by name.
    ///   - takesVolumes: whether the pod may get volumes: a running one gets no more.
    init(
        _ pod: PodManifest, containersIn lists: [PodManifest.ContainerList] = [.initContainers, .containers],
        except settled: Set<String> = [], takesVolumes: Bool = true
    ) {
        self.pod = pod
        self.takesVolumes = takesVolumes
        let hasTrial = AnnotationKey.asksForTrial(pod.annotations)
        containers = lists.flatMap { pod.containers(in: $0) }.filter { container in
            !settled.contains(container.name) && !(hasTrial && TrialContainer.isOne(container))
        }
        additions = Array(repeating: ContainerAdditions(), count: containers.count)
        comparesMounts = containers.reduce(0) { $0 + $1.mountCount } <= Self.mostMounts
    }

    /// Of all containers together. Each provider's variable is compared with each of its container's, and no pod that a node
    /// runs has as many.
    private static let mostMounts = 4096

    /// Of all containers together.
    private static let mostCustomFolders = 64

    // MARK: What is there

    var isWellFormed: Bool { pod.isWellFormed }

    var operatingSystem: PodContext.OperatingSystem { pod.operatingSystem }

    func volume(named name: String) -> JSONValue? { pod.volume(named: name) }

    /// Whether a volume is of a kind that no node mounts writable.
    func isReadOnly(volume name: String) -> Bool {
        let volume = pod.volume(named: name)
        return ["secret", "configMap", "projected", "downwardAPI", "image"].contains { volume?[$0] != nil }
    }

    /// The value that the pod has, or will have.
    func annotation(_ name: String) -> String? {
        annotations.last { $0.name == name }?.value ?? pod.annotations[name]
    }

    // MARK: What is added

    mutating func annotate(_ name: String, _ value: String) {
        if annotation(name) != value { annotations.append((name, value)) }
    }

    /// A label that the pod has already is the user's.
    mutating func label(_ name: String, _ value: String) {
        if pod.labels[name] == nil, !labels.contains(where: { $0.name == name }) { labels.append((name, value)) }
    }

    mutating func addVolume(_ volume: PodAddition.Volume) {
        if self.volume(named: volume.name) == nil, !volumes.contains(volume) { volumes.append(volume) }
    }

    /// Adds the container after all others, unless it is there.
    ///
    /// - Parameter isManifest: whether the API server has not completed the pod yet.
    mutating func add(_ trial: TrialContainer, inManifest isManifest: Bool) {
        self.trial = trial
        self.isManifest = isManifest
    }

    mutating func apply(_ edit: ContainerEdit) {
        let mounts = edit.files.map { put($0, into: containers[edit.index]) }
        additions[edit.index].add(edit.variables)
        if let volume = edit.volumeName, let path = edit.mountPath {
            additions[edit.index].mounts.append(Mount(volume: volume, path: path))
        }
        for mount in mounts { additions[edit.index].add(mount) }
    }

    // MARK: Custom folders

    /// Whether a file can be put into a folder where a container expects it.
    enum Room {
        case free
        /// Says why not, as the end of "since …".
        case taken(String)
    }

    func room(for source: ProjectedSource, in folder: ContainerPath, ofContainer index: Int) -> Room {
        guard let custom = customFolder(for: folder) else {
            return .taken("the pod has a volume \(CustomFolder.name(for: folder)) of another kind")
        }
        if !uses(folder), customFolders.count >= Self.mostCustomFolders {
            return .taken("the pod has files in \(Self.mostCustomFolders) other folders")
        }
        if custom.isTaken(for: source) { return .taken("another file of that name is there") }
        if !takesVolumes, !custom.has(source) { return .taken("a running pod gets no volume") }
        let other = additions[index].mounts.first { mount in
            guard let path = ContainerPath(mount.path, on: operatingSystem), path != folder else { return false }
            return path.isWithin(folder) || folder.isWithin(path)
        }
        return other.map { .taken("\($0.path) is mounted as well") } ?? .free
    }

    /// Whether a file of the plan is in it.
    func uses(_ folder: ContainerPath) -> Bool {
        customFolders.contains { $0.name == CustomFolder.name(for: folder) }
    }

    /// The volume of a custom folder that a container is to have at a path, above it or below it.
    func customFolderMounted(across path: String, in index: Int) -> String? {
        guard !customFolders.isEmpty, let path = ContainerPath(path, on: operatingSystem) else { return nil }
        return additions[index].mounts.first { mount in
            guard customFolders.contains(where: { $0.name == mount.volume }) else { return false }
            return ContainerPath(mount.path, on: operatingSystem).map { $0.isWithin(path) || path.isWithin($0) }
                ?? false
        }?.volume
    }

    var hasCustomFolders: Bool { !customFolders.isEmpty }

    private func customFolder(for folder: ContainerPath) -> CustomFolder? {
        let name = CustomFolder.name(for: folder)
        return customFolders.first { $0.name == name } ?? CustomFolder(for: folder, in: pod)
    }

    /// Takes note of folders that files are to be put into, so that what is decided next counts them.
    mutating func reserve(_ files: [ContainerEdit.CustomFile]) {
        for file in files where !uses(file.folder) {
            if let folder = CustomFolder(for: file.folder, in: pod) { customFolders.append(folder) }
        }
    }

    /// - Returns: the mount by which the container sees the file; `nil` if it has one.
    private mutating func put(_ file: ContainerEdit.CustomFile, into container: PodManifest.Container) -> Mount? {
        let name = CustomFolder.name(for: file.folder)
        guard let index = customFolders.firstIndex(where: { $0.name == name }) else { return nil }
        customFolders[index].add(file.source)
        let isMounted = container.mounts.contains { ContainerPath($0.path, on: operatingSystem) == file.folder }
        return isMounted ? nil : Mount(volume: name, path: file.folder.text)
    }

    /// Whether it gets anything, beside stamps, that it has not in any form.
    var isAddedTo: Bool {
        let stamps = PodStamp.keys.map(\.name)
        return !volumes.isEmpty || !labels.isEmpty || customFolders.contains { !$0.added.isEmpty }
            || additions.contains { !$0.variables.isEmpty || !$0.mounts.isEmpty }
            || annotations.contains { pod.annotations[$0.name] == nil && !stamps.contains($0.name) }
    }

    /// The additions as operations, as few and small as can be.
    func patch(at root: JSONPointer) -> JSONPatch {
        var patch = JSONPatch()
        addMetadata(to: &patch, at: root.appending("metadata"))
        let spec = root.appending("spec")
        let folders = customFolders.filter { !$0.added.isEmpty }
        let ofTrial =
            pod.volume(named: TrialContainer.volumeName) == nil ? trial?.volume(besides: tokenLifetimes) : nil
        patch.append(
            (volumes.map(\.json) + folders.filter { $0.index == nil }.map(\.json) + [ofTrial].compactMap(\.self)).map {
                JSONWriter($0)
            },
            toArray: "volumes", of: spec, isPresent: pod.hasVolumes)
        for folder in folders {
            guard let index = folder.index else { continue }
            patch.append(
                folder.added.map { JSONWriter($0.json) }, toArray: "sources",
                of: spec.appending("volumes").appending(index).appending("projected"), isPresent: true)
        }
        var written = WrittenAdditions()
        for (container, additions) in zip(containers, additions) where !additions.isEmpty {
            // Mostly all containers get the same.
            if written.additions != additions { written = WrittenAdditions(additions) }
            let pointer = root.appending(container.pointer)
            patch.append(written.variables, toArray: "env", of: pointer, isPresent: container.hasEnvironment)
            patch.append(written.mounts, toArray: "volumeMounts", of: pointer, isPresent: container.hasMounts)
        }
        addTrial(to: &patch, at: spec)
        return patch
    }

    /// Those of the tokens in its volumes, with those that are added.
    private var tokenLifetimes: Set<Int> {
        let added = volumes.flatMap(\.projectedSources) + customFolders.flatMap(\.added)
        return pod.tokenLifetimes.union(
            added.compactMap { source in
                guard case .token(let token) = source else { return nil }
                return token.expirationSeconds
            })
    }

    private func addTrial(to patch: inout JSONPatch, at spec: JSONPointer) {
        guard let trial else { return }
        if !pod.containers(in: .initContainers).contains(where: { $0.name == TrialContainer.name }) {
            patch.append(
                [JSONWriter(trial.json(asAnotherUser: pod.runsAsRoot))], toArray: "initContainers", of: spec,
                isPresent: pod.has(.initContainers))
        }
        // A pod that names none gets its ServiceAccount's, which it would not with a list of its own.
        let mayAdd = !isManifest || pod.pullSecrets?.isEmpty == false
        if let secret = trial.pullSecret, mayAdd, pod.pullSecrets?.contains(secret) != true {
            patch.append(
                [JSONWriter(["name": .string(secret)])], toArray: "imagePullSecrets", of: spec,
                isPresent: pod.pullSecrets != nil)
        }
    }

    /// What a container gets, as JSON.
    private struct WrittenAdditions {
        var additions = ContainerAdditions()
        var variables: [JSONWriter] = []
        var mounts: [JSONWriter] = []

        init() {}

        init(_ additions: ContainerAdditions) {
            self.additions = additions
            variables = additions.variables.map { variable in JSONWriter { variable.write(to: &$0) } }
            mounts = additions.mounts.map { mount in JSONWriter { mount.write(to: &$0) } }
        }
    }

    private func addMetadata(to patch: inout JSONPatch, at pointer: JSONPointer) {
        if !pod.hasMetadata, !annotations.isEmpty || !labels.isEmpty { patch.add([:], at: pointer) }
        patch.add(annotations, to: pointer.appending("annotations"), isPresent: pod.hasAnnotations)
        patch.add(labels, to: pointer.appending("labels"), isPresent: pod.hasLabels)
    }
}

extension JSONPatch {
    /// Appends to an array, or makes it.
    fileprivate mutating func append(
        _ elements: [JSONWriter], toArray name: StaticString, of pointer: JSONPointer, isPresent: Bool
    ) {
        guard !elements.isEmpty else { return }
        if isPresent {
            append(elements, toArray: name, of: pointer)
        } else {
            add(member: name, to: pointer) { json in
                json.array { json in
                    for element in elements { json.value(element) }
                }
            }
        }
    }

    /// Adds members to an object, or makes it.
    fileprivate mutating func add(
        _ members: [(name: String, value: String)], to pointer: JSONPointer, isPresent: Bool
    ) {
        guard !members.isEmpty else { return }
        if isPresent {
            for (name, value) in members { add(value, asMember: name, of: pointer) }
        } else {
            var object = JSONObject()
            for (name, value) in members { object[name] = .string(value) }
            add(.object(object), at: pointer)
        }
    }
}
