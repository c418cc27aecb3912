internal import CoreMetrics
internal import KubernetesModel
internal import Metrics
internal import Synchronization

/// Which CredentialPlanSets lag behind what they should hold, and who injects what by those that do not.
final class PlanSetLedger: Sendable {
    /// What the metric is, for `# HELP`.
    static let help = [
        "lanyard_plan_sets_behind":
            """
        Namespaces whose CredentialPlanSet does not hold what it should yet: pods there may be injected by an older plan; from \
        the leader alone.
        """
    ]

    private struct State {
        /// Namespaces in which something has changed.
        var waiting: Set<String> = []
        var inWork: Set<String> = []
        /// By namespace and ServiceAccount, as far as the objects say so.
        var ways: [String: [String: InjectionWay]] = [:]
        /// Whether anything injects from the objects; `nil` while that is not known.
        var policy: InstalledPolicy.Standing?

        var behind: Int { waiting.union(inWork).count }
    }

    private let behind: Gauge
    private let state = Mutex(State())
    private let observers = Mutex<[@Sendable (ObjectKey) -> Void]>([])

    init(metrics: any MetricsFactory) {
        behind = Gauge(label: "lanyard_plan_sets_behind", factory: metrics)
        behind.record(0)
    }

    /// - Parameter onChange: is told each ServiceAccount of which another injects now.
    func observe(_ onChange: @escaping @Sendable (ObjectKey) -> Void) {
        observers.withLock { $0.append(onChange) }
    }

    /// Who injects; `nil` while that is not known. An object alone injects nothing: it takes the policy.
    func way(of serviceAccount: ObjectKey) -> InjectionWay? {
        state.withLock { state in
            let way = state.ways[serviceAccount.namespace ?? ""]?[serviceAccount.name]
            guard way == .policy else { return way }
            return switch state.policy {
            case .inPlace: .policy
            case .notInPlace(let reason): .webhook(reason: reason)
            case nil: nil
            }
        }
    }

    /// What the API server has of the policy.
    ///
    /// - Returns: whether that is news.
    func found(_ policy: InstalledPolicy.Standing) -> Bool {
        let concerned: [ObjectKey]? = state.withLock { state in
            guard state.policy != policy else { return nil }
            state.policy = policy
            return state.ways.flatMap { namespace, ways in
                ways.filter { $0.value == .policy }.map { ObjectKey(namespace: namespace, name: $0.key) }
            }
        }
        for key in concerned ?? [] { tell(key) }
        return concerned != nil
    }

    func forgetPolicy() {
        state.withLock { $0.policy = nil }
    }

    // MARK: What becomes of a namespace

    func changed(_ namespace: String) {
        update { $0.waiting.insert(namespace) }
    }

    func began(_ namespace: String) {
        update { state in
            state.waiting.remove(namespace)
            state.inWork.insert(namespace)
        }
    }

    func failed(_ namespace: String) {
        update { state in
            state.inWork.remove(namespace)
            state.waiting.insert(namespace)
        }
    }

    func succeeded(_ namespace: String, _ ways: [String: InjectionWay]) {
        var changed: [String] = []
        update { state in
            state.inWork.remove(namespace)
            let old = state.ways[namespace] ?? [:]
            changed = Set(old.keys).union(ways.keys).filter { old[$0] != ways[$0] }
            state.ways[namespace] = ways.isEmpty ? nil : ways
        }
        for name in changed { tell(ObjectKey(namespace: namespace, name: name)) }
    }

    private func tell(_ serviceAccount: ObjectKey) {
        for observer in observers.withLock({ $0 }) { observer(serviceAccount) }
    }

    private func update(_ change: (inout State) -> Void) {
        let count = state.withLock { state in
            change(&state)
            return state.behind
        }
        behind.record(count)
    }
}
