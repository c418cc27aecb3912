internal import JSON
internal import WorkloadIdentity

/// The parts of a ``CompiledPlan``, as they are put together.
struct CompiledParts {
    /// Labels with which a pod has another plan.
    var exceptLabels: [String: String] = [:]
    /// What the ServiceAccount says, if the plan depends on it: a pod that says otherwise has another plan.
    var automountServiceAccountToken: Bool?

    private var volumes: [PodAddition.Volume] = []
    private var mounts: [(volume: String, path: String, containers: ContainerSelection)] = []
    private var groups: [Group] = []
    private var annotations: [String: String] = [:]
    /// Variables that a container may set to this value and to no other.
    private var fixed: [String: String] = [:]
    /// Variables that no container may set.
    private var absent: Set<String> = []
    /// For each binding that is for some containers alone: their names, of which a pod has to have one.
    private var oneOf: [[String]] = []

    /// All paths of Lanyard's own: the policy looks for mounts of others there.
    private static let root = "/var/run/secrets/lanyard.dev/"

    /// - Throws: if one of the bindings is not for a policy: an identity is compiled whole or not at all.
    init(
        _ outcomes: [(provider: ProviderName, outcome: Binding.Outcome)], beside webhooks: Set<ManagedWebhook>
    ) throws(CompiledPlan.LeftToWebhook) {
        for (provider, outcome) in outcomes {
            do {
                try add(outcome, beside: webhooks)
            } catch {
                throw CompiledPlan.LeftToWebhook(reason: "\(provider): \(error.reason)")
            }
        }
        for name in absent { fixed[name] = nil }
    }

    private mutating func add(
        _ outcome: Binding.Outcome, beside webhooks: Set<ManagedWebhook>
    ) throws(CompiledPlan.LeftToWebhook) {
        let addition = outcome.addition
        let containers = addition.containers
        if webhooks.contains(where: { $0.mayServe(outcome.mechanism) }) {
            throw .init(reason: "a webhook of the platform may serve \(outcome.mechanism), and has to run first")
        }
        if outcome.object != nil { throw .init(reason: "\(outcome.mechanism) refers to an object in the namespace") }
        if !addition.labels.isEmpty { throw .init(reason: "\(outcome.mechanism) is for the platform's own webhook") }
        if !outcome.containers.isUnlimited || addition.containerList != nil && !containers.isUnlimited {
            throw .init(reason: "it is for some containers alone")
        }
        if !containers.skip.isEmpty { throw .init(reason: "it is for all containers but some") }
        if !containers.isUnlimited { oneOf.append(containers.include) }

        if let volume = addition.volume { try add(volume, to: containers) }
        for group in addition.groups { try add(group, to: containers) }
        for annotation in addition.annotations {
            if let other = annotations[annotation.name], other != annotation.value {
                throw .init(reason: "two bindings want the annotation \(annotation.name)")
            }
            annotations[annotation.name] = annotation.value
        }
        absent.formUnion(addition.yieldsTo + addition.filesReadFirst)
    }

    private mutating func add(
        _ volume: PodAddition.Volume, to containers: ContainerSelection
    ) throws(CompiledPlan.LeftToWebhook) {
        guard case .token(let token, _) = volume.source else { throw .init(reason: "its volume is a driver's") }
        guard token.shortestExpirationSeconds == nil else {
            throw .init(reason: "each pod's token has another lifetime")
        }
        if !volumes.contains(volume) {
            if volumes.contains(where: { $0.name == volume.name }) {
                throw .init(reason: "two bindings have a volume \(volume.name)")
            }
            volumes.append(volume)
        }
        guard let path = volume.mountPath else { return }
        guard path.hasPrefix(Self.root), !mounts.contains(where: { $0.path == path }) else {
            throw .init(reason: "it is mounted at \(path)")
        }
        mounts.append((volume.name, path, containers))
    }

    private mutating func add(
        _ group: PodAddition.VariableGroup, to containers: ContainerSelection
    ) throws(CompiledPlan.LeftToWebhook) {
        let isWithin = !group.containers.include.isEmpty && group.containers.include.allSatisfy(containers.contains)
        guard containers.isUnlimited || group.containers.isUnlimited || isWithin else {
            throw .init(reason: "its containers differ in more than a list can say")
        }
        var added = Group(
            isUnlessAnySet: group.rule == .unlessAnySet,
            containers: group.containers.isUnlimited ? containers : group.containers)
        for variable in group.variables {
            guard case .text(let value) = variable.value else {
                throw .init(reason: "\(variable.name) depends on the pod")
            }
            added.variables.append((variable.name, value))
            guard group.rule == .allOrNone || variable.isInVolume else { continue }
            if let other = fixed[variable.name], other != value { absent.insert(variable.name) }
            fixed[variable.name] = value
        }
        if let name = groups.lazy.compactMap({ $0.variable(sharedWith: added) }).first {
            throw .init(reason: "two bindings set \(name)")
        }
        groups.append(added)
    }

    // MARK: JSON

    func json(hash: String, injected: String) -> JSONValue {
        var entry = JSONObject()
        entry["hash"] = .string(hash)
        entry["injected"] = .string(injected)
        func list(_ name: String, _ elements: [JSONValue]) {
            if !elements.isEmpty { entry[name] = .array(elements) }
        }
        func map(_ name: String, _ members: [String: String]) {
            if !members.isEmpty { entry[name] = .object(JSONObject(members)) }
        }
        list("volumes", volumes.map(\.json))
        list(
            "mounts",
            mounts.map { mount in
                var json: JSONObject = [
                    "mount": ["name": .string(mount.volume), "mountPath": .string(mount.path), "readOnly": true]
                ]
                json.add(mount.containers)
                return .object(json)
            })
        list("groups", groups.map(\.json))
        map("annotations", annotations)
        map("fixedVariables", fixed)
        list("absentVariables", absent.sorted().map { .string($0) })
        list("oneOfContainers", oneOf.map { .array($0.map { .string($0) }) })
        map("exceptLabels", exceptLabels)
        entry["automountServiceAccountToken"] = automountServiceAccountToken.map { .bool($0) }
        return .object(entry)
    }
}

/// Variables that are decided on together. That the rest of them may be completed is what the other lists see to.
private struct Group {
    /// Whether they are left out if the container sets any of them; else those that it does not set are added.
    var isUnlessAnySet: Bool
    var containers: ContainerSelection
    var variables: [(name: String, value: String)] = []

    /// A variable that a container might get from both.
    func variable(sharedWith other: Group) -> String? {
        guard !containers.isDisjoint(with: other.containers) else { return nil }
        return variables.first { variable in other.variables.contains { $0.name == variable.name } }?.name
    }

    var json: JSONValue {
        var json = JSONObject()
        json.add(containers)
        if isUnlessAnySet { json["unlessAnySet"] = true }
        json["env"] = .array(variables.map { ["name": .string($0.name), "value": .string($0.value)] })
        return .object(json)
    }
}

extension ContainerSelection {
    fileprivate func isDisjoint(with other: Self) -> Bool {
        func isOutside(_ names: [String], _ selection: Self) -> Bool {
            !names.isEmpty && !names.contains(where: selection.contains)
        }
        return isOutside(include, other) || isOutside(other.include, self)
    }
}

extension JSONObject {
    fileprivate mutating func add(_ containers: ContainerSelection) {
        if !containers.include.isEmpty { self["containers"] = .array(containers.include.map { .string($0) }) }
        if !containers.skip.isEmpty { self["exceptContainers"] = .array(containers.skip.map { .string($0) }) }
    }
}
