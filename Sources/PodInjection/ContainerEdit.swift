internal import WorkloadIdentity

/// What one binding changes in one container. What the user set stays.
struct ContainerEdit {
    /// The container's place among the pod's.
    let index: Int
    private(set) var variables: [PodAddition.Variable] = []
    /// Where the binding's volume is to be mounted; `nil` if it need not be, or is already.
    private(set) var mountPath: String?
    /// Whether the volume is mounted at its path already.
    private(set) var isMounted = false
    private(set) var volumeName: String?
    private(set) var problems: [Problem] = []
    /// Whether the container has the binding's credential, by this edit or already.
    private(set) var isServed = false
    /// Whether the user, or another webhook, has set all variables of another identity with this provider.
    private(set) var hasOwnIdentity = false

    private let provider: ProviderName
    private let container: PodManifest.Container

    init(_ outcome: Binding.Outcome, of provider: ProviderName, in container: PodManifest.Container, at index: Int) {
        self.index = index
        self.provider = provider
        self.container = container
        let addition = outcome.addition

        report(outcome.hazards)
        if let other = addition.yieldsTo.first(where: { container.defines($0) }) {
            warn(.anotherIdentity, "\(other) gives it another identity already, so \(outcome.mechanism) is left out")
            hasOwnIdentity = true
            return
        }
        if let volume = addition.volume, let path = volume.mountPath, let other = container.volumeMounted(at: path),
            other != volume.name
        {
            warn(
                .mountPathTaken,
                "the volume \(other.shortened) is mounted at \(path), so \(provider) is left out; mount it elsewhere")
            return
        }
        let groups = addition.groups.filter { $0.containers.contains(container.name) }
        addVariables(groups)
        mount(addition.volume, for: groups)
        if isServed {
            reportMissing(addition.expected)
            reportEnvironmentSources(outcome.hazards)
        } else {
            // The user's own identity stands in this container: it gets nothing of this one.
            variables = []
        }
    }

    // MARK: Variables

    private mutating func addVariables(_ groups: [PodAddition.VariableGroup]) {
        isServed = true
        for group in groups {
            switch group.rule {
            case .each:
                for variable in group.variables where !container.defines(variable.name) { variables.append(variable) }
            case .unlessAnySet:
                if !group.variables.contains(where: { container.defines($0.name) }) { variables += group.variables }
            case .allOrNone:
                if let kept = group.variables.first(where: { container.hasOther(than: $0) }) {
                    let names = group.variables.map(\.name).joined(separator: ", ")
                    warn(
                        .userValueKept, "its own \(kept.name) is kept, and of \(names) nothing is added",
                        field: kept.name)
                    isServed = false
                    hasOwnIdentity = hasOwnIdentity || group.variables.allSatisfy { container.defines($0.name) }
                } else {
                    variables += group.variables.filter { !container.defines($0.name) }
                }
            }
        }
    }

    /// Mounts the volume if a variable that counts in this container names a file of it; or if none does, and the
    /// application knows the file.
    private mutating func mount(_ volume: PodAddition.Volume?, for groups: [PodAddition.VariableGroup]) {
        guard isServed, let volume, let path = volume.mountPath else { return }
        let names = groups.flatMap(\.variables).filter(\.isInVolume)
        let isNeeded = names.contains { variable in
            variables.contains(variable) || container.value(of: variable.name) == variable.value
        }
        guard isNeeded || names.isEmpty else {
            isServed = false
            hasOwnIdentity = true
            let kept = names.map(\.name).joined(separator: ", ")
            warn(.userValueKept, "its own \(kept) is kept, and nothing is added", field: names.first?.name)
            return
        }
        volumeName = volume.name
        isMounted = container.volumeMounted(at: path) == volume.name
        mountPath = isMounted ? nil : path
    }

    // MARK: Reports

    private mutating func report(_ hazards: [Hazard]) {
        for hazard in hazards {
            let names = hazard.variables(setIn: container.setting(of:))
            if !names.isEmpty { warn(hazard.reason, hazard.message(names), field: names.first) }
        }
    }

    private mutating func reportMissing(_ expected: [PodAddition.ExpectedVariable]) {
        guard container.environmentSources.isEmpty else { return }
        for variable in expected where !variable.names.contains(where: container.defines) {
            warn(.variableMissing, "\(variable.names.joined(separator: " and ")) not set; \(variable.advice)")
        }
    }

    /// What `envFrom` defines is not known here; `env` wins over it, and stored keys in it over the identity.
    private mutating func reportEnvironmentSources(_ hazards: [Hazard]) {
        let stored = hazards.first { $0.reason == .staticCredential }?.example
        guard stored != nil || !variables.isEmpty, !container.environmentSources.isEmpty else { return }
        let sources = container.environmentSources.prefix(20).map(\.shortened).joined(separator: ", ")
        let names = variables.map(\.name).joined(separator: ", ")
        let effects = [
            stored.map { "a stored key in it, such as \($0), would win over the identity" },
            names.isEmpty ? nil : "Lanyard's value of \(names) wins over one in it",
        ].compactMap(\.self)
        warn(
            .environmentUnknown,
            """
            what \(sources) in envFrom defines is not known: \(effects.joined(separator: ", and ")); check its keys
            """
        )
    }

    private mutating func warn(_ reason: Problem.Reason, _ message: String, field: String? = nil) {
        problems.append(
            .warning(
                reason, "\(provider): container \(container.name.shortened): \(message)", field: field,
                in: .container(container.pointer), provider: provider))
    }
}

extension PodManifest.Container {
    /// What the container says of a variable.
    fileprivate func setting(of variable: String) -> Hazard.Setting {
        guard defines(variable) else { return .absent }
        guard case .text(let text)? = value(of: variable) else { return .unknown }
        return .text(text)
    }
}
