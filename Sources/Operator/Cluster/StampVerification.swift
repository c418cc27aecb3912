internal import JSON
internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
internal import Synchronization
internal import WorkloadIdentity

/// Finds out whether pods were injected that could have brought their stamp themselves.
///
/// Admission replaces stamps, but a pod that no webhook saw keeps those that its author copied. One pod of each family is read
/// in full and compared: to inject what is injected already adds nothing.
final class StampVerification: Sendable {
    private struct Question: Hashable {
        var family: String
        var plan: String
    }

    /// Bounds what is kept. To begin again costs one read for each family.
    private static let mostVerdicts = 20_000

    private let client: KubernetesClient
    private let workloads: WorkloadStores
    private let rate: RateLimit
    private let verdicts = Mutex<[Question: Bool]>([:])

    init(client: KubernetesClient, workloads: WorkloadStores, rate: RateLimit) {
        self.client = client
        self.workloads = workloads
        self.rate = rate
    }

    /// The UIDs of the pods that carry the stamp of their plan, and lack what it adds.
    func forged(among pods: [(pod: ObjectMetadata, plan: Plan)]) async throws -> Set<String> {
        var forged: Set<String> = []
        for (pod, plan) in pods {
            guard let hash = plan.hash, pod.annotations[AnnotationKey.plan.name] == hash, mayHaveBroughtStamp(pod)
            else {
                continue
            }
            if try await !isInjected(pod, by: plan, hash) { forged.insert(pod.uid) }
        }
        return forged
    }

    private func isInjected(_ pod: ObjectMetadata, by plan: Plan, _ hash: String) async throws -> Bool {
        let question = Question(family: pod.family, plan: hash)
        if let known = verdicts.withLock({ $0[question] }) { return known }
        try await rate.wait()
        let key = ObjectKey(namespace: pod.namespace, name: pod.name)
        let verdict: Bool
        do {
            let manifest: PodManifest = try await client.read(.get(Pod.resourceType, key))
            verdict = !Injection(of: plan, into: manifest).patch.changesSpec
        } catch let error as KubernetesError where error.isNotFound {
            // The watch will tell.
            return true
        }
        verdicts.withLock { verdicts in
            if verdicts.count >= Self.mostVerdicts { verdicts.removeAll() }
            verdicts[question] = verdict
        }
        return verdict
    }

    /// Whether a pod's author could have written its stamp: it is nobody's, or of what is not followed, or its workload's
    /// template has one.
    private func mayHaveBroughtStamp(_ pod: ObjectMetadata) -> Bool {
        guard let template = workloads.template(of: pod) else { return true }
        return [AnnotationKey.plan, .injected].contains { template.annotations[$0.name] != nil }
    }
}

extension WorkloadStores {
    /// The template that a pod was made from, if that is one of a workload that is followed: a Deployment's pods come from its
    /// ReplicaSets, which come from its template.
    fileprivate func template(of object: ObjectMetadata) -> PodTemplate? {
        guard let controller = object.controller, let kind = controller.workloadKind else { return nil }
        let key = ObjectKey(namespace: object.namespace, name: controller.name)
        if kind == .replicaSet {
            guard let replicaSet = replicaSets[key], replicaSet.metadata.uid == controller.uid else { return nil }
            return template(of: replicaSet.metadata)
        }
        guard let workload = workloads.first(where: { $0.kind == kind })?[key], workload.metadata.uid == controller.uid
        else { return nil }
        return workload.template
    }
}

extension JSONPatch {
    /// Whether it adds anything but annotations and labels.
    fileprivate var changesSpec: Bool {
        (json.array ?? []).contains { $0["path"]?.string?.hasPrefix("/spec") == true }
    }
}
