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

    /// Plans, of which those that are asked for stay.
    private struct Generations {
        var young: [Question: Plan] = [:]
        var old: [Question: Plan] = [:]

        mutating func find(_ question: Question, limit: Int) -> Plan? {
            if let plan = young[question] { return plan }
            guard let plan = old[question] else { return nil }
            insert(plan, for: question, limit: limit)
            return plan
        }

        mutating func insert(_ plan: Plan, for question: Question, limit: Int) {
            if young.count >= limit { (young, old) = ([:], young) }
            young[question] = plan
        }
    }

    /// How many plans a generation has.
    private let limit: Int
    private let plans = Mutex(Generations())

    /// - Parameter limit: how many plans are kept at most.
    init(limit: Int = 4096) {
        self.limit = limit / 2
    }

    func plan(for question: Question, _ make: (Question) -> Plan) -> Plan {
        guard question.isCommon else { return make(question) }
        if let known = plans.withLock({ $0.find(question, limit: limit) }) { return known }
        let plan = make(question)
        plans.withLock { $0.insert(plan, for: question, limit: limit) }
        return plan
    }
}
