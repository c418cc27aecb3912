internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import Synchronization
internal import WorkloadIdentity

/// Replaces pods without their credentials, where that is asked for: looks at the workloads of one ServiceAccount, and does
/// of each what its ``HealingSituation`` says.
///
/// One key is worked on at a time, so that nothing comes between asking for the brakes and what is done.
struct HealingReconciler: Reconciler {
    let client: KubernetesClient
    let planner: Planner
    let stores: WorkloadStores
    let pods: PodsByServiceAccount
    let stamps: StampVerification
    let events: EventRecorder
    let ledger: HealingLedger
    private let now: @Sendable () -> Timestamp

    /// Why workloads are left alone, so that it is told once.
    private let told = Told()

    private static let soon = Duration.seconds(2)

    init(
        client: KubernetesClient, planner: Planner, stores: WorkloadStores, pods: PodsByServiceAccount,
        stamps: StampVerification, events: EventRecorder, ledger: HealingLedger,
        now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.client = client
        self.planner = planner
        self.stores = stores
        self.pods = pods
        self.stamps = stamps
        self.events = events
        self.ledger = ledger
        self.now = now
    }

    /// - Parameter key: the ServiceAccount's, which is its WorkloadIdentity's.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard let identity = stores.identities[key], let known = pods.pods(of: key) else { return .done }
        var nextLook: Duration?
        for workload in stores.workloads(using: key) where WorkloadRollout.kinds.contains(workload.kind) {
            guard let mode = mode(of: workload), workload.metadata.deletionTimestamp == nil else { continue }
            let own = known.filter { stores.owner(of: $0)?.uid == workload.metadata.uid }
            let isOpen = identity.healing(of: workload)?.phase == .evicting
            guard isOpen || own.contains(where: { isTroubled($0, of: key) }) else {
                told.forget(workload.metadata.uid)
                continue
            }
            // While others are waited for, nothing need be read.
            let delay: Duration?
            if !isOpen, let pause = ledger.brakes(for: workload, at: now()).pause(at: now()) {
                delay = pause.lookAgain
            } else {
                delay = try await look(at: workload, of: key, mode)
            }
            if let delay { nextLook = min(nextLook ?? delay, delay) }
        }
        return nextLook.map { .requeue(after: $0) } ?? .done
    }

    private func mode(of workload: Workload) -> HealingMode? {
        let namespace = workload.metadata.namespace ?? ""
        let labels = planner.stores.namespaces[ObjectKey(name: namespace)]?.metadata.labels ?? [:]
        let inherited = HealingRequest(ofNamespace: namespace, labels: labels, annotations: [:]).mode
        return HealingRequest(
            ofWorkload: workload.metadata.labels, annotations: workload.metadata.annotations, inherited: inherited
        ).mode
    }

    /// - Returns: how soon to look again; `nil` if there is nothing to wait for.
    private func look(at workload: Workload, of key: ObjectKey, _ mode: HealingMode) async throws -> Duration? {
        let acts = HealingActs(client: client)
        guard let rollout = try await acts.rollout(of: workload) else { return nil }
        let present = try await acts.pods(in: workload.metadata.namespace) { metadata in
            stores.owner(of: metadata)?.uid == workload.metadata.uid
        }
        // As it is now: what was written last is perhaps not in the store yet.
        let identity = try await client.get(WorkloadIdentityObject.self, key)
        var judged: [HealingSituation.Pod] = []
        for pod in present {
            guard case .known(let cause) = cause(of: pod.metadata, key) else { return Self.soon }
            judged.append(HealingSituation.Pod(pod, cause))
        }
        let situation = HealingSituation(
            mode: mode, desired: rollout.desired, isRollingOut: rollout.isUnderWay, isServed: identity.isServed,
            pods: judged, record: identity.healing(of: workload), brakes: ledger.brakes(for: workload, at: now()))
        return try await act(situation.next(at: now()), on: workload, of: key, acts)
    }

    private func act(
        _ step: HealingSituation.Step, on workload: Workload, of key: ObjectKey, _ acts: HealingActs
    ) async throws -> Duration? {
        switch step {
        case .done: return nil
        case .hold(let hold, let delay):
            if hold.needsSomebody, told.isNew(hold, workload.metadata.uid) {
                tell(workload, .warning, hold == .stopped ? hold.rawValue : "HealingHeld", "\(hold.text)")
            }
            return delay
        case .settle(let record):
            try await write(record, of: workload, key, acts)
            let isReplaced = record.phase == .replaced
            ledger.count(isReplaced ? .replaced : .notHealed)
            if isReplaced {
                tell(workload, .normal, "PodReplaced", "pod \(record.pod) is replaced by one that carries the plan")
            } else {
                tell(workload, .warning, "PodNotHealed", "\(record.message); it is tried again later")
            }
            return .zero
        case .evict(let pod, let intent):
            var record = intent
            (record.kind, record.workload) = (workload.kind.rawValue, workload.metadata.name)
            try await write(record, of: workload, key, acts)
            told.forget(workload.metadata.uid)
            guard let refusal = try await acts.evict(pod, in: workload.metadata.namespace) else {
                ledger.count(.evicted)
                tell(workload, .normal, "PodEvicted", "pod \(pod.name) was evicted: \(record.cause.text)")
                return Self.soon
            }
            ledger.count(.refused)
            let refused = record.entered(.refused, at: now(), failures: record.failures + 1, message: refusal)
            try await write(refused, of: workload, key, acts)
            tell(workload, .warning, "EvictionRefused", "pod \(pod.name) stays for now: \(refusal)")
            return .zero
        }
    }

    private func write(
        _ record: HealingRecord, of workload: Workload, _ key: ObjectKey, _ acts: HealingActs
    ) async throws {
        let present = stores.workloads(using: key).map { [$0.kind.rawValue, $0.metadata.name] }
        let records = try await acts.write(record, to: key) { present.contains([$0.kind, $0.workload]) }
        ledger.note(records, of: key)
    }

    private func tell(_ workload: Workload, _ severity: ObjectEvent.Severity, _ reason: String, _ note: String) {
        events.record(
            ObjectEvent(regarding: workload.reference, severity, reason: reason, action: "HealPods", note: note))
    }

    // MARK: Pods

    private enum Verdict {
        case known(HealingCause?)
        /// Its stamp has to be verified first.
        case unknown
    }

    private func cause(of pod: ObjectMetadata, _ account: ObjectKey) -> Verdict {
        let plan = planner.plan(
            for: Subject(account), planner.stores.serviceAccounts[account], pod: PodContext(pod))
        // A pod that nothing can be injected into now is better left as it is.
        guard plan.hash != nil else { return .known(nil) }
        guard let report = stamps.report(on: [(pod, plan)]) else { return .unknown }
        if report[.notInjected] > 0 { return .known(.notInjected) }
        return .known(report[.stale] > 0 ? .stale : nil)
    }

    private func isTroubled(_ pod: ObjectMetadata, of account: ObjectKey) -> Bool {
        if case .known(nil) = cause(of: pod, account) { false } else { true }
    }
}

/// What was told of workloads, by their UIDs: no more than there are workloads that are left alone.
private final class Told: Sendable {
    private let holds = Mutex<[String: HealingSituation.Hold]>([:])

    func isNew(_ hold: HealingSituation.Hold, _ workload: String) -> Bool {
        holds.withLock { $0.updateValue(hold, forKey: workload) != hold }
    }

    func forget(_ workload: String) { holds.withLock { $0[workload] = nil } }
}

extension HealingSituation.Pod {
    init(_ pod: PodReadiness, _ cause: HealingCause?) {
        self.init(
            name: pod.metadata.name, uid: pod.metadata.uid, cause: cause, isReady: pod.isReady,
            isGoing: pod.metadata.deletionTimestamp != nil)
    }
}

extension HealingCause {
    var text: String {
        switch self {
        case .notInjected: "it was created without injection"
        case .stale: "it was created before the last change"
        }
    }
}

extension WorkloadIdentityObject {
    /// Whether what is injected into new pods can reach every provider's models.
    var isServed: Bool {
        let providers = status["providers"]?.array ?? []
        return !providers.isEmpty && providers.allSatisfy { $0["ready"]?.bool == true }
    }
}
