import Testing

@testable import WorkloadIdentity

@Suite struct HealingRequestTests {
    static let workloads: [([String: String], inherited: HealingMode?, mode: HealingMode?, problems: Int)] = [
        ([:], nil, nil, 0),
        ([:], .restart, .restart, 0),
        (["lanyard.dev/heal": "restart"], nil, .restart, 0),
        (["lanyard.dev/heal": "restart-stale"], .restart, .restartStale, 0),
        (["lanyard.dev/heal": "false"], .restart, nil, 0),
        (["lanyard.dev/heal": "always"], nil, nil, 1),
        (["lanyard.dev/heal": ""], .restart, .restart, 1),
    ]

    @Test("a workload's annotation wins over its Namespace's label", arguments: workloads)
    func workload(_ annotations: [String: String], _ inherited: HealingMode?, _ mode: HealingMode?, _ problems: Int) {
        let request = HealingRequest(ofWorkload: [:], annotations: annotations, inherited: inherited)
        #expect(request.mode == mode && request.problems.count == problems)
        #expect(request.problems.allSatisfy { $0.reason == .invalidValue && $0.message.contains("restart-stale") })
    }

    @Test("what stands in the wrong place is told with the right one") func misplaced() {
        let label = HealingRequest(ofWorkload: ["lanyard.dev/heal": "restart"], annotations: [:])
        #expect(label.mode == nil && label.problems.map(\.reason) == [.misplacedKey])
        let annotation = HealingRequest(ofNamespace: "ai", labels: [:], annotations: ["lanyard.dev/heal": "restart"])
        #expect(annotation.mode == nil && annotation.problems.map(\.reason) == [.misplacedKey])
        let namespace = HealingRequest(ofNamespace: "ai", labels: ["lanyard.dev/heal": "restart"], annotations: [:])
        #expect(namespace.mode == .restart && namespace.problems.isEmpty)
    }
}
