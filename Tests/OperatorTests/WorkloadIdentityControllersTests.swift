import JSON
import KubernetesClient
import KubernetesModel
import Logging
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

/// What the controllers write, and when, from what changes in a cluster to what stands in it afterwards.
@Suite(.timeLimit(.minutes(5))) struct WorkloadIdentityControllersTests {
    private let cluster = RunningControllers()

    private static let account = "/api/v1/namespaces/ai/serviceaccounts/llm"
    private static let daemonSet = "/apis/apps/v1/namespaces/ai/daemonsets/agent"
    private static let identity = RunningControllers.identityPath("llm")

    /// A ServiceAccount that asks, and a DaemonSet that runs as it.
    private func addAgent() {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        cluster.add("daemonsets", "agent", as: "llm")
    }

    private func credentialsReady() -> [String]? {
        cluster.condition("lanyard.dev/CredentialsReady", of: Self.daemonSet)
    }

    private func writes(of path: String) -> [FakeAPIServer.Write] {
        cluster.server.writes.filter { $0.path.hasPrefix(path) }
    }

    // MARK: What is reported

    @Test("what asks for a provider is reported on, in an object that its ServiceAccount owns")
    func reports() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        cluster.add(serviceAccount: "other", [:])
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") == ["True", "Ready"] && !cluster.server.events.isEmpty }
        }
        let uid = cluster.server[Self.account]?["metadata"]?["uid"]
        let owners = cluster.identity("llm")?["metadata"]?["ownerReferences"]?.array ?? []
        #expect(owners.map { $0["kind"] } == ["ServiceAccount"] && owners.first?["uid"] == uid && uid != nil)
        #expect(cluster.identity("other") == nil)

        let written = writes(of: "/apis/lanyard.dev/")
        #expect(written.map(\.method) == [.post, .put])
        #expect(written.last?.path == Self.identity + "/status")
        // A status that was composed from what somebody else has overwritten meanwhile is a conflict.
        #expect(written.last?.body["metadata"]?["resourceVersion"]?.string?.isEmpty == false)
        #expect(cluster.server.events == ["Ready ServiceAccount llm"])
    }

    @Test("a workload has its condition beside those of its own controller, written only over what was read")
    func setsCondition() async throws {
        addAgent()
        try await cluster.running { _ in
            await eventually { credentialsReady() == ["True", "Ready"] }
            await eventually { cluster.server.events.contains("Ready DaemonSet agent") }
        }
        #expect(cluster.condition("Available", of: Self.daemonSet) == ["True", ""])
        let write = try #require(writes(of: Self.daemonSet).first)
        #expect(writes(of: Self.daemonSet).count == 1)
        #expect(write.path == Self.daemonSet + "/status")
        #expect(write.contentType == "application/strategic-merge-patch+json")
        #expect(write.body["metadata"]?["resourceVersion"]?.string?.isEmpty == false)
        #expect(write.body["status"]?["conditions"]?.array?.count == 1)
    }

    @Test("StatefulSets, whose controller drops conditions of others, are left alone")
    func leavesStatefulSets() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        cluster.add("statefulsets", "db", as: "llm")
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") == ["True", "Ready"] }
        }
        #expect(writes(of: "/apis/apps/").isEmpty)
        let workloads = cluster.identity("llm")?["status"]?["workloads"]?.array ?? []
        #expect(workloads.map { $0["name"] } == ["db"])
    }

    @Test("what stands there already is not written again")
    func isSteady() async throws {
        addAgent()
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil && credentialsReady() != nil }
        }
        cluster.server.forgetRequests()
        // Another replica leads now, and finds all as it should be.
        let identity = cluster.identity("llm")
        try await cluster.running { _ in
            // What comes last has been through the same queues.
            cluster.add(serviceAccount: "later", RunningControllers.role)
            await eventually { cluster.ready("later") != nil }
        }
        #expect(writes(of: Self.identity).isEmpty && writes(of: Self.daemonSet).isEmpty)
        #expect(cluster.identity("llm") == identity)
    }

    // MARK: What goes again

    @Test("who asks no more has no object and no condition; that very object is deleted, and no other of its name")
    func removes() async throws {
        addAgent()
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil && credentialsReady() != nil }
            let uid = cluster.identity("llm")?["metadata"]?["uid"]
            cluster.add(serviceAccount: "llm", [:])
            await eventually { cluster.identity("llm") == nil && credentialsReady() == nil }
            let deletion = try #require(writes(of: Self.identity).first { $0.method == .delete })
            #expect(deletion.body["preconditions"]?["uid"] == uid)
        }
        #expect(cluster.condition("Available", of: Self.daemonSet) == ["True", ""])
        let patch = try #require(writes(of: Self.daemonSet).last)
        #expect(
            patch.body["status"]?["conditions"] == [["$patch": "delete", "type": "lanyard.dev/CredentialsReady"]])
    }

    @Test("with a ServiceAccount its object goes")
    func removesWithServiceAccount() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
            cluster.server.delete(Self.account)
            await eventually { cluster.identity("llm") == nil }
        }
    }

    @Test("an object that somebody deleted is there again")
    func restores() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
            cluster.server.delete(Self.identity)
            await eventually { cluster.ready("llm") != nil }
        }
    }

    @Test("an object of a ServiceAccount that was deleted and made again gets the new one as its owner")
    func adopts() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        let former = OwnerReference(apiVersion: "v1", kind: "ServiceAccount", name: "llm", uid: "former")
        cluster.put(Self.identity, ["metadata": ["ownerReferences": [former.json]]])
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
        }
        let owners = cluster.identity("llm")?["metadata"]?["ownerReferences"]?.array ?? []
        #expect(owners.map { $0["uid"] } == [cluster.server[Self.account]?["metadata"]?["uid"]])
        let patch = try #require(writes(of: Self.identity).first)
        #expect(patch.body["metadata"]?["resourceVersion"]?.string?.isEmpty == false)
    }

    // MARK: What is in the way

    @Test("a write that others came before is a conflict, and done again by what they wrote", arguments: [409, 500])
    func triesAgain(code: Int) async throws {
        addAgent()
        let refusals = Mutex(4)
        cluster.server.refuse { request in
            guard request.method == .put || request.method == .patch, request.path.hasSuffix("/status") else {
                return nil
            }
            return refusals.withLock { left in
                left -= 1
                return left >= 0 ? (code, "Conflict") : nil
            }
        }
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") == ["True", "Ready"] && credentialsReady() == ["True", "Ready"] }
            await eventually { cluster.server.events.count >= 2 }
        }
        #expect(cluster.server.writes.filter { $0.code == code }.count == 4)
        // What was refused was not told either.
        #expect(cluster.server.events.sorted() == ["Ready DaemonSet agent", "Ready ServiceAccount llm"])
    }

    @Test("a workload that is deleted while its condition is written is no failure")
    func meetsDeletion() async throws {
        addAgent()
        cluster.server.refuse { request in
            request.method == .patch && request.path.hasPrefix(Self.daemonSet) ? (404, "NotFound") : nil
        }
        try await cluster.running { _ in
            await eventually { writes(of: Self.daemonSet).count == 1 && cluster.ready("llm") != nil }
        }
        #expect(cluster.lines("reconciliation failed").isEmpty)
    }

    @Test("an object of that name that the watch has not told of yet is read, and reported in")
    func meetsUnseenObject() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        cluster.server.refuse { [server = cluster.server] request in
            if request.method == .post, request.path.hasSuffix("/workloadidentities"), server[Self.identity] == nil {
                server.put(Self.identity, [:])
            }
            return nil
        }
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
        }
        #expect(cluster.server.reads.contains(Self.identity))
    }

    // MARK: What makes them look again

    @Test("pods without a stamp are found, and their state follows")
    func countsPods() async throws {
        addAgent()
        cluster.add(pod: "old", as: "llm", of: "agent")
        try await cluster.running { _ in
            await eventually {
                cluster.ready("llm") == ["False", "PodsNotInjected"]
                    && credentialsReady() == ["False", "PodsNotInjected"]
            }
            #expect(cluster.identity("llm")?["status"]?["pods"]?["notInjected"] == 1)
            // It is replaced by one that was injected.
            cluster.server.delete("/api/v1/namespaces/ai/pods/old")
            await eventually { cluster.ready("llm") == ["True", "Ready"] && credentialsReady() == ["True", "Ready"] }
            await eventually { cluster.lines("readiness changed").count >= 2 }
        }
        // Whom it ran as was found out by reading it alone.
        #expect(cluster.server.reads.filter { $0.hasSuffix("/pods/old") }.count == 1)
        let changes = cluster.lines("readiness changed")
        #expect(changes.map { $0["ready"] } == ["False", "True"])
        #expect(changes.map { $0["reason"] } == ["PodsNotInjected", "Ready"])
        #expect(changes.first?["ready.old"] == "Unknown" && changes.last?["ready.old"] == "False")
        #expect(changes.allSatisfy { $0["namespace"] == "ai" && $0["serviceaccount"] == "llm" })
    }

    @Test("a stamp that a pod brought itself is found out by reading the pod")
    func findsCopiedStamp() async throws {
        addAgent()
        try await cluster.running { controllers in
            await eventually { cluster.ready("llm") != nil }
            let plan = Plan(
                for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: RunningControllers.role,
                facts: cluster.facts, configuration: cluster.configuration)
            let stamp = ["lanyard.dev/plan": try #require(plan.hash), "lanyard.dev/injected": "aws-bedrock=irsa"]
            // Nobody's, so that no template says whether it had a stamp.
            cluster.add(pod: "copied", as: "llm", stamp)
            await eventually { cluster.ready("llm") == ["False", "PodsNotInjected"] }
        }
    }

    @Test("an annotation of the Namespace, or its going, is heeded")
    func heedsNamespace() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") == ["True", "Ready"] }
            cluster.put("/api/v1/namespaces/ai", ["metadata": ["labels": ["lanyard.dev/inject": "false"]]])
            await eventually { cluster.ready("llm")?.first == "False" }
            cluster.put("/api/v1/namespaces/ai", [:])
            await eventually { cluster.ready("llm") == ["True", "Ready"] }
        }
    }

    @Test("the coming of a Vault injector is heeded, and named")
    func heedsInjector() async throws {
        cluster.add(
            serviceAccount: "llm",
            ["lanyard.dev/vault-role": "llm", "lanyard.dev/vault-path.openai": "secret/data/ai/openai"])
        func components() -> [JSONValue] { cluster.identity("llm")?["status"]?["components"]?.array ?? [] }
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
            #expect(components() == [])
            cluster.put(
                "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/vault-agent-injector-cfg",
                ["webhooks": [["name": "vault.hashicorp.com"]]])
            await eventually { components() == ["Vault injector"] }
        }
    }

    @Test("what else gives credentials in the cluster is named, in the order of its names")
    func namesComponents() async throws {
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        for name in ["pod-identity-webhook", "ack-pod-identity-webhook", "unrelated"] {
            cluster.put("/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/\(name)", [:])
        }
        cluster.put(
            "/apis/apps/v1/namespaces/kube-system/daemonsets/eks-pod-identity-agent", ["spec": ["template": [:]]])
        try await cluster.running { _ in
            await eventually { cluster.ready("llm") != nil }
        }
        let components = cluster.identity("llm")?["status"]?["components"]?.array ?? []
        #expect(
            components.map { $0.string } == [
                "ACK Pod Identity webhook", "EKS Pod Identity Webhook", "EKS Pod Identity agent",
            ])
    }

    // MARK: Stored keys

    private static let keyed = [
        "lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/secret-delivery": "external-secret",
    ]
    private static let definition =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/externalsecrets.external-secrets.io"

    private func externalSecrets() -> [FakeAPIServer.Write] { writes(of: "/apis/external-secrets.io/") }

    private func withStore() -> RunningControllers {
        var cluster = cluster
        cluster.configuration.externalSecrets.store = "vault"
        cluster.configuration.externalSecrets.storeKind = .secretStore
        return cluster
    }

    @Test("the object that brings a stored key is made once its kind is there, and goes when nobody asks any more")
    func keepsObjects() async throws {
        let cluster = withStore()
        cluster.add(serviceAccount: "llm", Self.keyed)
        try await cluster.running { _ in
            await eventually { cluster.ready("llm")?.first == "False" }
            #expect(externalSecrets().isEmpty)
            cluster.put(Self.definition, ["spec": ["versions": [["name": "v1", "served": true]]]])
            await eventually { externalSecrets().count == 1 }
            let made = try #require(externalSecrets().first)
            let owners = made.body["metadata"]?["ownerReferences"]?.array ?? []
            #expect(owners.map { $0["uid"] } == [cluster.identity("llm")?["metadata"]?["uid"]])
            await eventually { cluster.identity("llm")?["status"]?["objects"]?.array?.count == 1 }
            // Made, and not yet synced by its operator.
            #expect(cluster.ready("llm") == ["False", "SecretNotSynced"])

            cluster.add(serviceAccount: "llm", RunningControllers.role)
            await eventually { externalSecrets().last?.method == .delete }
            await eventually { cluster.ready("llm") == ["True", "Ready"] }
            #expect(cluster.identity("llm")?["status"]?["objects"] == nil)
        }
    }

    @Test("while a pod of an earlier plan may read its key, the object stays")
    func keepsObjectsInUse() async throws {
        let cluster = withStore()
        cluster.put(Self.definition, ["spec": ["versions": [["name": "v1", "served": true]]]])
        cluster.add(serviceAccount: "llm", Self.keyed)
        try await cluster.running { _ in
            await eventually { externalSecrets().count == 1 && cluster.ready("llm") != nil }
            cluster.add(
                pod: "old", as: "llm", ["lanyard.dev/plan": "0123", "lanyard.dev/injected": "openai=external-secret"])
            await eventually { cluster.identity("llm")?["status"]?["pods"]?["stale"] == 1 }
            cluster.add(serviceAccount: "llm", RunningControllers.role)
            await eventually {
                cluster.identity("llm")?["status"]?["providers"]?.array?.first?["name"] == "aws-bedrock"
            }
            #expect(externalSecrets().map(\.method) == [.post])
            #expect(cluster.identity("llm")?["status"]?["objects"]?.array?.count == 1)
            cluster.server.delete("/api/v1/namespaces/ai/pods/old")
            await eventually { externalSecrets().last?.method == .delete }
        }
    }

    // MARK: Metrics

    @Test("the metrics say what the objects say, and nothing when another leads")
    func measures() async throws {
        let ready = [("provider", "aws-bedrock"), ("mechanism", "irsa"), ("ready", "true"), ("reason", "Ready")]
        cluster.add(serviceAccount: "llm", RunningControllers.role)
        cluster.add(serviceAccount: "second", RunningControllers.role)
        let notInjected = [("state", "notInjected")]
        try await cluster.running { _ in
            await eventually { cluster.gauge("lanyard_identities", ready) == 2 }
            cluster.add(serviceAccount: "second", [:])
            await eventually { cluster.gauge("lanyard_identities", ready) == 1 }
            cluster.server.delete(Self.account)
            await eventually { cluster.gauge("lanyard_identities", ready) == nil }

            cluster.add(pod: "old", as: "third")
            cluster.add(serviceAccount: "third", RunningControllers.role)
            await eventually { cluster.gauge("lanyard_pods", notInjected) == 1 }
            cluster.server.delete("/api/v1/namespaces/ai/pods/old")
            await eventually { cluster.gauge("lanyard_pods", notInjected) == nil }
            await eventually { cluster.gauge("lanyard_identities", ready) == 1 }
        }
        #expect(cluster.gauge("lanyard_identities", ready) == nil)
    }
}
