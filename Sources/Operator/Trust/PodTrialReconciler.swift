internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
internal import Synchronization
internal import WorkloadIdentity

/// Reads what pods say of their own trust, for one ServiceAccount at a time: that of its latest pod, once.
///
/// Pods are followed as metadata, which does not say that an init container has ended. So a pod is read some seconds after it was
/// made, and not more than one of a ServiceAccount in a minute, however many there are. Where pods are made all the time, it is
/// the latest that is old enough, and while that has not ended, one before it.
struct PodTrialReconciler: Reconciler {
    let client: KubernetesClient
    let planner: Planner
    let stores: WorkloadStores
    let pods: PodsByServiceAccount
    let ledger: TrustLedger
    /// Of the pods that are read one by one, whatever for.
    let rate: RateLimit
    private let now: @Sendable () -> Timestamp
    private let looks = Looks()

    /// By then a pod whose image is on its node has mostly ended its trial.
    private static let patience = Duration.seconds(12)
    private static let interval = Duration.seconds(60)

    init(
        client: KubernetesClient, planner: Planner, stores: WorkloadStores, pods: PodsByServiceAccount,
        ledger: TrustLedger, rate: RateLimit, now: @escaping @Sendable () -> Timestamp = { .now }
    ) {
        self.client = client
        self.planner = planner
        self.stores = stores
        self.pods = pods
        self.ledger = ledger
        self.rate = rate
        self.now = now
    }

    /// When a ServiceAccount's pods were looked at last, which one has told all, and which ones had not ended since.
    struct Look {
        var time: Timestamp
        var settledPod: String?
        var runningPods: Set<String> = []

        /// Which pod is to be read next: the latest. Once one had not ended, those that had more time come first, and each of
        /// them once: a pod may wait for its image, or for a node, for ever.
        ///
        /// - Parameter pods: the latest first.
        static func next(of pods: [(uid: String, age: Duration)], after look: Look?) -> String? {
            guard let look, !look.runningPods.isEmpty else { return pods.first?.uid }
            let left = pods.prefix { $0.uid != look.settledPod }.filter { !look.runningPods.contains($0.uid) }
            return (left.first { $0.age >= interval + patience } ?? left.first ?? pods.first)?.uid
        }
    }

    private final class Looks: Sendable {
        private let byAccount = Mutex<[ObjectKey: Look]>([:])

        subscript(key: ObjectKey) -> Look? {
            get { byAccount.withLock { $0[key] } }
            set { byAccount.withLock { $0[key] = newValue } }
        }
    }

    /// - Parameter key: the ServiceAccount's.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        guard ledger.isRunning else { return .requeue(after: .seconds(1)) }
        let isScheduled = planner.configuration.verify.isScheduled(key)
        // A plan costs more than all of this, and most pods ask for nothing.
        let time = now()
        let asking = pods.podsThatTry(key).sorted { $0.age(at: time) < $1.age(at: time) }
        guard let oldest = asking.last else {
            if !isScheduled, pods.isResolved(key.namespace ?? "") { forget(key) }
            return .done
        }
        let tried = asking.drop { $0.age(at: time) < Self.patience }
        guard let latest = tried.first else { return .requeue(after: Self.patience - oldest.age(at: time)) }
        let isSettled = looks[key]?.settledPod == latest.uid
        let wait = self.wait(for: key, at: time)
        guard isSettled || wait <= .zero else { return .requeue(after: wait) }
        // The next of those that may not have ended yet.
        let nextLook =
            asking[..<tried.startIndex].last.map { next in
                ReconcileResult.requeue(after: Self.patience - next.age(at: time))
            } ?? .done

        let subject = Subject(key)
        guard let account = planner.stores.serviceAccounts[key],
            let scope = TrialScope(planner.plan(for: subject, account), planner.configuration)
        else {
            forget(key)
            return .done
        }
        if let known = ledger.history(of: scope, reported: stores.identities[key]), isScheduled || known.isSeenInPods {
            ledger.inherit(known, of: key)
        } else if !isScheduled {
            ledger.forget(key)
        }
        let look = looks[key]
        guard !isSettled, let pod = next(of: tried, after: look, of: account), look?.settledPod != pod.uid else {
            return nextLook
        }
        try await rate.wait()
        looks[key] = Look(time: now(), settledPod: look?.settledPod)
        guard let json = try await read(pod) else { return .requeue(after: Self.interval) }
        let manifest = PodManifest(json)
        // It is known by its owner, which anybody can write.
        guard Subject(of: manifest, in: subject.namespace) == subject else {
            looks[key]?.settledPod = pod.uid
            return nextLook
        }
        let plan = planner.plan(
            for: subject, account,
            pod: PodContext(pod: manifest, serviceAccountMounts: account.automountServiceAccountToken))
        switch PodTrialReading.state(of: json, plan, planner.configuration) {
        case .running:
            let others = look.map { $0.runningPods.contains(pod.uid) ? [] : $0.runningPods } ?? []
            looks[key]?.runningPods = others.intersection(asking.map(\.uid)).union([pod.uid])
            return .requeue(after: Self.interval)
        case .absent: break
        case .ended(let reading):
            // What a pod's own annotations change is known of that pod alone.
            if plan.hash == pod.planStamp, TrialScope(plan, planner.configuration) == scope {
                ledger.note(
                    reading.results, of: scope, seenIn: pod.name, at: min(reading.time ?? now(), now()))
            }
        }
        looks[key]?.settledPod = pod.uid
        let wasRunning = look.map { !$0.runningPods.isEmpty } ?? false
        return wasRunning ? .requeue(after: Self.interval) : nextLook
    }

    private func wait(for key: ObjectKey, at time: Timestamp) -> Duration {
        looks[key].map { Self.interval - $0.time.elapsed(until: time) } ?? .zero
    }

    /// Which is to be read, of those that have the plan as it is now.
    private func next(
        of pods: ArraySlice<ObjectMetadata>, after look: Look?, of account: ServiceAccount
    ) -> ObjectMetadata? {
        // Those of one template ask for the same.
        var hashes: [PodContext: String?] = [:]
        let ofPlan = pods.filter { pod in
            let context = PodContext(pod)
            let hash =
                hashes[context] ?? planner.plan(for: Subject(account.metadata.key), account, pod: context).hash
            hashes[context] = .some(hash)
            return pod.planStamp == hash
        }
        let uid = Look.next(of: ofPlan.map { ($0.uid, $0.age(at: now())) }, after: look)
        return ofPlan.first { $0.uid == uid }
    }

    /// - Returns: `nil` if it is gone, or another pod by now.
    private func read(_ pod: ObjectMetadata) async throws -> JSONValue? {
        do {
            let json = try await client.json(.get(Pod.resourceType, pod.key))
            return json["metadata"]?["uid"]?.string == pod.uid ? json : nil
        } catch let error as KubernetesError where error.isNotFound {
            return nil
        }
    }

    private func forget(_ key: ObjectKey) {
        ledger.forget(key)
        looks[key] = nil
    }
}

extension PodsByServiceAccount {
    /// Those of its pods that try its trust by themselves.
    func podsThatTry(_ serviceAccount: ObjectKey) -> [ObjectMetadata] {
        knownPods(of: serviceAccount).filter { pod in
            AnnotationKey.asksForTrial(pod.annotations) && pod.planStamp != nil
        }
    }
}

extension ObjectMetadata {
    /// One whose time is not known is taken for old.
    fileprivate func age(at now: Timestamp) -> Duration {
        creationTimestamp.map { $0.elapsed(until: now) } ?? .seconds(1 << 32)
    }
}
