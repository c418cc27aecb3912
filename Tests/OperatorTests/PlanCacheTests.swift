import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct PlanCacheTests {
    private let cache: PlanCache

    init() { self.init(limit: 2) }

    private init(limit: Int) {
        cache = PlanCache(limit: limit)
    }

    private func question(_ account: String, pod: PodContext = PodContext()) -> PlanCache.Question {
        PlanCache.Question(
            subject: Subject(namespace: "ai", serviceAccount: account), serviceAccount: [:], pod: pod,
            namespaceLabels: [:], facts: .offline(.eks, isPublic: true))
    }

    /// Whether the plan had to be made.
    private func makes(_ question: PlanCache.Question) -> Bool {
        var isMade = false
        _ = cache.plan(for: question) { question in
            isMade = true
            return Plan(
                for: question.subject, serviceAccount: question.serviceAccount, pod: question.pod,
                namespaceLabels: question.namespaceLabels, facts: question.facts, configuration: Configuration())
        }
        return isMade
    }

    @Test("a plan is made once for all that ask the same, and again for any difference")
    func keeps() {
        #expect(makes(question("a")))
        #expect(!makes(question("a")))
        #expect(makes(question("a", pod: PodContext(mountsServiceAccountToken: false))))
        var elsewhere = question("a")
        elsewhere.facts.components.hasExternalSecrets.toggle()
        #expect(makes(elsewhere))
    }

    @Test("what nobody else will ask, and what is large, is not kept")
    func keepsNotAll() {
        let text = String(repeating: "x", count: 10_000)
        for pod in [PodContext(name: "only"), PodContext(annotations: ["lanyard.dev/x": text])] {
            #expect(makes(question("a", pod: pod)))
            #expect(makes(question("a", pod: pod)))
        }
    }

    @Test("what is asked for again and again stays, whatever else is asked")
    func keepsCommonOnes() {
        let cache = PlanCacheTests(limit: 4)
        #expect(cache.makes(question("common")))
        for account in 0..<20 {
            #expect(cache.makes(question("\(account)")))
            #expect(!cache.makes(question("common")))
        }
    }

    @Test("no more are kept than the limit")
    func isBounded() {
        for account in ["a", "b", "c"] { #expect(makes(question(account))) }
        #expect(!makes(question("c")))
        #expect(makes(question("a")))
    }
}
