import InMemoryLogging
import JSON
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import ServiceLifecycle
import WorkloadIdentity

@testable import Operator

/// The stores and controllers as the leader runs them, against an API server that is none.
struct RunningControllers {
    let server = FakeAPIServer()
    let metrics = TestMetrics()
    let log = InMemoryLogHandler()
    var facts = PlatformFacts.offline(.eks)
    var configuration = Configuration()
    var trial: TrustTrial?

    init() {
        put("/apis/batch/v1", ["resources": [["name": "cronjobs", "kind": "CronJob", "namespaced": true]]])
        put("/api/v1/namespaces/ai", [:])
    }

    /// Runs them while `body` waits for what they do.
    func running(_ body: (WorkloadIdentityControllers) async throws -> Void) async throws {
        let logger = Logger(label: "test") { [log] _ in log }
        let stores = AdmissionStores(client: server.client, metrics: metrics, logger: logger)
        let workloads = try await WorkloadStores(client: server.client, metrics: metrics, logger: logger)
        let events = EventRecorder(
            client: server.client, controller: "lanyard.dev/controller", instance: "test", metrics: metrics,
            logger: logger)
        let controllers = WorkloadIdentityControllers(
            client: server.client, planner: Planner(stores: stores, facts: facts, configuration: configuration),
            stores: workloads, namespace: "lanyard-system",
            keepsPlanSets: configuration.injection.keepsPlanSets, trial: trial, events: events, metrics: metrics,
            logger: logger)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for service in stores.services + workloads.services + controllers.services + [events] {
                group.addTask { try await service.run() }
            }
            try await stores.waitUntilSynced()
            try await workloads.waitUntilSynced()
            try await body(controllers)
            group.cancelAll()
        }
    }

    // MARK: What there is

    func put(_ path: String, _ object: JSONValue) { server.put(path, object) }

    static let role = ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"]

    func add(serviceAccount name: String, _ annotations: [String: String]) {
        put(
            "/api/v1/namespaces/ai/serviceaccounts/\(name)",
            ["metadata": ["annotations": .object(JSONObject(annotations))]])
    }

    func add(_ plural: String, _ name: String, as serviceAccount: String, annotations: [String: String] = [:]) {
        put(
            "/apis/apps/v1/namespaces/ai/\(plural)/\(name)",
            [
                "metadata": ["uid": .string("uid-\(name)")],
                "spec": [
                    "template": [
                        "metadata": ["annotations": .object(JSONObject(annotations))],
                        "spec": ["serviceAccountName": .string(serviceAccount)],
                    ]
                ],
                "status": ["conditions": [["type": "Available", "status": "True"]]],
            ])
    }

    /// A pod, perhaps of a DaemonSet.
    func add(
        pod name: String, as serviceAccount: String, of daemonSet: String? = nil, _ annotations: [String: String] = [:]
    ) {
        let owners = daemonSet.map { name in
            OwnerReference(
                apiVersion: "apps/v1", kind: "DaemonSet", name: name, uid: "uid-\(name)", isController: true)
        }
        put(
            "/api/v1/namespaces/ai/pods/\(name)",
            [
                "metadata": [
                    "uid": .string("uid-\(name)"), "annotations": .object(JSONObject(annotations)),
                    "ownerReferences": .array(owners.map { [$0.json] } ?? []),
                ],
                "spec": ["serviceAccountName": .string(serviceAccount)],
            ])
    }

    // MARK: What comes of it

    static func identityPath(_ name: String) -> String {
        "/apis/lanyard.dev/v1alpha1/namespaces/ai/workloadidentities/\(name)"
    }

    func identity(_ name: String) -> JSONValue? { server[Self.identityPath(name)] }

    /// The status and reason of a condition.
    func condition(_ type: String, of path: String) -> [String]? {
        let condition = (server[path]?["status"]?["conditions"]?.array ?? []).first { $0["type"]?.string == type }
        return condition.map { [$0["status"]?.string ?? "", $0["reason"]?.string ?? ""] }
    }

    func ready(_ name: String) -> [String]? { condition("Ready", of: Self.identityPath(name)) }

    func lines(_ message: String) -> [Logger.Metadata] {
        log.entries.filter { "\($0.message)" == message }.map(\.metadata)
    }

    func gauge(_ label: String, _ dimensions: [(String, String)]) -> Double? {
        try? metrics.expectGauge(label, dimensions).lastValue
    }
}
