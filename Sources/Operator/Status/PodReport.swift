internal import JSON
internal import KubernetesModel
internal import PodInjection
internal import WorkloadIdentity

/// The pods of an identity or of a workload: how many are as they should be, which are not, and what to do about them.
struct PodReport {
    /// A pod that is not as it should be.
    struct Entry {
        var pod: ObjectMetadata
        var state: PodState
        /// What it comes from in the end; `nil` if nothing made it.
        var origin: OwnerReference?
    }

    /// How many pods are named.
    static let mostNames = 10
    private static let mostNamesInMessage = 3

    private(set) var total = 0
    private(set) var current = 0
    private var counts: [PodState.Trouble: Int] = [:]
    /// The first few of each kind of trouble.
    private var entries: [PodState.Trouble: [Entry]] = [:]

    /// - Parameters:
    ///   - pods: each one with the plan for it, by its own annotations.
    ///   - isForged: whether a pod lacks what its stamp says.
    ///   - origin: what a pod comes from in the end.
    init(
        _ pods: [(pod: ObjectMetadata, plan: Plan)], isForged: (ObjectMetadata) -> Bool = { _ in false },
        origin: (ObjectMetadata) -> OwnerReference? = { _ in nil }
    ) {
        for (pod, plan) in pods {
            guard let state = PodState(of: pod, plan: plan, isForged: isForged(pod)) else { continue }
            total += 1
            if state == .current { current += 1 }
            guard let trouble = state.trouble else { continue }
            counts[trouble, default: 0] += 1
            if entries[trouble, default: []].count < Self.mostNames {
                entries[trouble, default: []].append(Entry(pod: pod, state: state, origin: origin(pod)))
            }
        }
    }

    subscript(trouble: PodState.Trouble) -> Int { counts[trouble] ?? 0 }

    /// The pods that are not as they should be, the worst first.
    var named: [Entry] {
        Array(PodState.Trouble.allCases.flatMap { entries[$0] ?? [] }.prefix(Self.mostNames))
    }

    // MARK: What is wrong

    /// What is wrong for certain, and else what is not known; `nil` if every pod is as it should be.
    ///
    /// - Parameter awaitsAllowedPaths: whether a pod made now would get none of the keys that older ones have.
    func shortcoming(awaitsAllowedPaths: Bool = false) -> Shortcoming? {
        PodState.Trouble.allCases.lazy.compactMap { shortcoming($0, awaitsAllowedPaths: awaitsAllowedPaths) }.first
    }

    private func shortcoming(_ trouble: PodState.Trouble, awaitsAllowedPaths: Bool) -> Shortcoming? {
        guard let entries = entries[trouble] else { return nil }
        let remedy =
            awaitsAllowedPaths
            ? "let them run until vault.allowedPaths is set, since pods that are created before that get no key"
            : PodRemedy(entries.map { ($0.pod, $0.origin) }).text
        let providers = Set(entries.flatMap(\.state.providers)).sorted().map(\.rawValue).joined(separator: " and ")
        return switch trouble {
        case .notInjected:
            Shortcoming(
                .false, StatusReason.podsNotInjected,
                "\(share(trouble, "was", "were")) created without injection\(names(trouble)): \(remedy)")
        case .lacking:
            Shortcoming(
                .false, StatusReason.podsLackCredentials,
                """
                \(share(trouble, "has", "have")) no credential of \(providers) that can work\(names(trouble)): \
                \(Self.causes(entries))
                """)
        case .stale:
            Shortcoming(
                .false, StatusReason.podsStale,
                "\(share(trouble, "was", "were")) created before the last change\(names(trouble)): \(remedy)")
        case .unknown:
            Shortcoming(
                .unknown, StatusReason.podsOfEarlierRelease,
                """
                \(share(trouble, "was", "were")) admitted by an earlier release of Lanyard, which did not say whether the \
                containers have the credential of \(providers)\(names(trouble)): \(remedy)
                """)
        }
    }

    private func share(_ trouble: PodState.Trouble, _ singular: String, _ plural: String) -> String {
        "\(self[trouble]) of \(total) \(total == 1 ? "pod" : "pods") \(self[trouble] == 1 ? singular : plural)"
    }

    private func names(_ trouble: PodState.Trouble) -> String {
        let names = (entries[trouble] ?? []).prefix(Self.mostNamesInMessage).map(\.pod.name)
        let more = self[trouble] - names.count
        return " (\(names.joined(separator: ", "))\(more > 0 ? " and \(more) more" : ""))"
    }

    /// What the stamps of the pods say of the providers that they lack, with what to change.
    private static func causes(_ entries: [Entry]) -> String {
        var causes: [StatusProblem] = []
        for entry in entries { causes.add(entry.causes) }
        guard !causes.isEmpty else { return "lanyard check says what is wrong with the pod's manifest" }
        return causes.prefix(3).map(\.message).joined(separator: "; ")
    }
}

extension PodReport.Entry {
    /// What never costs a container its credential, but is to be known.
    private static let remarks = [
        Problem.Reason.staticCredential, .variableMissing, .environmentUnknown, .anotherIdentity, .pathUnknown,
    ].map(\.rawValue)

    /// What the pod's stamp says of the providers that it lacks.
    fileprivate var causes: [StatusProblem] {
        let said = PodStamp(annotations: pod.annotations).problems.compactMap { StatusProblem(stamp: $0) }
        let concerned = said.filter { problem in state.providers.contains { problem.message.hasPrefix("\($0): ") } }
        let decisive = concerned.filter { !Self.remarks.contains($0.reason) }
        return decisive.isEmpty ? concerned : decisive
    }
}

// MARK: - In a status

extension PodReport {
    var json: JSONValue {
        var json: JSONValue = [
            "total": .number(JSONNumber(total)), "current": .number(JSONNumber(current)),
            "stale": .number(JSONNumber(self[.stale])), "notInjected": .number(JSONNumber(self[.notInjected])),
            "lacking": .number(JSONNumber(self[.lacking])), "unknown": .number(JSONNumber(self[.unknown])),
        ]
        let named = named
        guard !named.isEmpty else { return json }
        json["attention"] = .array(
            named.map { entry in
                var pod: JSONValue = [
                    "name": .string(entry.pod.name), "state": .string(entry.state.trouble?.rawValue ?? ""),
                ]
                let providers = entry.state.providers
                if !providers.isEmpty { pod["providers"] = .array(providers.map { .string($0.rawValue) }) }
                return pod
            })
        let others = counts.values.reduce(0, +) - named.count
        if others > 0 { json["others"] = .number(JSONNumber(others)) }
        return json
    }
}
