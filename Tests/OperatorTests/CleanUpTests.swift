import JSON
import KubernetesModel
import Testing

@testable import Operator

@Suite struct CleanUpTests {
    private static let lease = ObjectKey(namespace: "lanyard-system", name: "lanyard-controller")
    private static let injector =
        "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/pod-injector.lanyard.dev"
    private static let secret = "/api/v1/namespaces/lanyard-system/secrets/lanyard-webhook-certificates"
    private static let deployment = "/apis/apps/v1/namespaces/ai/deployments/app"
    private static let planSet = "/apis/lanyard.dev/v1alpha1/namespaces/ai/credentialplansets/lanyard"
    private static let identity = "/apis/lanyard.dev/v1alpha1/namespaces/ai/workloadidentities/llm"
    private static let leasePath =
        "/apis/coordination.k8s.io/v1/namespaces/lanyard-system/leases/lanyard-controller"
    private static let foreign = "/apis/apps/v1/namespaces/ai/daemonsets/other"

    private static func server(serviceIn namespace: String = "lanyard-system") -> FakeAPIServer {
        let server = FakeAPIServer()
        server.put(
            injector,
            ["webhooks": [["name": "a", "clientConfig": ["service": ["namespace": .string(namespace), "name": "s"]]]]])
        server.put(secret, ["data": [:]])
        server.put(leasePath, ["spec": [:]])
        server.put(identity, ["status": [:]])
        server.put(planSet, ["spec": [:]])
        let conditions: JSONValue = [
            ["type": "Available", "status": "True"], ["type": "lanyard.dev/CredentialsReady", "status": "True"],
        ]
        server.put(deployment, ["spec": ["template": [:]], "status": ["conditions": conditions]])
        server.put(foreign, ["spec": ["template": [:]], "status": ["conditions": []]])
        return server
    }

    private static func cleanUp(_ server: FakeAPIServer, isTrial: Bool = false) async throws -> [String] {
        var told: [String] = []
        try await CleanUp(client: server.client, namespace: "lanyard-system", lease: lease, isTrial: isTrial)
            .run { told.append($0) }
        return told
    }

    private static let all = [
        "MutatingWebhookConfiguration pod-injector.lanyard.dev",
        "CredentialPlanSet ai/lanyard",
        "condition lanyard.dev/CredentialsReady of Deployment ai/app",
        "WorkloadIdentity ai/llm",
        "Lease lanyard-system/lanyard-controller",
        "Secret lanyard-system/lanyard-webhook-certificates",
    ]

    @Test("what an operator has left goes, webhook configurations first, and nothing else")
    func removes() async throws {
        let server = Self.server()
        #expect(try await Self.cleanUp(server) == Self.all)
        for path in [Self.injector, Self.secret, Self.identity, Self.planSet, Self.leasePath] {
            #expect(server[path] == nil)
        }
        #expect(
            server[Self.deployment]?["status"]?["conditions"] == [["type": "Available", "status": "True"]])
        #expect(server.writes.filter { $0.path.hasPrefix(Self.foreign) }.isEmpty)
        server.forgetRequests()
        #expect(try await Self.cleanUp(server) == [])
    }

    @Test("a trial tells the same, and writes nothing")
    func trial() async throws {
        let server = Self.server()
        #expect(try await Self.cleanUp(server, isTrial: true) == Self.all)
        #expect(server.writes.isEmpty)
    }

    @Test("where the webhook is in another namespace, nothing is removed")
    func otherNamespace() async throws {
        let server = Self.server(serviceIn: "platform")
        let error = await #expect(throws: CleanUp.OtherInstallation.self) { try await Self.cleanUp(server) }
        let reason = "pod-injector.lanyard.dev sends reviews to a Service in namespace platform, "
        #expect(error?.description.hasPrefix(reason) == true)
        #expect(server.writes.isEmpty)
    }
}
