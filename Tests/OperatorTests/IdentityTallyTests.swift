import JSON
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct IdentityTallyTests {
    private static let empty = IdentityTally(providers: ["aws-bedrock", "openai"] as [ProviderName])

    private static func status(
        _ provider: String = "aws-bedrock", _ mechanism: String? = "irsa", ready: Bool = true,
        _ reason: String = "Ready",
        pods: JSONValue = [:]
    ) -> JSONValue {
        var entry: JSONValue = ["name": .string(provider), "ready": .bool(ready), "reason": .string(reason)]
        entry["mechanism"] = mechanism.map { .string($0) }
        return ["providers": [entry], "pods": pods]
    }

    private static func sort(
        _ provider: String = "aws-bedrock", _ mechanism: String = "irsa", ready: Bool = true, _ reason: String = "Ready"
    ) -> IdentityTally.Sort {
        .identity(provider: provider, mechanism: mechanism, isReady: ready, reason: reason)
    }

    @Test("each change moves what changed and nothing else, and what is gone is forgotten")
    func follows() {
        var tally = Self.empty
        #expect(tally.replace(nil, by: Self.status(pods: ["total": 3, "current": 2, "stale": 1])).count == 3)
        #expect(tally.replace(nil, by: Self.status(pods: ["total": 1, "current": 1, "stale": 0])).count == 2)
        #expect(tally.counts == [Self.sort(): 2, .pod(state: "current"): 3, .pod(state: "stale"): 1])

        let blocked = Self.status("aws-bedrock", nil, ready: false, "NoMechanism")
        let old = Self.status(pods: ["total": 3, "current": 2, "stale": 1])
        let changed = tally.replace(old, by: blocked)
        let lost = Self.sort("aws-bedrock", "none", ready: false, "NoMechanism")
        #expect(changed == [Self.sort(), lost, .pod(state: "current"), .pod(state: "stale")])
        #expect(tally.counts == [Self.sort(): 1, lost: 1, .pod(state: "current"): 1])

        _ = tally.replace(blocked, by: nil)
        _ = tally.replace(Self.status(pods: ["current": 1]), by: nil)
        #expect(tally.counts.isEmpty)
    }

    @Test("mechanisms are told together where a provider has several")
    func severalMechanisms() {
        var tally = Self.empty
        _ = tally.replace(nil, by: Self.status("aws-bedrock", "eks-pod-identity,irsa"))
        #expect(tally.counts == [Self.sort("aws-bedrock", "eks-pod-identity,irsa"): 1])
    }

    @Test(
        "what somebody else wrote into a status makes no series without bound",
        arguments: [
            ["providers": [["name": "ai/llm", "ready": true]]], ["providers": "x", "pods": "y"], [:],
            ["providers": [1, .null, ["name": 5]]], ["pods": ["current": -3, "stale": "many", "lacking": 5_000_000]],
        ] as [JSONValue])
    func ignores(status: JSONValue) {
        var tally = Self.empty
        #expect(tally.replace(nil, by: status).isEmpty)
        #expect(tally.replace(status, by: nil).isEmpty)
        #expect(tally.counts.isEmpty)
    }

    @Test("reasons beyond a number are one, whenever they are seen again")
    func boundsReasons() {
        var tally = Self.empty
        let statuses = (0..<500).map { Self.status(ready: false, "Reason\($0)") }
        for status in statuses { _ = tally.replace(nil, by: status) }
        #expect(tally.counts.count == 101)
        #expect(tally.counts[Self.sort(ready: false, "Other")] == 400)
        for status in statuses.reversed() { _ = tally.replace(status, by: nil) }
        #expect(tally.counts.isEmpty)
        let long = Self.status(ready: false, String(repeating: "x", count: 65))
        _ = tally.replace(nil, by: long)
        #expect(tally.counts == [Self.sort(ready: false, "Other"): 1])
    }
}
