import AdmissionWebhook
import JSON
import KubernetesModel
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct WorkloadKnowledgeTests: ReviewsApplications {
    let cluster = FakeCluster()

    // MARK: What is known

    @Test("what the watch knows is enough for what is well")
    func usesStore() async throws {
        cluster.addNamespace()
        cluster.add(serviceAccount: "llm", Self.good)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(cluster.reads.isEmpty)
    }

    @Test("what the watch has not told of yet is read")
    func readsUnknown() async throws {
        cluster.addNamespace(labels: Self.enforce, .byServer)
        cluster.add(serviceAccount: "llm", Self.good, .byServer)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())
        #expect(cluster.reads == ["/api/v1/namespaces/ai", "/api/v1/namespaces/ai/serviceaccounts/llm"])
        #expect(try await !review(.applying(.serviceAccount(Self.bad))).allowed)
    }

    @Test("nothing is said or denied on account of what has been fixed since the watch told of it")
    func looksAgain() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.bad, .byWatch)
        cluster.add(serviceAccount: "llm", Self.good, .byServer)
        #expect(try await review(.applying(.workload(.deployment))) == .allowed())

        cluster.addNamespace(labels: Self.enforce, .byWatch)
        cluster.addNamespace(.byServer)
        let response = try await review(.applying(.serviceAccount(Self.bad)))
        #expect(response.allowed && response.warnings.count == 1)
    }

    @Test("if the API server does not answer there is no verdict, and the failurePolicy decides")
    func throwsIfDown() async throws {
        let down = FakeCluster(isDown: true)
        let validator = WorkloadValidator(planner: down.planner(), client: down.client)
        await #expect(throws: (any Error).self) {
            try await validator.review(.applying(.workload(.deployment)))
        }
        down.addNamespace(labels: Self.enforce, .byWatch)
        down.add(serviceAccount: "llm", Self.good, .byWatch)
        #expect(try await validator.review(.applying(.workload(.deployment))) == .allowed())
        down.add(serviceAccount: "llm", Self.bad, .byWatch)
        await #expect(throws: (any Error).self) {
            try await validator.review(.applying(.workload(.deployment)))
        }
    }

    // MARK: Any input

    @Test("whatever stands anywhere in an object, there is an answer")
    func survivesAnything() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.good)
        var owned = JSONValue.workload(
            .deployment, metadata: Self.enforce, template: Self.good,
            containers: [
                ["name": "app", "env": [["name": "A", "value": "b"]], "envFrom": [["secretRef": ["name": "s"]]]]
            ])
        owned.own(by: "apps/v1", "Nothing")
        let values: [JSONValue] = [.null, true, -1, "", "\u{0}\u{2028}", [], [[]], [:], ["": .null]]
        let validator = WorkloadValidator(planner: cluster.planner(), client: cluster.client)
        for value in values {
            for broken in owned.replacingEach(with: value) {
                _ = try await validator.review(.applying(broken))
                _ = try await validator.review(.applying(owned, replacing: broken))
            }
        }
    }

    @Test("an object with very many keys, names or containers is validated in time")
    func survivesMuch() async throws {
        cluster.addNamespace(labels: Self.enforce)
        cluster.add(serviceAccount: "llm", Self.good)
        // The API server lets 256 KiB of annotations through, and objects of some MiB.
        let keys = Dictionary(uniqueKeysWithValues: (0..<4_000).map { ("lanyard.dev/aws-regio\($0)", "x") })
        let names = (0..<20_000).map { "n\($0)" }.joined(separator: ",")
        let containers = (0..<5_000).map { number -> JSONValue in
            ["name": .string("c\(number)"), "env": [["name": "AWS_ACCESS_KEY_ID", "value": "x"]]]
        }
        for workload in [
            .workload(.deployment, metadata: keys, template: keys),
            .workload(.deployment, template: ["lanyard.dev/providers": names]),
            .workload(.deployment, template: ["lanyard.dev/include-containers": names]),
        ] as [JSONValue] {
            _ = try await review(.applying(workload))
        }
        await #expect(throws: JSONLimitExceeded("the pod has more than 1000 containers")) {
            try await review(.applying(.workload(.deployment, containers: containers)))
        }
    }
}
