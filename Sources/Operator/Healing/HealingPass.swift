internal import JSON
public import KubernetesClient
public import KubernetesModel
public import WorkloadIdentity

/// One look at the workloads of a ServiceAccount with a person's own rights, by the same ``HealingSituation`` as the
/// operator's: what would be done, or is done.
///
/// Which pods are without their credentials it takes from the operator's report, since a person may not read what a plan
/// depends on; of the pods themselves it believes only that if their stamps agree.
public struct HealingPass: Sendable {
    private let client: KubernetesClient
    private let settings: Configuration.HealingSettings
    private let isTrial: Bool

    /// - Parameter isTrial: whether nothing is done.
    public init(client: KubernetesClient, _ settings: Configuration.HealingSettings, isTrial: Bool) {
        self.client = client
        self.settings = settings
        self.isTrial = isTrial
    }

    /// Of these one can be named. Of others no pod is replaced.
    public static let kinds: [WorkloadKind] = WorkloadRollout.kinds

    /// There is nothing to look at, or what is done could not be written down.
    public struct Impossible: Error, CustomStringConvertible {
        public let description: String
    }

    /// - Parameters:
    ///   - account: the ServiceAccount's namespace and name.
    ///   - only: the one workload that is meant; `nil`: all that run as the ServiceAccount.
    ///   - tell: is given a sentence for each workload, and for each thing that was done.
    public func run(
        on account: Subject, only: (kind: WorkloadKind, name: String)? = nil, _ tell: (String) throws -> Void
    ) async throws {
        let key = account.key
        guard let identity = try await client.getIfPresent(WorkloadIdentityObject.self, key) else {
            throw Impossible(description: "there is no report on \(account): it asks for no provider, or is not there")
        }
        let workloads = try await workloads(of: key)
        guard !workloads.isEmpty else {
            throw Impossible(
                description: "no Deployment, StatefulSet or DaemonSet runs as \(account); of others no pod is replaced")
        }
        let inherited = try await namespaceMode(account.namespace)
        let replicaSets = try await client.list(PartialObjectMetadata<ReplicaSet>.self, in: account.namespace)
        let meant = workloads.filter { workload in
            only.map { $0.kind == workload.kind && $0.name == workload.metadata.name } ?? true
        }
        for workload in meant {
            let request = HealingRequest(
                ofWorkload: workload.metadata.labels, annotations: workload.metadata.annotations, inherited: inherited)
            let owners = replicaSets.filter { $0.metadata.controller?.uid == workload.metadata.uid }.map(\.metadata.uid)
            let title = "\(workload.kind.rawValue) \(workload.key)"
            if request.mode == nil {
                try tell(
                    "\(title): \(HealingRequest.key) does not ask for it, so the operator leaves it alone; what follows is as "
                        + "with \(HealingMode.restart.rawValue)")
            }
            try await look(
                at: workload, titled: title, Set(owners + [workload.metadata.uid]), identity,
                request.mode ?? .restart, keeping: workloads, tell)
        }
    }

    private func look(
        at workload: Workload, titled title: String, _ owners: Set<String>, _ identity: WorkloadIdentityObject,
        _ mode: HealingMode, keeping workloads: [Workload], _ tell: (String) throws -> Void
    ) async throws {
        let acts = HealingActs(client: client)
        guard let rollout = try await acts.rollout(of: workload) else { return }
        let pods = try await acts.pods(in: workload.metadata.namespace) { pod in
            pod.controller.map { owners.contains($0.uid) } ?? false
        }
        let now = Timestamp.now
        let situation = HealingSituation(
            mode: mode, desired: rollout.desired, isRollingOut: rollout.isUnderWay, isServed: identity.isServed,
            pods: pods.map { HealingSituation.Pod($0, identity.cause(of: $0.metadata)) },
            record: identity.healing(of: workload),
            brakes: HealingSituation.Brakes(allowsDowntime: settings.allowsDowntime))
        switch situation.next(at: now) {
        case .done: try tell("\(title): no pod is to be replaced")
        case .hold(let hold, _): try tell("\(title) \(hold.text)")
        case .settle(let record):
            // The operator writes it, and goes on.
            try tell(
                record.phase == .replaced
                    ? "\(title): pod \(record.pod) is replaced" : "\(title): \(record.message)")
        case .evict(let pod, let intent):
            guard !isTrial else {
                try tell("\(title): would evict pod \(pod.name), since \(intent.cause.text)")
                return
            }
            var record = intent
            (record.kind, record.workload) = (workload.kind.rawValue, workload.metadata.name)
            let present = workloads.map { [$0.kind.rawValue, $0.metadata.name] }
            do {
                _ = try await acts.write(record, to: identity.key) { present.contains([$0.kind, $0.workload]) }
            } catch let error as HealingActs.NotKept {
                throw Impossible(description: "\(error)")
            }
            if let refusal = try await acts.evict(pod, in: workload.metadata.namespace) {
                let refused = record.entered(.refused, at: now, failures: record.failures + 1, message: refusal)
                _ = try await acts.write(refused, to: identity.key) { present.contains([$0.kind, $0.workload]) }
                try tell("\(title): pod \(pod.name) stays for now: \(refusal)")
            } else {
                try tell("\(title): evicted pod \(pod.name), since \(intent.cause.text)")
            }
        }
    }

    private func workloads(of account: ObjectKey) async throws -> [Workload] {
        let all =
            try await client.list(Deployment.self, in: account.namespace).map(\.workload)
            + client.list(StatefulSet.self, in: account.namespace).map(\.workload)
            + client.list(DaemonSet.self, in: account.namespace).map(\.workload)
        return all.filter { $0.serviceAccountKey == account }
    }

    /// What the Namespace asks for. Who may not read it is not told of it.
    private func namespaceMode(_ name: String) async throws -> HealingMode? {
        do {
            let namespace = try await client.getIfPresent(
                PartialObjectMetadata<Namespace>.self, ObjectKey(name: name))
            return HealingRequest(
                ofNamespace: name, labels: namespace?.metadata.labels ?? [:], annotations: [:]
            ).mode
        } catch let error as KubernetesError where error.isForbidden {
            return nil
        }
    }
}

extension WorkloadIdentityObject {
    /// What the report says of a pod, if the pod's stamp agrees: another may have taken its name.
    fileprivate func cause(of pod: ObjectMetadata) -> HealingCause? {
        let entry = (status["pods"]?["attention"]?.array ?? []).first { $0["name"]?.string == pod.name }
        let cause = entry?["state"]?.string.flatMap(HealingCause.init(rawValue:))
        switch cause {
        case .notInjected: return pod.planStamp == nil ? cause : nil
        case .stale: return pod.planStamp == nil ? nil : cause
        case nil: return nil
        }
    }
}
