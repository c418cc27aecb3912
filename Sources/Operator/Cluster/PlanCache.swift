internal import Synchronization
internal import WorkloadIdentity

/// Plans that have been made, by everything that they depend on.
///
/// A plan is a function of its question, so nothing here is ever out of date: a change of the cluster is another question.
/// Pods come in families that ask the same, and making a plan takes several times as long as all the rest of a review.
final class PlanCache: Sendable {
    /// All arguments of a plan but the configuration, which is the same as long as the process lives.
    struct Question: Hashable, Sendable {
        var subject: Subject
        var serviceAccount: [String: String]
        var pod: PodContext
        var namespaceLabels: [String: String]
        var facts: PlatformFacts

        /// Whether it may be kept. Nothing has bounded yet what a pod's metadata holds when it is first asked about; and nobody
        /// else has the name of a pod that has one already, so its plan would serve nobody.
        fileprivate var isCommon: Bool {
            let texts = [serviceAccount, pod.annotations, pod.labels, namespaceLabels]
            let size = texts.joined().reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
            return pod.name == nil && size < 8192
        }
    }

    /// How many plans are kept. One has some kilobytes, as its question.
    private let limit: Int
    private let plans = Mutex<[Question: Plan]>([:])

    init(limit: Int = 256) {
        self.limit = limit
    }

    func plan(for question: Question, _ make: (Question) -> Plan) -> Plan {
        guard question.isCommon else { return make(question) }
        if let known = plans.withLock({ $0[question] }) { return known }
        let plan = make(question)
        plans.withLock { plans in
            // To begin anew is as good as to know which were used last: the common ones are soon back.
            if plans.count >= limit { plans.removeAll(keepingCapacity: true) }
            plans[question] = plan
        }
        return plan
    }
}
