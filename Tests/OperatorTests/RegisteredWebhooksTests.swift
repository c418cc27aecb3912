import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import NIOCore
import Synchronization
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct RegisteredWebhooksTests {
    private let transport = RecordingTransport()
    private let mutating = StoreWriter<MutatingWebhookConfiguration>()
    private let validating = StoreWriter<ValidatingWebhookConfiguration>()
    private let pem = Array("CA".utf8)

    private func webhooks(_ target: WebhookRegistration.Target? = nil) -> RegisteredWebhooks {
        RegisteredWebhooks(
            target: target, mutating: mutating.store, validating: validating.store,
            client: KubernetesClient(transport: transport, fieldManager: "test"))
    }

    private func configuration<Kind>(
        _ registration: WebhookRegistration, trusting caBundle: String = ""
    ) -> WebhookConfiguration<Kind> {
        var webhook = RegisteredWebhook(name: registration.name)
        webhook.caBundle = Array(caBundle.utf8)
        var metadata = ObjectMetadata(name: registration.name)
        metadata.resourceVersion = "5"
        return WebhookConfiguration(metadata: metadata, webhooks: [webhook])
    }

    @Test("of what was installed, only what does not trust the certificates yet is changed, and only its trust")
    func patches() async throws {
        mutating.replace(with: [configuration(.podInjector, trusting: "CA")])
        validating.replace(with: [configuration(.workloadValidator)])
        #expect(try await webhooks().trust(pem).isEmpty)
        #expect(
            transport.requests.map(\.path) == [
                "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/workload-validator.lanyard.dev"
            ])
        let patch = try JSONValue(parsing: try #require(transport.requests.first).body)
        #expect(
            patch == [
                "metadata": ["resourceVersion": "5"],
                "webhooks": [["name": "workload-validator.lanyard.dev", "clientConfig": ["caBundle": "Q0E="]]],
            ])
    }

    @Test("a registration that is missing is named, and the other one trusts all the same")
    func namesMissing() async throws {
        mutating.replace(with: [configuration(.podInjector)])
        validating.replace(with: [])
        let failures = try await webhooks().trust(pem)
        #expect(
            failures.map { "\($0.error)" } == [
                "there is no ValidatingWebhookConfiguration workload-validator.lanyard.dev; install the manifests or the "
                    + "chart, or run with --webhook-url"
            ])
        #expect(failures.map(\.registration.name) == ["workload-validator.lanyard.dev"])
        #expect(transport.requests.map(\.path).map { $0.hasSuffix("/pod-injector.lanyard.dev") } == [true])
    }

    @Test("what has not been read yet is not called missing")
    func namesUnread() async throws {
        #expect(
            try await webhooks().trust(pem).map { "\($0.error)" } == [
                "the MutatingWebhookConfiguration pod-injector.lanyard.dev has not been read yet",
                "the ValidatingWebhookConfiguration workload-validator.lanyard.dev has not been read yet",
            ])
        #expect(transport.requests.isEmpty)
    }

    @Test("by URL both are applied whole, whatever is there")
    func applies() async throws {
        #expect(try await webhooks(.url("https://h:1")).trust(pem).isEmpty)
        #expect(
            transport.requests.map(\.contentType) == ["application/apply-patch+yaml", "application/apply-patch+yaml"])
        let objects = try transport.requests.map { try JSONValue(parsing: $0.body) }
        #expect(
            objects.map { $0["kind"]?.string } == ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"])
        for object in objects {
            for webhook in object["webhooks"]?.array ?? [] {
                #expect(webhook["clientConfig"]?["caBundle"] == "Q0E=")
            }
        }
    }
}

/// Takes every request and answers with nothing.
private final class RecordingTransport: KubernetesTransport {
    private let received = Mutex<[KubernetesRequest]>([])

    var requests: [KubernetesRequest] { received.withLock { $0 } }

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        received.withLock { $0.append(request) }
        var chunks = [ByteBuffer(string: "{}")]
        var response = KubernetesResponse(statusCode: 200, retryAfter: nil) { chunks.popLast() }
        return try await body(&response)
    }
}
