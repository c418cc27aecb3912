import AdmissionWebhook
import KubernetesModel
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct ObjectLookupTests {
    private let cluster = FakeCluster()

    private func read() async throws -> ServiceAccount? {
        let accounts = cluster.planner().stores.serviceAccounts
        return try await ObjectLookup(accounts, cluster.client).read(ObjectKey(namespace: "ai", name: "llm"))
    }

    @Test("a read takes half of what is left to the review, and what is read later half of the rest")
    func halves() async throws {
        let account = try await ReviewDeadline.$current.withValue(.now + .seconds(20)) { try await read() }
        #expect(account == nil)
        let timeout = try #require(cluster.timeouts.first)
        #expect(timeout > .seconds(5) && timeout <= .seconds(10))
    }

    @Test("where nobody waits, or nobody waits any more, a read has a bound all the same")
    func bounds() async throws {
        _ = try await read()
        try await ReviewDeadline.$current.withValue(.now - .seconds(1)) { _ = try await read() }
        #expect(cluster.timeouts == [.seconds(2), .milliseconds(100)])
    }
}
