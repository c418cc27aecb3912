import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import NIOCore
import Synchronization
import WorkloadIdentity

@testable import Operator

/// What a validator or an injector sees of a cluster: what the watch has told, and what the API server has by now.
final class FakeCluster: KubernetesTransport {
    private let accounts = StoreWriter<ServiceAccount>()
    private let namespaces = StoreWriter<PartialObjectMetadata<Namespace>>()
    private let configurations = StoreWriter<MutatingWebhookConfiguration>()
    private let objects = Mutex<[String: JSONValue]>([:])
    private let received = Mutex<[KubernetesRequest]>([])
    private let isDown: Bool

    /// - Parameter isDown: whether the API server answers nothing.
    init(isDown: Bool = false) {
        self.isDown = isDown
    }

    /// What has been read, in the order of the paths.
    var reads: [String] { received.withLock { $0.map(\.path).sorted() } }

    /// How long each answer was waited for.
    var timeouts: [Duration] { received.withLock { $0.map(\.timeout) } }

    var client: KubernetesClient { KubernetesClient(transport: self, fieldManager: "test") }

    func planner(on platform: Platform = .eks, _ configuration: Configuration = Configuration()) -> Planner {
        let stores = AdmissionStores(
            serviceAccounts: accounts.store, namespaces: namespaces.store, webhookConfigurations: configurations.store,
            services: [])
        return Planner(stores: stores, facts: .offline(platform), configuration: configuration)
    }

    // MARK: What there is

    enum Sight {
        case byWatch, byServer, byBoth
    }

    /// - Parameter sight: who knows of it in this state.
    func add(
        serviceAccount name: String, _ annotations: [String: String], mounts: Bool? = nil, _ sight: Sight = .byBoth
    ) {
        var account = ServiceAccount(
            metadata: ObjectMetadata(name: name, namespace: "ai"), automountServiceAccountToken: mounts)
        account.metadata.annotations = annotations
        if sight != .byServer { accounts.set(account) }
        var json: JSONValue = [
            "metadata": ["name": .string(name), "namespace": "ai", "annotations": .object(JSONObject(annotations))]
        ]
        json["automountServiceAccountToken"] = mounts.map { .bool($0) }
        if sight != .byWatch {
            objects.withLock { [json] in $0["/api/v1/namespaces/ai/serviceaccounts/\(name)"] = json }
        }
    }

    func addNamespace(labels: [String: String] = [:], annotations: [String: String] = [:], _ sight: Sight = .byBoth) {
        var metadata = ObjectMetadata(name: "ai")
        metadata.labels = labels
        metadata.annotations = annotations
        if sight != .byServer { namespaces.set(PartialObjectMetadata(metadata: metadata)) }
        let json: JSONValue = [
            "metadata": [
                "name": "ai", "labels": .object(JSONObject(labels)), "annotations": .object(JSONObject(annotations)),
            ]
        ]
        if sight != .byWatch { objects.withLock { $0["/api/v1/namespaces/ai"] = json } }
    }

    /// A pod as the API server has it.
    func add(pod: JSONValue, named name: String) {
        objects.withLock { $0["/api/v1/namespaces/ai/pods/\(name)"] = pod }
    }

    // MARK: The API server

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        received.withLock { $0.append(request) }
        if isDown {
            throw KubernetesError(.connectionFailed, operation: request.operation, message: "nobody answers")
        }
        let object: JSONValue? = objects.withLock { objects in
            guard request.path.hasSuffix("/pods") else { return objects[request.path] }
            let pods = objects.filter { $0.key.hasPrefix(request.path + "/") }
            return ["metadata": ["resourceVersion": "1"], "items": .array(Array(pods.values))]
        }
        var chunks = [ByteBuffer(bytes: (object ?? ["code": 404, "reason": "NotFound"]).serialized())]
        var response = KubernetesResponse(statusCode: object == nil ? 404 : 200, retryAfter: nil) { chunks.popLast() }
        return try await body(&response)
    }
}
