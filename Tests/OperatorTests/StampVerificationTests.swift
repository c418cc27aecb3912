import JSON
import KubernetesModel
import KubernetesRuntime
import PodInjection
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

/// Attack D8: a copied stamp on a pod that no webhook saw.
@Suite(.timeLimit(.minutes(5))) struct StampVerificationTests {
    /// The pods of one ServiceAccount, as the watch tells of them and as the API server has them.
    private final class Pods: Sendable {
        let cluster = FakeCluster()
        let told = Mutex<[String]>([])
        private let writer = StoreWriter<PartialObjectMetadata<Pod>>()
        private let stamps: StampVerification
        private let planner: Planner

        /// - Parameter templates: by the names of ReplicaSets.
        init(templates: [String: PodTemplate] = [:]) {
            cluster.add(
                serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"])
            planner = cluster.planner()
            stamps = StampVerification { pod in pod.controller.flatMap { templates[$0.name] } }
            writer.store.observe { [stamps] in stamps.note($0) }
            stamps.observe(
                StampVerification.Observer { _ in
                } onFinding: { finding in
                    self.told.withLock { $0.append("\(finding.pod.name) of \(finding.serviceAccount.name)") }
                })
        }

        enum Content {
            /// It has the current plan's stamps, and nothing else of it.
            case copied
            /// The same, on a pod that can be given nothing.
            case copiedInVain
            /// As a webhook and the API server leave it.
            case injected, injectedForWindows
            /// More than a webhook reads.
            case excessive
            /// It has gone, and the watch has not told yet.
            case gone
        }

        func add(_ name: String, _ content: Content, of replicaSet: String? = nil) throws {
            let owner = replicaSet.map {
                OwnerReference(apiVersion: "apps/v1", kind: "ReplicaSet", name: $0, uid: $0, isController: true)
            }
            var spec: JSONValue = ["serviceAccountName": "llm", "containers": [["name": "app", "image": "app:1"]]]
            if content == .injectedForWindows { spec["nodeSelector"] = ["kubernetes.io/os": "windows"] }
            if content == .copiedInVain { spec["volumes"] = [["name": "aws-iam-token", "emptyDir": [:]]] }
            if content == .excessive { spec["volumes"] = .array(Array(repeating: ["name": "v"], count: 70_000)) }
            let bare: JSONValue = [
                "metadata": [
                    "name": .string(name), "namespace": "ai", "uid": .string("uid-\(name)"),
                    "ownerReferences": .array(owner.map { [$0.json] } ?? []),
                ],
                "spec": spec,
            ]
            var pod = try inject(bare)
            var metadata = ObjectMetadata(name: name, namespace: "ai")
            metadata.uid = "uid-\(name)"
            metadata.ownerReferences = owner.map { [$0] } ?? []
            metadata.annotations = [
                "lanyard.dev/plan": try #require(plan().hash), "lanyard.dev/injected": "aws-bedrock=irsa",
            ]
            switch content {
            case .injected, .injectedForWindows:
                let volumes = pod["spec"]?["volumes"]?.array ?? []
                let token: JSONValue = ["name": "kube-api-access-x", "projected": ["defaultMode": 420]]
                pod["spec"]?["volumes"] = .array([token] + volumes)
                pod["spec"]?["ephemeralContainers"] = [["name": "debug"]]
            case .copied, .copiedInVain, .excessive, .gone:
                pod = bare
                pod["metadata"]?["annotations"] = .object(JSONObject(metadata.annotations))
            }
            if content != .gone { cluster.add(pod: pod, named: name) }
            writer.set(PartialObjectMetadata(metadata: metadata))
        }

        func remove(_ name: String) { writer.remove(ObjectKey(namespace: "ai", name: name)) }

        private func inject(_ pod: JSONValue) throws -> JSONValue {
            let manifest = PodManifest(pod)
            let patch = Injection(
                of: plan(PodContext(pod: manifest)), into: manifest, jitter: LifetimeJitter(reviewUID: "1")
            ).patch
            return try pod.applying(patch)
        }

        private func plan(_ pod: PodContext = PodContext()) -> Plan {
            let key = ObjectKey(namespace: "ai", name: "llm")
            return planner.plan(for: Subject(key), planner.stores.serviceAccounts[key], pod: pod)
        }

        /// How many are current and not injected; `nil` if that is not known yet.
        func count() -> [Int]? {
            let pods = writer.store.resources.map(\.metadata)
            return stamps.report(on: pods.map { ($0, plan(PodContext($0))) }).map { [$0.current, $0[.notInjected]] }
        }

        func reconcile() async throws -> ReconcileResult {
            try await StampReconciler(
                client: cluster.client, planner: planner, stamps: stamps,
                rate: RateLimit(burst: 100, every: .seconds(1))
            ).reconcile(ObjectKey(name: "ai"))
        }
    }

    @Test(
        "a pod without a controller is read once, and counts as what it is",
        arguments: [
            (.copied, [0, 1]), (.copiedInVain, [0, 1]), (.injected, [1, 0]), (.injectedForWindows, [1, 0]),
            (.excessive, [0, 1]),
        ] as [(Pods.Content, [Int])])
    private func verifies(content: Pods.Content, count: [Int]) async throws {
        let pods = Pods()
        try pods.add("p", content)
        #expect(pods.count() == nil)
        #expect(try await pods.reconcile() == .done)
        #expect(pods.count() == count)
        #expect(pods.told.withLock { $0 } == ["p of llm"])
        #expect(try await pods.reconcile() == .done)
        #expect(pods.cluster.reads == ["/api/v1/namespaces/ai/pods/p"])
    }

    private static func template(_ annotations: [String: String]) -> PodTemplate {
        var template = PodTemplate()
        template.annotations = annotations
        return template
    }

    @Test("pods of a template without stamps are believed unread")
    func believesWebhook() throws {
        let pods = Pods(templates: ["rs": Self.template(["lanyard.dev/plan": "", "lanyard.dev/aws-region": "x"])])
        for name in ["p0", "p1"] { try pods.add(name, .copied, of: "rs") }
        #expect(pods.count() == [2, 0])
    }

    @Test("of a template with a stamp one pod is read", arguments: ["lanyard.dev/plan", "lanyard.dev/injected"])
    func readsOneOfFamily(stamp: String) async throws {
        let pods = Pods(templates: ["forged": Self.template([stamp: "x"]), "harmless": Self.template([stamp: "x"])])
        for pod in 0..<3 {
            try pods.add("f\(pod)", .copied, of: "forged")
            try pods.add("h\(pod)", .injected, of: "harmless")
        }
        #expect(pods.count() == nil)
        _ = try await pods.reconcile()
        #expect(pods.count() == [3, 3])
        #expect(pods.cluster.reads.count == 2)
    }

    @Test("a verdict goes with the pod that was read, and another of its family is read")
    func forgets() async throws {
        let pods = Pods()
        try pods.add("first", .copied, of: "bare")
        _ = pods.count()
        _ = try await pods.reconcile()
        try pods.add("second", .injected, of: "bare")
        #expect(pods.count() == [0, 2])
        pods.remove("first")
        #expect(pods.count() == nil)
        _ = try await pods.reconcile()
        #expect(pods.count() == [1, 0])
        pods.remove("second")
        #expect(pods.count() == [0, 0])
    }

    @Test("a pod that goes before it is read is asked about no more, and leaves no verdict")
    func dropsGonePods() async throws {
        let pods = Pods()
        try pods.add("gone", .gone)
        #expect(pods.count() == nil)
        #expect(try await pods.reconcile() == .requeue(after: .seconds(1)))
        pods.remove("gone")
        #expect(try await pods.reconcile() == .done)
        #expect(pods.count() == [0, 0])
        #expect(pods.told.withLock { $0.isEmpty })
    }

    @Test("if the plan changes before a pod is read, nothing is said of its stamp")
    func heedsChanges() async throws {
        let pods = Pods()
        try pods.add("p", .copied)
        #expect(pods.count() == nil)
        pods.cluster.add(
            serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/other"])
        #expect(try await pods.reconcile() == .done)
        #expect(pods.told.withLock { $0 } == ["p of llm"])
        #expect(pods.count() == [0, 0])
        pods.cluster.add(
            serviceAccount: "llm", ["eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/bedrock"])
        #expect(pods.count() == nil)
    }

    @Test("many are read by one list")
    func lists() async throws {
        let pods = Pods()
        for pod in 0..<100 { try pods.add("p\(pod)", pod.isMultiple(of: 2) ? .copied : .injected) }
        #expect(pods.count() == nil)
        #expect(try await pods.reconcile() == .done)
        #expect(pods.count() == [50, 50])
        #expect(pods.cluster.reads == ["/api/v1/namespaces/ai/pods"])
    }
}
