import JSON
import KubernetesModel
import KubernetesRuntime
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct StatusEventsTests {
    private typealias Fixture = StatusFixture

    private static let account = ObjectReference(apiVersion: "v1", kind: "ServiceAccount", namespace: "ai", name: "llm")
    private static let key = "StaticCredential: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set"

    /// The object as it stands after a status has been written.
    private static func object(_ status: WorkloadIdentityStatus?) throws -> WorkloadIdentityObject {
        var json: JSONValue = ["metadata": ["name": "llm", "namespace": "ai"]]
        json["status"] = status?.json(replacing: [], at: Timestamp(seconds: 1_000))
        return try WorkloadIdentityObject(parsing: json.serialized())
    }

    /// What is told after a change, in words.
    private static func told(_ before: WorkloadIdentityStatus?, _ now: WorkloadIdentityStatus) throws -> [String] {
        now.events(since: try object(before), about: account).map {
            "\($0.regarding.kind) \($0.regarding.name) \($0.severity.rawValue) \($0.reason): \($0.note)"
        }
    }

    private static func status(_ annotations: [String: String], _ problems: [[String]] = []) -> WorkloadIdentityStatus {
        let plan = Fixture.plan(annotations)
        let pods = problems.enumerated().map { index, problems in
            Fixture.pod(
                "app-\(index)", plan: plan.hash, injected: "aws-bedrock=irsa", problems: problems,
                of: ("StatefulSet", "app"))
        }
        return Fixture.status(annotations, pods: pods)
    }

    @Test("whether it is ready is told as it changes, and not again")
    func tellsReadiness() throws {
        let good = Self.status(Fixture.aws)
        let bad = Fixture.status(Fixture.aws, pods: [Fixture.pod("p")])
        #expect(try Self.told(nil, good) == ["ServiceAccount llm Normal Ready: aws-bedrock by irsa"])
        #expect(try Self.told(good, good).isEmpty)
        let told = try Self.told(good, bad)
        #expect(told.count == 1)
        #expect(told.first?.hasPrefix("ServiceAccount llm Warning PodsNotInjected: 1 of 1 pod was created ") == true)
        #expect(try Self.told(bad, bad).isEmpty)
    }

    @Test("another identity is told with the old one and the new one")
    func tellsIdentity() throws {
        let other = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/other"]
        #expect(
            try Self.told(Self.status(Fixture.aws), Self.status(other)) == [
                """
                ServiceAccount llm Normal IdentityChanged: aws-bedrock: \(Fixture.role) before, now \
                arn:aws:iam::111122223333:role/other, for pods that are created from now on
                """
            ])
        #expect(try Self.told(Self.status(Fixture.azure), Self.status(Fixture.aws)).isEmpty)
    }

    @Test("a problem of a workload is told once on the workload, whichever pod has it")
    func tellsProblems() throws {
        let well = Self.status(Fixture.aws, [[]])
        let one = Self.status(Fixture.aws, [[], [Self.key]])
        let two = Self.status(Fixture.aws, [[Self.key], [Self.key, "Other: else"]])
        #expect(
            try Self.told(well, one) == [
                "StatefulSet app Warning StaticCredential: aws-bedrock: container app: AWS_ACCESS_KEY_ID is set"
            ])
        #expect(try Self.told(one, one).isEmpty)
        #expect(try Self.told(one, two) == ["StatefulSet app Warning Other: else"])
        #expect(try Self.told(two, well).isEmpty)
    }

    @Test("where the installed definition drops what was told, it is not told each time")
    func tellsNothingForgotten() throws {
        let status = Self.status(Fixture.aws, [[Self.key]])
        var object = try Self.object(status)
        object.status["workloads"] = [["kind": "StatefulSet", "name": "app"]]
        #expect(status.events(since: object, about: Self.account).map(\.reason) == ["StaticCredential"])
        object.status["pods"]?["lacking"] = nil
        #expect(status.events(since: object, about: Self.account).isEmpty)
    }

    @Test("what a reader of the object finds in it is what was reported")
    func readsBack() throws {
        var status = Self.status(Fixture.aws, [[Self.key]])
        status.secretObjects = [SecretObjectReference(SecretObject(kind: .externalSecret, name: "x", spec: [:]))]
        status.readiness.fail(["aws-bedrock": .init(message: "no such path")])
        let object = try Self.object(status)
        #expect(object.identities == ["aws-bedrock": Fixture.role])
        #expect(object.secretFailures == ["aws-bedrock": .init(message: "no such path")])
        #expect(object.problems(ofKind: "StatefulSet", name: "app") == [StatusProblem(stamp: Self.key)])
        #expect(object.problems(ofKind: "StatefulSet", name: "other").isEmpty)
        #expect(try Self.object(nil).secretFailures.isEmpty)
    }
}
