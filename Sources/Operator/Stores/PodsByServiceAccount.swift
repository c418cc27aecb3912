internal import KubernetesModel
internal import KubernetesRuntime
internal import Synchronization

/// Tells which pods run as which ServiceAccount, from memory, in the namespaces in which somebody asks.
///
/// What it does not know is found out by a ``PodServiceAccountReconciler``, for all who ask at once.
final class PodsByServiceAccount: Sendable {
    typealias PodMetadata = PartialObjectMetadata<Pod>

    /// What has been found out: pods whose ServiceAccount was not known, and the ServiceAccounts that waited for theirs.
    struct Discovery {
        var pods: [(pod: ObjectKey, serviceAccount: ObjectKey)] = []
        var waiting: [ObjectKey] = []
    }

    private struct Namespace {
        var families = PodFamilies()
        /// Whether the pods that were there at first have been looked at. Until then an answer would be too low by any number.
        var isComplete = false
        /// The ServiceAccounts that asked.
        var asking: Set<String> = []
        /// Whether a pod asks by itself, so that the namespace is followed though no ServiceAccount asks.
        var hasAskingPods = false
    }

    private let pods: Store<PodMetadata>
    private let namespaces = Mutex<[String: Namespace]>([:])
    private let observers = Mutex<[Observer]>([])

    struct Observer: Sendable {
        /// Is told of each namespace in which there is something to be found out.
        var onUnresolved: @Sendable (_ namespace: String) -> Void
        var onDiscovery: @Sendable (Discovery) -> Void
    }

    init(pods: Store<PodMetadata>) {
        self.pods = pods
    }

    /// A ServiceAccount's pods that are not finished and not being deleted.
    ///
    /// - Returns: `nil` if they are not known yet. A ``Discovery`` will name the ServiceAccount.
    func pods(of serviceAccount: ObjectKey) -> [ObjectMetadata]? {
        let namespace = serviceAccount.namespace ?? ""
        let names: [String]? = namespaces.withLock { namespaces in
            follow(namespace, in: &namespaces)
            namespaces[namespace]?.asking.insert(serviceAccount.name)
            guard let known = namespaces[namespace], known.isComplete else { return nil }
            return known.families.pods(of: serviceAccount.name)
        }
        guard let names else {
            tellUnresolved(namespace)
            return nil
        }
        return resources(names, in: namespace)
    }

    /// Those of its pods that are known, of a ServiceAccount that asks for nothing itself.
    func knownPods(of serviceAccount: ObjectKey) -> [ObjectMetadata] {
        let namespace = serviceAccount.namespace ?? ""
        let names = namespaces.withLock { $0[namespace]?.families.pods(of: serviceAccount.name) ?? [] }
        return resources(names, in: namespace)
    }

    /// The ServiceAccount asks no more.
    func forget(_ serviceAccount: ObjectKey) {
        let namespace = serviceAccount.namespace ?? ""
        namespaces.withLock { namespaces in
            namespaces[namespace]?.asking.remove(serviceAccount.name)
            guard let left = namespaces[namespace], left.asking.isEmpty, !left.hasAskingPods else { return }
            namespaces[namespace] = nil
        }
    }

    /// Notes that a pod has come, changed or gone.
    ///
    /// - Returns: the ServiceAccounts that it concerns, as far as they are known: none where nobody asks.
    func note(_ change: StoreChange<PodMetadata>) -> Set<ObjectKey> {
        let (old, new) = (change.old?.metadata, change.new?.metadata)
        let namespace = change.key.namespace ?? ""
        let (concerned, isResolved) = namespaces.withLock { namespaces in
            if new?.refersToSecretObject == true {
                follow(namespace, in: &namespaces)
                namespaces[namespace]?.hasAskingPods = true
            }
            guard var known = namespaces.removeValue(forKey: namespace) else { return (Set<ObjectKey>(), true) }
            defer { namespaces[namespace] = known }
            let names = [old, new].compactMap { $0.flatMap { known.families.serviceAccount(of: $0) } }
            if let old, old.uid != new?.uid { known.families.remove(old) }
            if let new { known.families.add(new) }
            let isResolved = new.map { known.families.serviceAccount(of: $0) != nil } ?? true
            return (Set(names.map { ObjectKey(namespace: namespace, name: $0) }), isResolved)
        }
        if !isResolved { tellUnresolved(namespace) }
        return concerned
    }

    private func follow(_ namespace: String, in namespaces: inout [String: Namespace]) {
        guard namespaces[namespace] == nil else { return }
        var known = Namespace()
        for pod in pods.resources(by: .namespace, namespace) { known.families.add(pod.metadata) }
        known.isComplete = known.families.isResolved
        namespaces[namespace] = known
    }

    private func resources(_ names: [String], in namespace: String) -> [ObjectMetadata] {
        names.sorted().compactMap { pods[ObjectKey(namespace: namespace, name: $0)]?.metadata }
            .filter { $0.deletionTimestamp == nil }
    }

    // MARK: Finding out

    func observe(_ observer: Observer) {
        observers.withLock { $0.append(observer) }
    }

    private func tellUnresolved(_ namespace: String) {
        for observer in observers.withLock({ $0 }) { observer.onUnresolved(namespace) }
    }

    /// Whether it is known of every pod of a namespace that is followed as whom it runs.
    func isResolved(_ namespace: String) -> Bool {
        namespaces.withLock { $0[namespace]?.families.isResolved ?? true }
    }

    func unresolved(in namespace: String) -> [(family: String, pod: String)] {
        namespaces.withLock { $0[namespace]?.families.unresolved ?? [] }
    }

    /// Notes whose families are, once all that were unresolved have been looked at.
    ///
    /// - Parameter found: for each family the name of the ServiceAccount.
    func resolve(_ found: [String: String], in namespace: String) {
        let discovery = namespaces.withLock { namespaces in
            var discovery = Discovery()
            guard var known = namespaces.removeValue(forKey: namespace) else { return discovery }
            for (family, name) in found {
                let account = ObjectKey(namespace: namespace, name: name)
                for pod in known.families.resolve(family, as: name) ?? [] {
                    discovery.pods.append((ObjectKey(namespace: namespace, name: pod), account))
                }
            }
            if !known.isComplete {
                known.isComplete = true
                discovery.waiting = known.asking.sorted().map { ObjectKey(namespace: namespace, name: $0) }
            }
            namespaces[namespace] = known
            return discovery
        }
        for observer in observers.withLock({ $0 }) { observer.onDiscovery(discovery) }
    }
}
