import AdmissionWebhook
import JSON
import KubernetesClient
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct PodMutatorTests {
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
        let mutator = PodMutator(planner: cluster.planner(), client: cluster.client)
        let response = try await mutator.review(request, of: PodManifest(pod), replacing: nil)
        if let prompt = mutator.promptReview(request, of: PodManifest(pod), replacing: nil) {
            #expect(prompt == response)
        }
        return response
    }

    @Test("answers at once where the ServiceAccount is known, or does not matter, and asks the API server otherwise")
    func prompt() {
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "v1", kind: "Pod"), resource: .init(version: "v1", resource: "pods"),
            namespace: "ai")
        func prompt(_ pod: JSONValue) -> AdmissionResponse? {
            PodMutator(planner: cluster.planner(), client: cluster.client)
                .promptReview(request, of: PodManifest(pod), replacing: nil)
        }
        #expect(prompt(Self.pod([:])) == nil)
        #expect(prompt(Self.pod(["kubernetes.io/config.mirror": "x"])) != nil)
        cluster.add(serviceAccount: "llm", Self.role)
        #expect(prompt(Self.pod([:]))?.patch != nil)
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

    // MARK: Answers

    private static let off = ["lanyard.dev/inject": "false"]
    private static let required = ["lanyard.dev/inject": "required"]
    private static let bad = ["eks.amazonaws.com/role-arn": "bedrock"]
    private static let denial = "the pod is labelled lanyard.dev/inject=required, but "

    @Test("the label of the API server's own policy stays while it goes with the plan that the webhook knows, too")
    func believesPolicyOfSamePlan() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        func labels(_ annotations: [String: String]) async throws -> JSONValue? {
            let marked = Self.required.merging(["lanyard.dev/injected-by": "policy"]) { $1 }
            let pod = Self.pod(annotations, labels: marked)
            let response = try await review(pod)
            return try pod.applying(try #require(response.patch))["metadata"]?["labels"]
        }
        let plan = try stamps(Self.pod([:]), try await review(Self.pod([:])))[0] ?? ""
        let required: JSONValue = ["lanyard.dev/inject": "required"]
        #expect(try await labels([:]) == required)
        #expect(try await labels(Self.forged) == required)
        #expect(
            try await labels(["lanyard.dev/plan": plan])
                == ["lanyard.dev/inject": "required", "lanyard.dev/injected-by": "policy"])
    }

    @Test("a pod gets what its ServiceAccount asks for, and the audit log what it got")
    func injects() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let pod = Self.pod([:])
        let response = try await review(pod)
        #expect(response.allowed && response.warnings.isEmpty)
        #expect(response.auditAnnotations == ["injected": "aws-bedrock=irsa"])
        let result = try pod.applying(try #require(response.patch))
        let variables = result["spec"]?["containers"]?.array?.first?["env"]?.array ?? []
        #expect(variables.contains(["name": "AWS_REGION", "value": "eu-west-1"]))
        #expect(cluster.reads.isEmpty)
    }

    @Test("a pod is told all that is wrong, with its ServiceAccount and with itself, errors first; and it is admitted")
    func warns() async throws {
        cluster.add(serviceAccount: "llm", Self.bad.merging(["lanyard.dev/aws-regoin": "x"]) { $1 })
        let warnings = try await review(Self.pod(["lanyard.dev/foo": "bar"])).warnings
        #expect(warnings.count == 3, "\(warnings)")
        #expect(warnings.allSatisfy { $0.hasPrefix("lanyard: ") })
        #expect(warnings[0].contains("role-arn"))
        #expect(warnings.dropFirst().contains { $0.contains("lanyard.dev/aws-regoin") })
        #expect(warnings.dropFirst().contains { $0.contains("lanyard.dev/foo") })
    }

    @Test("a pod that is left alone is told so, if it asks for something")
    func tellsExemption() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let response = try await review(Self.pod([:], labels: Self.off))
        #expect(response.allowed && response.patch == nil && response.auditAnnotations.isEmpty)
        #expect(response.warnings.count == 1)
        #expect(response.warnings[0].hasPrefix("lanyard: nothing is injected: "), "\(response.warnings)")

        cluster.add(serviceAccount: "llm", [:])
        #expect(try await review(Self.pod([:], labels: Self.off)) == .allowed())
    }

    @Test("a pod that requires its credentials is denied whatever keeps them from it")
    func denies() async throws {
        let pod = Self.pod([:], labels: Self.required)
        let absent = try await review(pod)
        #expect(
            absent.refusal?.message == Self.denial
                + "ServiceAccount ai/llm was not found, so nothing can be injected; add its manifest")
        for (annotations, reason) in [
            ([:], "ServiceAccount ai/llm asks for no provider"),
            (Self.bad, "eks.amazonaws.com/role-arn is \"bedrock\""),
            (Self.role.merging(Self.off) { $1 }, "ServiceAccount ai/llm is annotated lanyard.dev/inject=false"),
        ] as [([String: String], String)] {
            cluster.add(serviceAccount: "llm", annotations)
            let response = try await review(pod)
            #expect(response.refusal?.message.hasPrefix(Self.denial) == true)
            #expect(response.refusal?.message.contains(reason) == true, "\(response)")
            #expect(response.patch == nil)
        }
        cluster.add(serviceAccount: "llm", Self.role)
        #expect(try await review(pod).patch != nil)
    }

    @Test("a denied pod is told what else is wrong, and nothing twice")
    func warnsBesideDenial() async throws {
        cluster.add(serviceAccount: "llm", Self.bad.merging(["lanyard.dev/aws-regoin": "x"]) { $1 })
        let response = try await review(Self.pod([:], labels: Self.required))
        let message = try #require(response.refusal?.message)
        #expect(response.warnings.count == 1 && response.warnings[0].contains("lanyard.dev/aws-regoin"))
        #expect(!message.contains("lanyard.dev/aws-regoin"))
    }

    @Test("a pod whose ServiceAccount was not found is told so; one without any runs as default")
    func tellsAbsence() async throws {
        #expect(
            try await review(Self.pod([:])).warnings == [
                "lanyard: ServiceAccount ai/llm was not found, so nothing can be injected; add its manifest"
            ])
        #expect(cluster.reads == ["/api/v1/namespaces/ai/serviceaccounts/llm"])
        var pod = Self.pod([:])
        pod["spec"]?["serviceAccountName"] = nil
        cluster.add(serviceAccount: "default", Self.role)
        #expect(try await review(pod).auditAnnotations["injected"] == "aws-bedrock=irsa")
    }

    @Test("if the API server does not answer there is no verdict, and the failurePolicy decides")
    func throwsIfDown() async throws {
        let down = FakeCluster(isDown: true)
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "v1", kind: "Pod"), resource: .init(version: "v1", resource: "pods"),
            namespace: "ai")
        let mutator = PodMutator(planner: down.planner(), client: down.client)
        await #expect(throws: (any Error).self) {
            try await mutator.review(request, of: PodManifest(Self.pod([:])), replacing: nil)
        }
    }

    // MARK: What is reviewed

    private func review(
        _ pod: JSONValue?, replacing old: JSONValue? = nil, _ operation: AdmissionRequest.Operation,
        _ resource: String = "pods", group: String = "", subResource: String = ""
    ) async throws -> AdmissionResponse {
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "v1", kind: "Pod"),
            resource: .init(group: group, version: "v1", resource: resource), subResource: subResource,
            namespace: "ai", operation: operation)
        return try await PodMutator(planner: cluster.planner(), client: cluster.client)
            .review(request, of: pod.map { PodManifest($0) }, replacing: old.map { PodManifest($0) })
    }

    @Test("only pods are injected, as they are created")
    func leavesOthersAlone() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let pod = Self.pod([:])
        #expect(try await review(pod, .create).patch != nil)
        #expect(try await review(nil, .create) == .allowed())
        #expect(try await review(pod, .update) == .allowed())
        #expect(try await review(pod, .delete) == .allowed())
        #expect(try await review(pod, .create, "deployments", group: "apps") == .allowed())
        #expect(try await review(pod, .create, group: "example.com") == .allowed())
        #expect(try await review(pod, .create, subResource: "binding") == .allowed())
    }

    @Test("a container that is attached to a running pod gets what its pod has, and is never denied")
    func injectsAttached() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let created = Self.pod([:], labels: Self.required)
        let running = try created.applying(try #require(try await review(created).patch))
        func attaching(to pod: JSONValue) -> JSONValue {
            var pod = pod
            pod["spec"]?["ephemeralContainers"] = [["name": "debug", "image": "debug:1"]]
            return pod
        }
        let attached = attaching(to: running)
        let response = try await review(attached, replacing: running, .update, subResource: "ephemeralcontainers")
        #expect(response.allowed && response.auditAnnotations == ["injected": "aws-bedrock=irsa"])
        let result = try attached.applying(try #require(response.patch))
        let variables = result["spec"]?["ephemeralContainers"]?.array?.first?["env"]?.array ?? []
        #expect(variables.contains(["name": "AWS_REGION", "value": "eu-west-1"]))
        #expect(result["spec"]?["containers"] == running["spec"]?["containers"])

        // A pod that was created before its ServiceAccount asked for anything has no volume to mount.
        let old = try await review(
            attaching(to: created), replacing: created, .update, subResource: "ephemeralcontainers")
        #expect(old.allowed && old.patch == nil && old.warnings.count == 1, "\(old)")
    }
}
