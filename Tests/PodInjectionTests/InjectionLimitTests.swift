import JSON
import PodInjection
import Testing
import WorkloadIdentity

/// Admission sees a pod before anybody has bounded what is in it.
@Suite struct InjectionLimitTests {
    private static func plan(_ annotations: [String: String] = [:]) -> Plan {
        Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: InjectionTests.aws,
            pod: PodContext(annotations: annotations), facts: .offline(.eks, isPublic: true),
            configuration: Configuration())
    }

    @Test("a name of megabytes is not repeated in each message")
    func boundsNames() {
        let skipped = (0..<100).map { "c\($0)" }.joined(separator: ",")
        let name = String(repeating: "n", count: 1_000_000)
        let injection = Injection(
            of: Self.plan(["lanyard.dev/skip-containers": skipped]),
            into: ["spec": ["containers": [["name": .string(name)]]]])
        #expect(injection.problems.count { $0.reason == .unknownContainer } > 50)
        #expect(injection.problems.allSatisfy { $0.message.utf8.count < 1000 })
    }

    @Test("of very many problems the first hundred are told")
    func boundsProblems() {
        let containers: [JSONValue] = (0..<900).map { index in
            ["name": .string("c\(index)"), "env": [["name": "AWS_ACCESS_KEY_ID", "value": "x"]]]
        }
        let injection = Injection(of: Self.plan(), into: ["spec": ["containers": .array(containers)]])
        #expect(injection.problems.count == 100)
        #expect(!injection.injected.isEmpty)
    }

    @Test("an error is told after a hundred warnings, too")
    func keepsErrors() {
        let skipped = (0..<100).map { "c\($0)" }.joined(separator: ",")
        let injection = Injection(
            of: Self.plan(["lanyard.dev/skip-containers": skipped]),
            into: [
                "spec": ["containers": [["name": "app"]], "volumes": [["name": "aws-iam-token", "emptyDir": [:]]]]
            ])
        #expect(injection.problems.contains { $0.reason == .volumeNameTaken })
    }

    @Test("a pod with more containers than any node runs gets nothing, and is told so")
    func boundsContainers() throws {
        let containers: [JSONValue] = (0..<1001).map { ["name": .string("c\($0)")] }
        let injection = Injection(of: Self.plan(), into: ["spec": ["containers": .array(containers)]])
        #expect(injection.patch.isEmpty && injection.injected.isEmpty && injection.leftOut.count == 1)
        #expect(try #require(injection.problems.first).message.contains("more than 1000 containers"))
    }
}
