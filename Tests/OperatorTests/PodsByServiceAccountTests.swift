import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import NIOCore
import Synchronization
import Testing

@testable import Operator

@Suite struct PodsByServiceAccountTests {
    /// A namespace's pods, as the watch tells of them and as the API server has them.
    private final class Pods: KubernetesTransport {
        let writer = StoreWriter<PartialObjectMetadata<Pod>>(indexes: [.namespace, .secretObjects])
        let pods: PodsByServiceAccount
        let discovered = Mutex<[PodsByServiceAccount.Discovery]>([])
        let unresolved = Mutex<[String]>([])
        private let objects = Mutex<[String: JSONValue]>([:])
        private let received = Mutex<[String]>([])

        init() {
            pods = PodsByServiceAccount(pods: writer.store)
            writer.store.observe { [pods] in _ = pods.note($0) }
            pods.observe(
                PodsByServiceAccount.Observer { namespace in
                    self.unresolved.withLock { $0.append(namespace) }
                } onDiscovery: { discovery in
                    self.discovered.withLock { $0.append(discovery) }
                })
        }

        var requests: [String] { received.withLock { $0 } }
        var waiting: [String] { discovered.withLock { $0.flatMap(\.waiting).map(\.name) } }

        func add(_ name: String, of account: String, replicaSet: String? = nil, isGone: Bool = false) {
            var metadata = ObjectMetadata(name: name, namespace: "ai")
            metadata.uid = "uid-\(name)"
            if let replicaSet {
                metadata.ownerReferences = [
                    OwnerReference(
                        apiVersion: "apps/v1", kind: "ReplicaSet", name: replicaSet, uid: replicaSet,
                        isController: true)
                ]
            }
            let json: JSONValue = [
                "metadata": [
                    "name": .string(name), "namespace": "ai", "uid": .string(metadata.uid),
                    "ownerReferences": .array(metadata.ownerReferences.map(\.json)),
                ],
                "spec": ["serviceAccountName": .string(account)],
            ]
            if !isGone { objects.withLock { $0["/api/v1/namespaces/ai/pods/\(name)"] = json } }
            writer.set(PartialObjectMetadata(metadata: metadata))
        }

        func reconcile() async throws -> ReconcileResult {
            let client = KubernetesClient(transport: self, fieldManager: "test")
            let rate = RateLimit(burst: 100, every: .seconds(1))
            return try await PodServiceAccountReconciler(client: client, pods: pods, rate: rate)
                .reconcile(ObjectKey(name: "ai"))
        }

        func names(of account: String) -> [String]? {
            pods.pods(of: ObjectKey(namespace: "ai", name: account))?.map(\.name)
        }

        func withResponse<Result: Sendable>(
            to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
        ) async throws -> Result {
            received.withLock { $0.append(request.path) }
            let answer: JSONValue? = objects.withLock { objects in
                request.path.hasSuffix("/pods")
                    ? ["metadata": ["resourceVersion": "1"], "items": .array(Array(objects.values))]
                    : objects[request.path]
            }
            var chunks = [ByteBuffer(bytes: (answer ?? ["code": 404, "reason": "NotFound"]).serialized())]
            var response = KubernetesResponse(statusCode: answer == nil ? 404 : 200) { chunks.popLast() }
            return try await body(&response)
        }
    }

    @Test("a namespace is not fully known while a new pod has not been looked at")
    func knowsWhatIsUnknown() async throws {
        let cluster = Pods()
        cluster.add("first", of: "llm")
        _ = cluster.pods.pods(of: ObjectKey(namespace: "ai", name: "llm"))
        _ = try await cluster.reconcile()
        #expect(cluster.pods.isResolved("ai"))
        cluster.add("second", of: "llm")
        #expect(!cluster.pods.isResolved("ai"))
        _ = try await cluster.reconcile()
        #expect(cluster.pods.isResolved("ai"))
    }

    @Test("2,000 identities with five pods each are told apart by one list")
    func listsOnce() async throws {
        let cluster = Pods()
        for account in 0..<2_000 {
            for pod in 0..<5 { cluster.add("p\(account)-\(pod)", of: "a\(account)") }
        }
        for account in 0..<2_000 { #expect(cluster.names(of: "a\(account)") == nil) }
        #expect(try await cluster.reconcile() == .done)
        #expect(cluster.requests == ["/api/v1/namespaces/ai/pods"])
        #expect(cluster.waiting.count == 2_000)
        for account in 0..<2_000 { #expect(cluster.names(of: "a\(account)")?.count == 5) }
    }

    @Test("one new pod is read alone, and concerns its ServiceAccount alone")
    func readsOne() async throws {
        let cluster = Pods()
        for account in 0..<50 { cluster.add("p\(account)", of: "a\(account)") }
        _ = cluster.names(of: "a0")
        _ = cluster.names(of: "a1")
        _ = try await cluster.reconcile()
        cluster.add("new", of: "a1")
        #expect(try await cluster.reconcile() == .done)
        #expect(cluster.requests == ["/api/v1/namespaces/ai/pods", "/api/v1/namespaces/ai/pods/new"])
        let last = try #require(cluster.discovered.withLock { $0.last })
        #expect(last.waiting.isEmpty && last.pods.map(\.serviceAccount.name) == ["a1"])
        #expect(cluster.names(of: "a1") == ["new", "p1"])
    }

    @Test("of a ReplicaSet one pod is read, and its later pods need no request")
    func knowsFamilies() async throws {
        let cluster = Pods()
        for pod in 0..<3 { cluster.add("p\(pod)", of: "a", replicaSet: "rs") }
        _ = cluster.names(of: "a")
        _ = try await cluster.reconcile()
        cluster.add("p3", of: "a", replicaSet: "rs")
        #expect(try await cluster.reconcile() == .done)
        #expect(cluster.requests.count == 1)
        #expect(cluster.names(of: "a") == ["p0", "p1", "p2", "p3"])
    }

    @Test("where nobody asks, nothing is requested")
    func leavesOthersAlone() async throws {
        let cluster = Pods()
        cluster.add("p", of: "a")
        #expect(cluster.unresolved.withLock { $0.isEmpty })
        _ = cluster.names(of: "a")
        cluster.pods.forget(ObjectKey(namespace: "ai", name: "a"))
        #expect(try await cluster.reconcile() == .done)
        #expect(cluster.requests.isEmpty)
    }

    @Test("a pod that has gone keeps no ServiceAccount waiting, and is forgotten when the watch tells")
    func dropsGonePods() async throws {
        let cluster = Pods()
        cluster.add("p", of: "a")
        cluster.add("gone", of: "a", isGone: true)
        _ = cluster.names(of: "a")
        #expect(try await cluster.reconcile() == .requeue(after: .seconds(1)))
        #expect(cluster.names(of: "a") == ["p"])
        cluster.writer.remove(ObjectKey(namespace: "ai", name: "gone"))
        #expect(try await cluster.reconcile() == .done)
    }
}
