internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
internal import Synchronization
internal import WorkloadIdentity

/// Tells which pods carry a stamp that no webhook wrote.
///
/// A webhook replaces the stamps that a pod brings. If none saw the pod, they stand as somebody wrote them, into the pod or
/// into the template that it was made from. Where that may be so, one pod of each family is read in full by a
/// ``StampReconciler``, and its verdict holds for as long as that pod is there.
final class StampVerification: Sendable {
    /// Whether pods of a family have what their stamp says.
    struct Question: Hashable, Sendable {
        var family: String
        var stamp: String

        /// - Returns: `nil` for a pod without a stamp.
        init?(_ pod: ObjectMetadata) {
            guard let stamp = pod.planStamp else { return nil }
            family = pod.family
            self.stamp = stamp
        }
    }

    /// What a pod that was read turned out to be.
    struct Finding: Sendable {
        var question: Question
        var pod: ObjectMetadata
        /// As whom the pod runs.
        var serviceAccount: ObjectKey
        /// `nil` if another plan holds by now, so that the question is no more.
        var isForged: Bool?
    }

    struct Observer: Sendable {
        /// Is told of each namespace in which there are pods to be read.
        var onQuestion: @Sendable (_ namespace: String) -> Void
        var onFinding: @Sendable (Finding) -> Void
    }

    private struct State {
        /// Each with the UID of the pod that was read: no more than there are pods.
        var verdicts: [Question: (pod: String, isForged: Bool)] = [:]
        /// By namespace, each with the name of a pod to be read.
        var open: [String: [Question: String]] = [:]

        mutating func close(_ question: Question, in namespace: String) {
            open[namespace]?[question] = nil
            if open[namespace]?.isEmpty == true { open[namespace] = nil }
        }
    }

    private let template: @Sendable (ObjectMetadata) -> PodTemplate?
    private let state = Mutex(State())
    private let observers = Mutex<[Observer]>([])

    /// - Parameter template: what a pod was made from; `nil` if that is not known.
    init(template: @escaping @Sendable (ObjectMetadata) -> PodTemplate?) {
        self.template = template
    }

    /// Compares pods with their plans.
    ///
    /// - Parameter origin: what a pod comes from in the end.
    /// - Returns: `nil` if a stamp has to be verified first. A ``Finding`` will tell.
    func report(
        on pods: [(pod: ObjectMetadata, plan: Plan)],
        origin: (ObjectMetadata) -> OwnerReference? = { _ in nil }
    ) -> PodReport? {
        var forged: [Question: Bool] = [:]
        var unknown: [Question: ObjectMetadata] = [:]
        for (pod, plan) in pods where plan.exemption == nil {
            guard let question = Question(pod), question.stamp == plan.hash, forged[question] == nil else { continue }
            if let verdict = state.withLock({ $0.verdicts[question] }) {
                forged[question] = verdict.isForged
            } else if isOfWebhook(pod) {
                forged[question] = false
            } else {
                unknown[question] = pod
            }
        }
        guard unknown.isEmpty else {
            ask(unknown)
            return nil
        }
        return PodReport(pods, isForged: { pod in Question(pod).flatMap { forged[$0] } ?? false }, origin: origin)
    }

    /// Whether nobody but a webhook can have written the stamp as the pod was made: its template has none.
    private func isOfWebhook(_ pod: ObjectMetadata) -> Bool {
        guard let template = template(pod) else { return false }
        return PodStamp.keys.allSatisfy { (template.annotations[$0.name] ?? "").isEmpty }
    }

    private func ask(_ questions: [Question: ObjectMetadata]) {
        state.withLock { state in
            for (question, pod) in questions where state.open[pod.namespace ?? ""]?[question] == nil {
                state.open[pod.namespace ?? "", default: [:]][question] = pod.name
            }
        }
        for namespace in Set(questions.values.map { $0.namespace ?? "" }) {
            for observer in observers.withLock({ $0 }) { observer.onQuestion(namespace) }
        }
    }

    /// Notes that a pod has come, changed or gone: nothing rests any more on one that has gone, or has another stamp.
    func note(_ change: StoreChange<PartialObjectMetadata<Pod>>) {
        guard let old = change.old?.metadata, let question = Question(old) else { return }
        if let new = change.new?.metadata, new.uid == old.uid, new.planStamp == question.stamp { return }
        let namespace = old.namespace ?? ""
        state.withLock { state in
            if state.verdicts[question]?.pod == old.uid { state.verdicts[question] = nil }
            if state.open[namespace]?[question] == old.name { state.close(question, in: namespace) }
        }
    }

    // MARK: Finding out

    func observe(_ observer: Observer) {
        observers.withLock { $0.append(observer) }
    }

    /// The questions of a namespace, each with the name of the pod to be read.
    func questions(in namespace: String) -> [Question: String] {
        state.withLock { $0.open[namespace] ?? [:] }
    }

    func settle(_ findings: [Finding]) {
        let settled = state.withLock { state in
            findings.filter { finding in
                let namespace = finding.pod.namespace ?? ""
                // The pod may have gone meanwhile, and its verdict would never be forgotten.
                guard state.open[namespace]?[finding.question] == finding.pod.name else { return false }
                state.close(finding.question, in: namespace)
                if let isForged = finding.isForged {
                    state.verdicts[finding.question] = (finding.pod.uid, isForged)
                }
                return true
            }
        }
        for observer in observers.withLock({ $0 }) {
            for finding in settled { observer.onFinding(finding) }
        }
    }
}

extension ObjectMetadata {
    /// The hash of the plan that a pod says it carries. An emptied stamp says that nothing was injected.
    var planStamp: String? { annotations[AnnotationKey.plan.name].flatMap { $0.isEmpty ? nil : $0 } }
}
