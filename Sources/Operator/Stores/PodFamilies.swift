internal import KubernetesModel

/// The pods of one namespace by their families, and whose each family is. A value: no locks, no requests.
///
/// Pods are followed as metadata, which does not say as whom they run. But a pod's ServiceAccount never changes, and all pods
/// of a ReplicaSet or Job have the same: it is found out once for such a family, and for other pods once each.
struct PodFamilies {
    private struct Family {
        /// The name of the ServiceAccount; `nil` if it is not known yet.
        var serviceAccount: String?
        var pods: Set<String> = []
    }

    private var families: [String: Family] = [:]
    private var known: [String: Set<String>] = [:]
    private var unknown: Set<String> = []

    /// The families whose ServiceAccount is not known, with a pod of each.
    var unresolved: [(family: String, pod: String)] {
        unknown.compactMap { family in families[family]?.pods.first.map { (family, $0) } }
    }

    var isResolved: Bool { unknown.isEmpty }

    /// The names of a ServiceAccount's pods, in no particular order.
    func pods(of serviceAccount: String) -> [String] {
        (known[serviceAccount] ?? []).flatMap { families[$0]?.pods ?? [] }
    }

    /// As whom a pod runs; `nil` if that is not known yet.
    func serviceAccount(of pod: ObjectMetadata) -> String? { families[pod.family]?.serviceAccount }

    mutating func add(_ pod: ObjectMetadata) {
        let family = pod.family
        families[family, default: Family()].pods.insert(pod.name)
        if families[family]?.serviceAccount == nil { unknown.insert(family) }
    }

    mutating func remove(_ pod: ObjectMetadata) {
        let family = pod.family
        families[family]?.pods.remove(pod.name)
        guard let left = families[family], left.pods.isEmpty else { return }
        families[family] = nil
        unknown.remove(family)
        guard let account = left.serviceAccount else { return }
        known[account]?.remove(family)
        if known[account]?.isEmpty == true { known[account] = nil }
    }

    /// Notes whose a family is.
    ///
    /// - Returns: the names of its pods, if that was not known.
    mutating func resolve(_ family: String, as serviceAccount: String) -> Set<String>? {
        guard unknown.remove(family) != nil else { return nil }
        families[family]?.serviceAccount = serviceAccount
        known[serviceAccount, default: []].insert(family)
        return families[family]?.pods
    }
}

extension ObjectMetadata {
    /// The pods that are made from one template which cannot change, or the pod alone.
    var family: String {
        guard let controller, [.replicaSet, .job].contains(controller.workloadKind) else { return uid }
        return controller.uid
    }
}
