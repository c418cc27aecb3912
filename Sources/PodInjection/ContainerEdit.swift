internal import WorkloadIdentity

/// What one binding changes in one container. What the user set stays.
struct ContainerEdit {
    /// How the container comes by the binding's credential.
    enum Result: Hashable {
        /// By this edit, or already.
        case served
        /// The user, or another webhook, has given it another identity with this provider.
        case own
        /// Not at all: what it sets itself cannot work, and nothing is added.
        case lacking
    }

    /// A file that the container expects in a folder of its own choice.
    struct CustomFile {
        var folder: ContainerPath
        var source: ProjectedSource
    }

    /// The container's place among the draft's.
    private(set) var index: Int
    fileprivate(set) var result = Result.served
    fileprivate(set) var variables: [PodAddition.Variable] = []
    fileprivate(set) var files: [CustomFile] = []
    /// Where the binding's volume is to be mounted; `nil` if it need not be, or is already.
    fileprivate(set) var mountPath: String?
    /// Whether the volume is mounted at its path already.
    fileprivate(set) var isMounted = false
    fileprivate(set) var volumeName: String?
    fileprivate(set) var problems: [Problem] = []

    var isServed: Bool { result == .served }

    fileprivate init(at index: Int) { self.index = index }

    /// - Parameter volume: the binding's, as it is in this pod.
    init(
        _ outcome: Binding.Outcome, of provider: ProviderName, with volume: PodAddition.Volume?, at index: Int,
        in draft: PodDraft
    ) {
        self = ContainerDecision(outcome, of: provider, with: volume, at: index, in: draft).edit
    }

    /// The same for another container.
    func moved(to index: Int) -> ContainerEdit {
        var edit = self
        edit.index = index
        return edit
    }
}

/// How it is found out what one binding changes in one container.
private struct ContainerDecision {
    private(set) var edit: ContainerEdit

    private let provider: ProviderName
    private let container: PodManifest.Container
    private let draft: PodDraft

    init(
        _ outcome: Binding.Outcome, of provider: ProviderName, with volume: PodAddition.Volume?, at index: Int,
        in draft: PodDraft
    ) {
        edit = ContainerEdit(at: index)
        self.provider = provider
        self.draft = draft
        container = draft.containers[index]
        let addition = outcome.addition

        let absent = addition.filesReadFirst.first(where: isAbsentFile)
        // A file that is not there is no credential that wins.
        if absent == nil { report(outcome.hazards) }
        if let absent {
            settle(.lacking, .credentialFileMissing, "\(nothingPuts("a file", at: absent)); remove it", field: absent)
        } else if let other = addition.yieldsTo.first(where: { container.defines($0) }) {
            yield(to: other, outcome.mechanism)
        } else if let path = volume?.mountPath, let other = mountedInstead(of: volume, at: path) {
            settle(
                .lacking, .mountPathTaken,
                "the volume \(other.shortened) is mounted at \(path), so \(provider) is left out; mount it elsewhere")
        } else if let path = volume?.mountPath, let above = readOnlyMount(above: path) {
            settle(
                .lacking, .mountPathTaken,
                """
                the volume \(above.volume.shortened) is mounted read-only at \(above.path), and a mount at \(path), below it, \
                would keep the container from starting, so \(provider) is left out; mount it elsewhere
                """)
        } else {
            let groups = addition.groups.filter { $0.containers.contains(container.name) }
            addVariables(groups, volume)
            mount(volume, for: groups)
            reportMissing(addition.expected)
            reportEnvironmentSources(groups, outcome.hazards)
        }
    }

    // MARK: Another identity

    private mutating func yield(to other: String, _ mechanism: Mechanism) {
        if isAbsentFile(other) {
            settle(.lacking, .credentialFileMissing, "\(nothingPuts("a token", at: other)); remove it", field: other)
        } else {
            settle(
                .own, .anotherIdentity, "\(other) gives it another identity already, so \(mechanism) is left out",
                field: other)
        }
    }

    private func place(of variable: String, standard: PodAddition.Variable.Value?) -> FilePlace {
        guard draft.comparesMounts else {
            return container.value(of: variable) == standard || !container.defines(variable) ? .standard : .unknown
        }
        return FilePlace(of: variable, standard: standard, in: container, on: draft.operatingSystem)
    }

    /// Whether a variable names a file that is not there when the container starts.
    private func isAbsentFile(_ variable: String) -> Bool {
        guard container.defines(variable) else { return false }
        switch place(of: variable, standard: nil) {
        case .custom(_, _, let isMounted): return !isMounted
        case .nowhere: return container.value(of: variable) != .text("")
        case .standard, .mounted, .image, .unknown: return false
        }
    }

    private func mountedInstead(of volume: PodAddition.Volume?, at path: String) -> String? {
        // A custom folder of Lanyard's own may be the same place, as a container on Windows writes it.
        let mount = outerMount(near: path) { $1 == $2 && $0.volume != CustomFolder.name(for: $1) }
        let other =
            container.volumeMounted(at: path) ?? mount?.volume
            ?? draft.customFolderMounted(across: path, in: edit.index)
        return other == volume?.name ? nil : other
    }

    /// A mount of the container's own in which no folder can be made, so that nothing can be mounted below it.
    private func readOnlyMount(above path: String) -> PodManifest.Container.OuterMount? {
        outerMount(near: path) { mount, its, path in
            its != path && path.isWithin(its) && (mount.isReadOnly || draft.isReadOnly(volume: mount.volume))
        }
    }

    private func outerMount(
        near path: String, where isMeant: (PodManifest.Container.OuterMount, ContainerPath, ContainerPath) -> Bool
    ) -> PodManifest.Container.OuterMount? {
        let mounts = container.outerMounts
        guard draft.comparesMounts, !mounts.isEmpty, let path = ContainerPath(path, on: draft.operatingSystem) else {
            return nil
        }
        return mounts.first { mount in
            ContainerPath(mount.path, on: draft.operatingSystem).map { isMeant(mount, $0, path) } ?? false
        }
    }

    // MARK: Variables

    private mutating func addVariables(_ groups: [PodAddition.VariableGroup], _ volume: PodAddition.Volume?) {
        for group in groups where edit.isServed {
            let file = group.variables.first(where: \.isInVolume)
            if let file { provide(file, in: group, from: volume) }
            guard edit.isServed else { return }
            switch group.rule {
            case .each:
                edit.variables += group.variables.filter { !container.defines($0.name) }
            case .unlessAnySet:
                let isAnySet = group.variables.contains { container.defines($0.name) }
                if !isAnySet { edit.variables += group.variables }
            case .allOrNone:
                let kept = group.variables.filter { !$0.isInVolume && container.hasOther(than: $0) }.map(\.name)
                if let first = kept.first, file.map({ container.defines($0.name) }) != true {
                    keep(first, of: group)
                } else {
                    edit.variables += group.variables.filter { !container.defines($0.name) }
                    for name in kept { warn(.userValueKept, "its own \(name) is kept", field: name) }
                }
            }
        }
    }

    /// The group is left out, since the user set a part of it to something else.
    private mutating func keep(_ name: String, of group: PodAddition.VariableGroup) {
        let absent = group.variables.map(\.name).filter { !container.defines($0) }.joined(separator: ", ")
        // Azure's variables are decided on one by one; and what `envFrom` defines is not known.
        guard group.rule == .allOrNone, !absent.isEmpty, container.environmentSources.isEmpty else {
            return settle(.own, .userValueKept, "its own \(name) is kept", field: name)
        }
        settle(
            .lacking, .userValueKept,
            """
            its own \(name) is kept, so \(absent) is not added, and it has no credential; remove \(name) to use the \
            ServiceAccount's identity, or set \(absent) as well
            """,
            field: name)
    }

    // MARK: Files

    /// Finds out where the container expects the file of a group.
    private mutating func provide(
        _ file: PodAddition.Variable, in group: PodAddition.VariableGroup, from volume: PodAddition.Volume?
    ) {
        let name = file.name
        guard case .text(let standard) = file.value, let source = volume?.source(named: standard) else { return }
        switch place(of: name, standard: file.value) {
        case .standard: break
        case .custom(let path, let folder, let isMounted):
            var source = source
            source.path = path.name
            put(source, into: folder, isMounted: isMounted, for: name, in: group)
        case .mounted: keep(name, of: group)
        case .image where !source.isToken:
            settle(
                .own, .staticCredential,
                "\(name) names a file of the image, and the SDK uses it in place of the identity; remove it",
                field: name)
        case .unknown:
            settle(
                .own, .pathUnknown,
                """
                where \(name) points cannot be told before the container runs, so it counts as its own and nothing is added; \
                remove it to use the ServiceAccount's identity, or write a plain path
                """,
                field: name)
        case .image, .nowhere:
            settle(
                .lacking, .credentialFileMissing,
                "\(nothingPuts("a token", at: name)); remove it, or write a path such as \(Self.example(provider))",
                field: name)
        }
    }

    private mutating func put(
        _ source: ProjectedSource, into folder: ContainerPath, isMounted: Bool, for variable: String,
        in group: PodAddition.VariableGroup
    ) {
        switch draft.room(for: source, in: folder, ofContainer: edit.index) {
        case .free: edit.files.append(ContainerEdit.CustomFile(folder: folder, source: source))
        // What is mounted there by the name of Lanyard's volume, and holds no file of this plan, is the user's.
        case .taken where isMounted && !draft.uses(folder):
            keep(variable, of: group)
        case .taken(let reason):
            settle(
                .lacking, .credentialFileMissing,
                "\(nothingPuts("a file", at: variable)), since \(reason); remove it, or name another folder",
                field: variable)
        }
    }

    private func nothingPuts(_ what: String, at variable: String) -> String {
        guard case .text(let path)? = container.value(of: variable), !path.isEmpty else {
            return "\(variable) is empty"
        }
        return "\(variable) is \(path.shortened), where nothing puts \(what)"
    }

    private static func example(_ provider: ProviderName) -> String { "/var/run/secrets/\(provider)/token" }

    /// Mounts the volume if a variable that counts in this container names a file of it, or a file elsewhere refers to its
    /// token; or if none does, and the application knows the file.
    private mutating func mount(_ volume: PodAddition.Volume?, for groups: [PodAddition.VariableGroup]) {
        guard edit.isServed, let volume, let path = volume.mountPath else { return }
        let names = groups.flatMap(\.variables).filter(\.isInVolume)
        let isNamed = names.contains { variable in
            edit.variables.contains(variable) || container.value(of: variable.name) == variable.value
        }
        guard isNamed || names.isEmpty || edit.files.contains(where: { !$0.source.isToken }) else { return }
        edit.volumeName = volume.name
        edit.isMounted = container.volumeMounted(at: path) == volume.name
        edit.mountPath = edit.isMounted ? nil : path
    }

    // MARK: Reports

    private mutating func report(_ hazards: [Hazard]) {
        for hazard in hazards {
            let names = hazard.variables(setIn: container.setting(of:))
            if !names.isEmpty { warn(hazard.reason, hazard.message(names), field: names.first) }
        }
    }

    private mutating func reportMissing(_ expected: [PodAddition.ExpectedVariable]) {
        guard edit.isServed, container.environmentSources.isEmpty else { return }
        for variable in expected where !variable.names.contains(where: container.defines) {
            warn(.variableMissing, "\(variable.names.joined(separator: " and ")) not set; \(variable.advice)")
        }
    }

    /// What `envFrom` defines is not known here; `env` wins over it, and stored keys in it over the identity.
    private mutating func reportEnvironmentSources(_ groups: [PodAddition.VariableGroup], _ hazards: [Hazard]) {
        guard edit.isServed, !container.environmentSources.isEmpty else { return }
        // Those that are added, or were when the pod was looked at before.
        let ours = groups.flatMap(\.variables).filter {
            edit.variables.contains($0) || container.value(of: $0.name) == $0.value
        }
        let stored = hazards.first { $0.reason == .staticCredential }?.example
        let effects = [
            stored.map { "a stored key in it, such as \($0), would win over the identity" },
            ours.isEmpty ? nil : "Lanyard's value of \(ours.map(\.name).joined(separator: ", ")) wins over one in it",
        ].compactMap(\.self)
        guard !effects.isEmpty else { return }
        let sources = container.environmentSources.prefix(20).map(\.shortened).joined(separator: ", ")
        warn(
            .environmentUnknown,
            """
            what \(sources) in envFrom defines is not known: \(effects.joined(separator: ", and ")); check its keys
            """
        )
    }

    /// Decides that the container gets nothing of the binding.
    private mutating func settle(
        _ result: ContainerEdit.Result, _ reason: Problem.Reason, _ message: String, field: String? = nil
    ) {
        edit.result = result
        edit.variables = []
        edit.files = []
        warn(reason, message, field: field)
    }

    private mutating func warn(_ reason: Problem.Reason, _ message: String, field: String? = nil) {
        edit.problems.append(
            .warning(
                reason, "\(provider): container \(container.name.shortened): \(message)", field: field,
                in: .container(container.pointer), provider: provider))
    }
}

extension PodManifest.Container {
    /// What the container says of a variable.
    func setting(of variable: String) -> Hazard.Setting {
        guard defines(variable) else { return .absent }
        guard case .text(let text)? = value(of: variable) else { return .unknown }
        return .text(text)
    }
}

extension PodManifest.Container {
    /// Whether the container says nothing of whatever a binding looks at: then it gets what any other such container gets.
    func isIndifferent(to outcome: Binding.Outcome) -> Bool {
        guard outcome.isAlikeForContainers, environmentSources.isEmpty, outerMounts.isEmpty else { return false }
        for variable in outcome.decisiveVariables where defines(variable) { return false }
        return outcome.addition.volume?.mountPath.flatMap(volumeMounted(at:)) == nil
    }
}
