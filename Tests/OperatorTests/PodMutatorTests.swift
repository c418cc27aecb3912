import AdmissionWebhook
import JSON
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(1))) struct PodMutatorTests {
    private static let role = [
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "eu-west-1",
    ]
    private static let forged = ["lanyard.dev/plan": "0123456789ab", "lanyard.dev/injected": "openai=external-secret"]

    private let cluster = FakeCluster()

    private static func pod(
        _ annotations: [String: String], labels: [String: String] = [:],
        containers: JSONValue = [["name": "app", "image": "app:1"]]
    ) -> JSONValue {
        [
            "metadata": ["annotations": .object(JSONObject(annotations)), "labels": .object(JSONObject(labels))],
            "spec": ["serviceAccountName": "llm", "containers": containers],
        ]
    }

    private func review(_ pod: JSONValue, isByNode: Bool = false) async throws -> AdmissionResponse {
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "v1", kind: "Pod"), resource: .init(version: "v1", resource: "pods"),
            namespace: "ai", isByNode: isByNode)
        return try await PodMutator(planner: cluster.planner(), client: cluster.client)
            .review(request, of: PodManifest(pod), replacing: nil)
    }

    /// The pod's stamps after the review.
    private func stamps(_ pod: JSONValue, _ response: AdmissionResponse) throws -> [String?] {
        let result = try response.patch.map { try pod.applying($0) } ?? pod
        let annotations = result["metadata"]?["annotations"]
        return ["lanyard.dev/plan", "lanyard.dev/injected"].map { annotations?[$0]?.string }
    }

    enum Case: CaseIterable {
        case noServiceAccount, asksForNothing, exempt, malformed, blocked, mirrored
    }

    /// Attack D8: a copied stamp on a pod that gets nothing would count as current.
    @Test("stamps that a pod brings are emptied wherever nothing is injected", arguments: Case.allCases)
    func emptiesStamps(what: Case) async throws {
        var pod = Self.pod(Self.forged)
        switch what {
        case .noServiceAccount: break
        case .asksForNothing: cluster.add(serviceAccount: "llm", [:])
        case .exempt:
            cluster.add(serviceAccount: "llm", Self.role)
            pod = Self.pod(Self.forged, labels: ["lanyard.dev/inject": "false"])
        case .malformed:
            cluster.add(serviceAccount: "llm", Self.role)
            pod = Self.pod(Self.forged, containers: [["name": "app", "env": "text"]])
        case .blocked: cluster.add(serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "bedrock"])
        case .mirrored:
            cluster.add(serviceAccount: "llm", Self.role)
            pod = Self.pod(Self.forged.merging(["kubernetes.io/config.mirror": "x"]) { $1 })
        }
        let response = try await review(pod)
        #expect(response.allowed)
        #expect(try stamps(pod, response) == ["", ""])
        #expect(response.auditAnnotations.isEmpty)

        // Again, as the API server may: nothing more to change.
        let emptied = try pod.applying(try #require(response.patch))
        #expect(try await review(emptied).patch == nil)
        // Who brings none gets none.
        pod["metadata"]?["annotations"]?["lanyard.dev/plan"] = nil
        pod["metadata"]?["annotations"]?["lanyard.dev/injected"] = nil
        #expect(try await review(pod).patch == nil)
    }

    @Test("stamps that a pod brings are replaced where something is injected, or all is the pod's own")
    func replacesStamps() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let plain = Self.pod([:])
        let right = try stamps(plain, try await review(plain))
        #expect(right == [right[0], "aws-bedrock=irsa"] && right[0]?.isEmpty == false)
        let forged = Self.pod(Self.forged)
        #expect(try stamps(forged, try await review(forged)) == right)

        let own = Self.pod(
            Self.forged,
            containers: [
                ["name": "app", "env": [["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://x"]]]
            ])
        let kept = try stamps(own, try await review(own))
        #expect(kept == [right[0], "aws-bedrock=own"])
    }

    /// Attack D7.
    @Test("the mirror annotation leaves alone what a node shows, and nothing else")
    func knowsMirrorPods() async throws {
        let mirror = ["kubernetes.io/config.mirror": "x"]
        let required = Self.pod(mirror, labels: ["lanyard.dev/inject": "required"])
        #expect(try await review(required, isByNode: true) == .allowed())
        #expect(
            try await review(required).refusal?.message == """
                the pod is annotated kubernetes.io/config.mirror, which is for nodes alone to write: it can have no \
                credentials, so nothing is injected; remove the annotation
                """)
        let response = try await review(Self.pod(mirror))
        #expect(response.allowed && response.patch == nil && response.warnings.count == 1)
        #expect(cluster.reads.isEmpty)
    }
}
