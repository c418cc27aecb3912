internal import JSON
public import WorkloadIdentity

/// Which credential the SDK of one provider takes in one container, and why.
public struct CredentialChoice: Hashable, Sendable {
    public enum Winner: String, Hashable, Sendable {
        case identity
        /// Of a variable that the SDK reads before the identity's.
        case storedCredential = "stored-credential"
        /// The container brings it.
        case ownIdentity = "own-identity"
        /// Nothing that the pod gives it.
        case nothing
    }

    /// One that a container sets, or lacks. Of a value that could be a secret it is told that there is one.
    public struct Variable: Hashable, Sendable {
        public let name: String
        public let value: String
    }

    public let provider: ProviderName
    public let mechanism: Mechanism
    public private(set) var winner = Winner.identity
    /// Why that one wins.
    public private(set) var reason = ""
    /// What decides, in the order in which the SDK looks; then what the identity is made of.
    public let variables: [Variable]
    /// `nil` for a mechanism without a token that containers see.
    public let file: CredentialFile?
    /// Whether the container lacks something that the plan adds: of a pod with an earlier plan that says nothing of what it has.
    public let isIncomplete: Bool
    /// What may be otherwise, in some SDKs or by what cannot be seen.
    public private(set) var doubts: [String] = []

    /// - Parameter fallback: what the SDK takes from the node, if it finds nothing.
    init(
        _ outcome: Binding.Outcome, of provider: ProviderName, at index: Int, in draft: PodDraft, of pod: ExaminedPod,
        fallback: String?
    ) {
        let container = draft.containers[index]
        self.provider = provider
        mechanism = outcome.mechanism
        let edit = ContainerEdit(outcome, of: provider, with: outcome.addition.volume, at: index, in: draft)
        let missing = outcome.missing(edit, container.name)
        isIncomplete = !missing.isEmpty
        variables = Self.variables(
            of: outcome, in: container, of: pod, edit.variables.map(\.name).filter(missing.contains))
        file = edit.isServed && missing.isEmpty ? CredentialFile(of: outcome, in: container, of: pod) : nil
        let beginning = "\(provider): container \(container.name.shortened): "
        let said = edit.problems.map { problem in
            let message = problem.message
            return (problem, message.hasPrefix(beginning) ? String(message.dropFirst(beginning.count)) : message)
        }
        decide(outcome, container, edit, missing, said, fallback)
        if winner == .identity, mechanism.needsPodNetwork, pod.usesHostNetwork {
            (winner, reason) = (.nothing, "the pod is on the node's network, where \(mechanism) does not work")
        }
        // What is kept of an older plan is no doubt about it: the pod's own standing tells that.
        let silent: [Problem.Reason] = [.userValueKept]
        doubts += said.filter { $0.1 != reason && !silent.contains($0.0.reason) }.map(\.1)
        if let doubt = file?.doubt { doubts.append(doubt) }
    }

    private mutating func decide(
        _ outcome: Binding.Outcome, _ container: PodManifest.Container, _ edit: ContainerEdit, _ missing: [String],
        _ said: [(problem: Problem, message: String)], _ fallback: String?
    ) {
        let stored = outcome.hazards.filter { $0.effect == .replaced }
            .map { ($0, $0.variables(setIn: container.setting(of:))) }.first { !$0.1.isEmpty }
        let absence = said.first { $0.problem.reason == .credentialFileMissing }
        if let absence {
            (winner, reason) = (.nothing, absence.message)
        } else if let (hazard, names) = stored {
            (winner, reason) = (.storedCredential, hazard.message(names))
        } else if edit.result == .own {
            (winner, reason) = (.ownIdentity, said.last?.message ?? "the container has an identity of its own")
        } else if edit.result == .lacking {
            (winner, reason) = (.nothing, said.last?.message ?? "nothing can be injected")
        } else if !missing.isEmpty {
            (winner, reason) = (
                .nothing, "\(missing.joined(separator: ", ")) \(missing.count == 1 ? "is" : "are") not there"
            )
            if let fallback { reason += "; on a node that has it the SDK takes \(fallback)" }
        } else if let obstacle = file?.obstacle {
            (winner, reason) = (.nothing, "\(file?.path ?? ""): \(obstacle)")
        } else {
            reason = "nothing that the SDK reads first is set"
        }
    }

    // MARK: Variables

    private static func variables(
        of outcome: Binding.Outcome, in container: PodManifest.Container, of pod: ExaminedPod, _ missing: [String]
    ) -> [Variable] {
        let addition = outcome.addition
        let own = addition.groups.filter { $0.containers.contains(container.name) }.flatMap(\.variables)
        let decisive = outcome.hazards.flatMap { $0.variables(setIn: container.setting(of:)) }
        let others = (addition.filesReadFirst + addition.yieldsTo).filter(container.defines)
        let entries = pod.json(of: container)["env"]?.array ?? []
        var known: Set<String> = []
        let names = decisive + others + own.map(\.name).filter(container.defines)
        let present = names.filter { known.insert($0).inserted }.map { name in
            let isPublic = own.contains { $0.name == name && $0.isPublic }
            // Of those of the same name the last one counts.
            let entry = entries.last { $0["name"]?.string == name } ?? [:]
            return Variable(name: name, value: entry.told(isPublic: isPublic))
        }
        return present + missing.filter { known.insert($0).inserted }.map { Variable(name: $0, value: "not there") }
    }
}

extension PodAddition.Variable {
    /// Whether its value is nobody's secret: Lanyard sets it from annotations and settings.
    fileprivate var isPublic: Bool {
        if case .secretKey = value { false } else { true }
    }
}

extension JSONValue {
    /// What may be told of a variable's value.
    ///
    /// - Parameter isPublic: whether the value may be shown.
    fileprivate func told(isPublic: Bool) -> String {
        guard let source = self["valueFrom"], !source.isNull else {
            let text = self["value"]?.string ?? ""
            if text.isEmpty { return "empty" }
            return isPublic ? text.shortened : "set, and not shown"
        }
        func key(_ kind: String, _ field: String) -> String? {
            source[field].map { "\(kind) \($0["name"]?.string ?? ""), key \($0["key"]?.string ?? "")" }
        }
        return key("Secret", "secretKeyRef") ?? key("ConfigMap", "configMapKeyRef")
            ?? source["fieldRef"]?["fieldPath"]?.string.map { "the pod's \($0)" } ?? "taken from elsewhere"
    }
}

extension Binding.Outcome {
    /// What a container lacks of what makes up the identity, by name.
    fileprivate func missing(_ edit: ContainerEdit, _ container: String) -> [String] {
        guard edit.isServed else { return [] }
        let decisive = addition.groups.filter { group in
            group.containers.contains(container) && group.variables.contains { $0.isInVolume || !$0.isPublic }
        }
        var missing = edit.variables.filter { variable in decisive.contains { $0.variables.contains(variable) } }
            .map(\.name)
        if let path = edit.mountPath { missing.append("the mount at \(path)") }
        missing += edit.files.map { "the mount at \($0.folder.text)" }
        return missing
    }
}
