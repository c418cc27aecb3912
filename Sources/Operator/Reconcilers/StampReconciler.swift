internal import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
internal import WorkloadIdentity

/// Compares pods with what their stamps say, for one namespace at a time, where a stamp may be a copy.
///
/// A few pods are read one by one; for more, all pods of the namespace are listed once.
struct StampReconciler: Reconciler {
    typealias Question = StampVerification.Question

    let client: KubernetesClient
    let planner: Planner
    let stamps: StampVerification
    /// Of rounds, each of which is one list, or a few pods read.
    let rate: RateLimit

    /// Reading this many pods costs the API server less than a list.
    private static let mostReads = 20

    /// A pod that is gone by now is dropped as soon as the watch tells, and what a list does not know yet it soon does.
    private static let soon = Duration.seconds(1)

    /// - Parameter key: the name of the namespace.
    func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
        let namespace = key.name
        guard !stamps.questions(in: namespace).isEmpty else { return .done }
        try await rate.wait()
        // More may have come while this waited.
        let questions = stamps.questions(in: namespace)
        let findings =
            questions.count <= Self.mostReads
            ? try await read(questions, in: namespace) : try await list(questions, in: namespace)
        stamps.settle(findings)
        return stamps.questions(in: namespace).isEmpty ? .done : .requeue(after: Self.soon)
    }

    private func read(
        _ questions: [Question: String], in namespace: String
    ) async throws -> [StampVerification.Finding] {
        var findings: [StampVerification.Finding] = []
        for (question, name) in questions {
            let key = ObjectKey(namespace: namespace, name: name)
            guard let pod = try await client.getIfPresent(PodInFull.self, key) else { continue }
            if let finding = finding(of: pod, to: question) { findings.append(finding) }
        }
        return findings
    }

    private func list(
        _ questions: [Question: String], in namespace: String
    ) async throws -> [StampVerification.Finding] {
        var findings: [StampVerification.Finding] = []
        // From what the server has in memory, which costs it least.
        var options = ListOptions(resourceVersion: "0")
        while true {
            let page = try await client.listPage(PodInFull.self, in: namespace, options) { pod in
                guard let question = Question(pod.metadata), questions[question] == pod.metadata.name,
                    let finding = finding(of: pod, to: question)
                else { return }
                findings.append(finding)
            }
            guard !page.continueToken.isEmpty else { return findings }
            options.continueToken = page.continueToken
            options.resourceVersion = nil
        }
    }

    /// - Returns: `nil` if another pod has taken the name, or the pod has another stamp by now. The watch will tell.
    private func finding(of pod: PodInFull, to question: Question) -> StampVerification.Finding? {
        guard Question(pod.metadata) == question else { return nil }
        let account = ObjectKey(namespace: pod.metadata.namespace, name: pod.serviceAccountName)
        return StampVerification.Finding(
            question: question, pod: pod.metadata, serviceAccount: account,
            isForged: isForged(PodStamp(annotations: pod.metadata.annotations), in: pod.manifest, of: account))
    }

    /// Whether the pod lacks what its stamp says, so that no webhook has seen it.
    ///
    /// - Returns: `nil` if the plan is another by now.
    private func isForged(_ stamp: PodStamp, in pod: PodManifest?, of account: ObjectKey) -> Bool? {
        guard let pod else { return true }
        var context = PodContext(pod: pod)
        // Of this the metadata say nothing, by which pods are counted; a pod for which it matters gets no such stamp.
        context.mountsServiceAccountToken = true
        let plan = planner.plan(for: Subject(account), planner.stores.serviceAccounts[account], pod: context)
        guard plan.hash == stamp.plan else { return nil }
        // Where a webhook has been, adding it once more changes nothing, and nothing is lacking that it did not say.
        let injection = Injection(of: plan, into: pod)
        let isOverstated = stamp.deliveries.contains { provider, delivery in
            delivery != .lacking && injection.stamp[provider] == .lacking
        }
        return isOverstated || !injection.isInPlace
    }
}
