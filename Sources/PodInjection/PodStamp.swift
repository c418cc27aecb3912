public import JSON
public import WorkloadIdentity

/// What a pod's annotations say of the credentials that it got as it was admitted.
///
/// The webhook writes it, and replaces whatever a pod brings itself; the controller reads it, since of a pod it knows the
/// metadata alone.
public struct PodStamp: Hashable, Sendable {
    /// How the containers of a pod come by the credential of one provider.
    public enum Delivery: Hashable, Sendable {
        /// By these mechanisms, at least one container that has no identity of its own.
        case injected([Mechanism])
        /// Every container that is meant to have it has an identity of its own.
        case own
        /// A container that is meant to have it has none that can work.
        case lacking
    }

    /// The hash of the plan; `nil` if nothing was injected.
    public var plan: String?
    /// In the plan's order. Empty for pods of the releases that stamped the plan alone, in which every identity was the user's own.
    public var deliveries: [(provider: ProviderName, delivery: Delivery)]
    /// What was wrong with the pod's containers, each with its reason in front.
    public var problems: [String]

    public init(
        plan: String? = nil, deliveries: [(provider: ProviderName, delivery: Delivery)] = [], problems: [String] = []
    ) {
        self.plan = plan
        self.deliveries = deliveries
        self.problems = problems
    }

    public subscript(provider: ProviderName) -> Delivery? {
        deliveries.first { $0.provider == provider }?.delivery
    }

    public static func == (left: PodStamp, right: PodStamp) -> Bool { left.values == right.values }
    public func hash(into hasher: inout Hasher) { hasher.combine(values) }
}

// MARK: - Annotations

extension PodStamp {
    /// The annotations in which it stands.
    public static let keys: [AnnotationKey] = [.plan, .injected, .problems]

    /// - Parameter annotations: a pod's. Without a stamp, or with an emptied one, `plan` is `nil`.
    public init(annotations: [String: String]) {
        func value(_ key: AnnotationKey) -> String? { annotations[key.name].flatMap { $0.isEmpty ? nil : $0 } }
        self.init(plan: value(.plan), problems: value(.problems)?.split(separator: "\n").map(String.init) ?? [])
        for pair in value(.injected)?.split(separator: ",") ?? [] {
            let parts = pair.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            add(String(parts[1]), of: ProviderName(rawValue: String(parts[0])))
        }
    }

    private mutating func add(_ word: String, of provider: ProviderName) {
        switch (word, Mechanism(rawValue: word), deliveries.firstIndex { $0.provider == provider }) {
        case (Self.own, _, nil): deliveries.append((provider, .own))
        case (Self.lacking, _, nil): deliveries.append((provider, .lacking))
        case (_, let mechanism?, nil): deliveries.append((provider, .injected([mechanism])))
        case (_, let mechanism?, let index?):
            if case .injected(let others) = deliveries[index].delivery {
                deliveries[index].delivery = .injected(others + [mechanism])
            }
        default: break
        }
    }

    /// The value of each of ``keys``. What is empty need not be written.
    var values: [String] {
        let words = deliveries.flatMap { provider, delivery in delivery.words.map { "\(provider)=\($0)" } }
        return [plan ?? "", words.joined(separator: ","), Self.shortened(problems).joined(separator: "\n")]
    }

    /// What a pod says of its injection, in one line: `aws-bedrock=irsa,azure-openai=lacking`.
    public var summary: String { values[1] }

    fileprivate static let own = "own"
    fileprivate static let lacking = "lacking"

    /// Every pod's metadata is kept in memory and in etcd, and nobody reads more.
    private static func shortened(_ problems: [String]) -> [String] {
        let mostBytes = 2048
        var bytes = 0
        let kept = problems.map { $0.replacing("\n", with: " ") }.prefix { line in
            bytes += line.utf8.count + 1
            return bytes <= mostBytes
        }
        return kept.count == problems.count ? Array(kept) : kept + ["and \(problems.count - kept.count) more"]
    }
}

extension PodStamp.Delivery {
    fileprivate var words: [String] {
        switch self {
        case .injected(let mechanisms): mechanisms.map(\.rawValue)
        case .own: [PodStamp.own]
        case .lacking: [PodStamp.lacking]
        }
    }
}

// MARK: - Writing

extension PodDraft {
    /// Marks the pod with what it got. What it brings itself is never believed: it is replaced, or emptied.
    mutating func stamp(_ stamp: PodStamp) {
        for (key, value) in zip(PodStamp.keys, stamp.values) {
            if !value.isEmpty || annotation(key.name) != nil { annotate(key.name, value) }
        }
    }
}

extension JSONPatch {
    /// Empties the stamps of a pod that gets nothing. Most pods have none, and the patch is empty.
    public static func emptyingStamps(of pod: PodManifest) -> JSONPatch {
        var draft = PodDraft(pod)
        draft.stamp(PodStamp())
        return draft.patch(at: JSONPointer())
    }
}
