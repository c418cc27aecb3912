import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import NIOCore
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

/// What is written of one ServiceAccount, and when.
@Suite(.timeLimit(.minutes(5))) struct WorkloadIdentityReconcilerTests {
    /// Keeps the report as an API server does, and tells the watch of it.
    private final class Server: KubernetesTransport {
        let identities = StoreWriter<WorkloadIdentityObject>()
        private let state = Mutex((object: JSONValue.null, version: 0, requests: [String]()))

        /// What has been asked since this was last asked.
        func requests() -> [String] {
            state.withLock { state in
                defer { state.requests = [] }
                return state.requests
            }
        }

        var status: JSONValue { state.withLock { $0.object["status"] ?? .null } }

        func withResponse<Result: Sendable>(
            to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
        ) async throws -> Result {
            let answer = try state.withLock { state in
                let sent = try request.body.isEmpty ? .null : JSONValue(parsing: request.body)
                let isEvent = request.path.hasSuffix("/events")
                let path = request.path.split(separator: "/").suffix(isEvent ? 1 : 2).joined(separator: "/")
                let about =
                    isEvent ? " \(sent["regarding"]?["name"]?.string ?? "") \(sent["reason"]?.string ?? "")" : ""
                state.requests.append("\(request.method.rawValue) \(path)\(about)")
                guard !isEvent else { return sent }
                state.version += 1
                if request.method == .post {
                    state.object = sent
                    state.object["metadata"]?["namespace"] = "ai"
                    state.object["metadata"]?["uid"] = "uid-wid"
                } else {
                    state.object["status"] = sent["status"]
                }
                state.object["metadata"]?["resourceVersion"] = .string("\(state.version)")
                return state.object
            }
            if !request.path.hasSuffix("/events") {
                identities.set(try WorkloadIdentityObject(parsing: answer.serialized()))
            }
            var chunks = [ByteBuffer(bytes: answer.serialized())]
            var response = KubernetesResponse(statusCode: 200, retryAfter: nil) { chunks.popLast() }
            return try await body(&response)
        }
    }

    private let key = ObjectKey(namespace: "ai", name: "llm")
    private let server = Server()
    private let cluster = FakeCluster()
    private let watched = StoreWriter<PartialObjectMetadata<Pod>>(indexes: [.namespace, .secretObjects])
    private let events: EventRecorder
    private let reconciler: WorkloadIdentityReconciler
    private let pods: PodsByServiceAccount

    init() {
        let client = KubernetesClient(transport: server, fieldManager: "test")
        events = EventRecorder(
            client: client, controller: "lanyard.dev/test", instance: "test", metrics: TestMetrics(),
            logger: Logger(label: "test"))
        let stores = WorkloadStores(
            replicaSets: StoreWriter<PartialObjectMetadata<ReplicaSet>>().store, pods: watched.store,
            identities: server.identities.store)
        pods = PodsByServiceAccount(pods: watched.store)
        let pods = pods
        watched.store.observe { _ = pods.note($0) }
        reconciler = WorkloadIdentityReconciler(
            client: client, planner: cluster.planner(), stores: stores, pods: pods,
            stamps: StampVerification { _ in PodTemplate() },
            keys: IssuerKeyWatch(
                client: client, namespace: "lanyard-system", facts: { .offline(.eks) }, providersInUse: { [] },
                metrics: TestMetrics(), logger: Logger(label: "test")),
            planSets: nil, trust: nil, refreshes: CredentialRefreshes(metrics: TestMetrics()), events: events)
        cluster.add(serviceAccount: "llm", StatusFixture.aws)
    }

    private func add(_ pod: ObjectMetadata) {
        watched.set(PartialObjectMetadata(metadata: pod))
        pods.resolve([pod.uid: "llm"], in: "ai")
    }

    /// What a look at the ServiceAccount costs, with the events.
    private func requests() async throws -> [String] {
        _ = try await reconciler.reconcile(key)
        await events.writeRest()
        return server.requests()
    }

    @Test("the first report takes one POST and one PUT; while all stays as it is nothing is asked or written")
    func writesOnce() async throws {
        #expect(
            try await requests() == [
                "POST ai/workloadidentities", "PUT llm/status", "POST events llm Ready",
            ])
        #expect(try await requests().isEmpty)
        #expect(server.status["providers"]?.array?.first?["identity"]?.string == StatusFixture.role)
    }

    @Test("pods that come are counted, named and told of, with one PUT for each change")
    func reportsPods() async throws {
        _ = try await requests()
        let hash = try #require(
            reconciler.planner.plan(for: Subject(key), reconciler.planner.stores.serviceAccounts[key]).hash)
        add(StatusFixture.pod("good", plan: hash, injected: "aws-bedrock=irsa"))
        #expect(try await requests() == ["PUT llm/status"])
        add(StatusFixture.pod("bad", plan: hash, injected: "aws-bedrock=lacking", problems: ["StaticCredential: m"]))
        #expect(
            try await requests() == [
                "PUT llm/status", "POST events llm PodsLackCredentials", "POST events bad StaticCredential",
            ])
        #expect(server.status["pods"]?["attention"]?.array?.map { $0["name"] } == ["bad"])
        #expect(
            server.status["workloads"]
                == [["kind": "Pod", "name": "bad", "problems": [["reason": "StaticCredential", "message": "m"]]]])
        #expect(try await requests().isEmpty)
    }

    @Test("another identity is told as it is written")
    func tellsIdentity() async throws {
        _ = try await requests()
        cluster.add(serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/other"])
        #expect(try await requests() == ["PUT llm/status", "POST events llm IdentityChanged"])
    }
}
