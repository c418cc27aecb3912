import AdmissionWebhook
import JSON
import MetricsTestKit
import PodInjection
import Testing
import WorkloadIdentity

@testable import Operator

/// What is counted and logged of an admission.
@Suite(.timeLimit(.minutes(5))) struct InjectionRecordTests {
    private let cluster = FakeCluster()
    private let metrics = TestMetrics()

    private static let role = [
        "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock", "lanyard.dev/aws-region": "eu-west-1",
    ]
    private static let app: JSONValue = ["name": "app", "image": "app:1"]

    private static func pod(
        labels: [String: String] = [:], containers: [JSONValue] = [app], ephemeral: [JSONValue] = []
    ) -> JSONValue {
        [
            "metadata": [
                "generateName": "app-6d4-", "labels": .object(JSONObject(labels)),
                "ownerReferences": [
                    ["kind": "ConfigMap", "name": "other"],
                    ["apiVersion": "apps/v1", "kind": "ReplicaSet", "name": "app-6d4", "controller": true],
                ],
            ],
            "spec": [
                "serviceAccountName": "llm", "containers": .array(containers), "ephemeralContainers": .array(ephemeral),
            ],
        ]
    }

    private func review(
        _ pod: JSONValue, before old: JSONValue? = nil, isDryRun: Bool = false
    ) async throws -> AdmissionResponse {
        let request = AdmissionRequest(
            uid: "1", kind: .init(version: "v1", kind: "Pod"), resource: .init(version: "v1", resource: "pods"),
            subResource: old == nil ? "" : "ephemeralcontainers", namespace: "ai",
            operation: old == nil ? .create : .update, dryRun: isDryRun)
        return try await PodMutator(planner: cluster.planner(), client: cluster.client, metrics: metrics)
            .review(request, of: PodManifest(pod), replacing: old.map { PodManifest($0) })
    }

    private func count(_ provider: String, _ mechanism: String, _ outcome: String) -> Int64 {
        metrics.counterTotal(
            label: "lanyard_injections_total",
            dimensions: [("provider", provider), ("mechanism", mechanism), ("outcome", outcome)])
    }

    @Test("a pod that is injected is one line: which, whose, and what it got")
    func injected() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let response = try await review(Self.pod())
        #expect(
            response.record
                == AdmissionRecord(
                    "credentials injected",
                    [
                        "name": "app-6d4-", "owner": "ReplicaSet app-6d4", "serviceaccount": "llm",
                        "providers": "aws-bedrock=irsa", "outcome": "injected",
                    ]))
        #expect(count("aws-bedrock", "irsa", "injected") == 1)

        // The API server asks again after other webhooks, and there is nothing to do.
        let result = try Self.pod().applying(try #require(response.patch))
        #expect(try await review(result).record == nil)
        #expect(count("aws-bedrock", "irsa", "injected") == 1)
        #expect(count("aws-bedrock", "irsa", "present") == 1)
    }

    @Test("what a container has of its own is counted, and no news")
    func own() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        var app = Self.app
        app["env"] = [["name": "AWS_CONTAINER_CREDENTIALS_FULL_URI", "value": "http://x"]]
        #expect(try await review(Self.pod(containers: [app])).record == nil)
        #expect(count("aws-bedrock", "none", "own") == 1)
    }

    @Test("a provider that is left out, or has no mechanism, is a line that names it")
    func leftOut() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        var pod = Self.pod()
        pod["spec"]?["volumes"] = [["name": "aws-iam-token", "emptyDir": [:]]]
        let lacking = try #require(try await review(pod).record)
        #expect(lacking.message == "credentials left out")
        #expect(lacking.fields["providers"] == "aws-bedrock=lacking" && lacking.fields["outcome"] == "lacking")
        #expect(count("aws-bedrock", "irsa", "lacking") == 1)

        cluster.add(serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "bedrock"])
        let blocked = try #require(try await review(Self.pod()).record)
        #expect(blocked.message == "credentials left out")
        #expect(blocked.fields["providers"] == "aws-bedrock=blocked" && blocked.fields["outcome"] == "blocked")
        #expect(count("aws-bedrock", "none", "blocked") == 1)
    }

    @Test("a pod that is denied is a line, whether or not it is known what it asks for", arguments: [true, false])
    func denied(isKnown: Bool) async throws {
        if isKnown { cluster.add(serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "bedrock"]) }
        let response = try await review(Self.pod(labels: ["lanyard.dev/inject": "required"]))
        #expect(!response.allowed)
        let record = try #require(response.record)
        #expect(record.message == "admission denied")
        #expect(record.fields["owner"] == "ReplicaSet app-6d4" && record.fields["serviceaccount"] == "llm")
        #expect(record.fields["providers"] == (isKnown ? "aws-bedrock=denied" : nil))
        #expect(count("aws-bedrock", "none", "denied") == (isKnown ? 1 : 0))
    }

    @Test("who asks for nothing, and who is left alone, is no line and not counted", arguments: [true, false])
    func unasked(isExempt: Bool) async throws {
        cluster.add(serviceAccount: "llm", isExempt ? Self.role : [:])
        let labels = isExempt ? ["lanyard.dev/inject": "false"] : [:]
        #expect(try await review(Self.pod(labels: labels)).record == nil)
        #expect(metrics.counters.isEmpty)
    }

    @Test("a dry run is not counted")
    func dryRun() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        #expect(try await review(Self.pod(), isDryRun: true).record?.message == "credentials injected")
        #expect(metrics.counters.isEmpty)
    }

    @Test("a container that is attached later is a line, if it gets something")
    func attached() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        let bare = Self.pod()
        let pod = try bare.applying(try #require(try await review(bare).patch))
        var attached = pod
        attached["spec"]?["ephemeralContainers"] = [["name": "debug", "image": "debug:1"]]
        let record = try #require(try await review(attached, before: pod).record)
        #expect(record.message == "credentials injected" && record.fields["providers"] == "aws-bedrock=irsa")
        #expect(count("aws-bedrock", "irsa", "injected") == 2)
    }

    @Test("names of any length or content make one line of bounded length")
    func hostileNames() async throws {
        cluster.add(serviceAccount: "llm", Self.role)
        var pod = Self.pod()
        pod["metadata"]?["generateName"] = .string(String(repeating: "x\n", count: 10_000))
        pod["metadata"]?["ownerReferences"] = [
            ["kind": .string(String(repeating: "y", count: 10_000)), "name": 5, "controller": true], 7, .null,
        ]
        let fields = try #require(try await review(pod).record).fields
        #expect(fields.values.allSatisfy { $0.count <= 320 })
    }
}
