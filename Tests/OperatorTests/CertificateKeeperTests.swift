import AdmissionWebhook
import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import NIOCore
import Synchronization
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(1))) struct CertificateKeeperTests {
    private let server = CertificateServer()
    private let mutating = StoreWriter<MutatingWebhookConfiguration>()
    private let validating = StoreWriter<ValidatingWebhookConfiguration>()
    private let metrics = TestMetrics()
    private let verdicts = Verdicts()

    private func keeper() async throws -> (CertificateKeeper, CertificateKeeper.Shown) {
        let client = KubernetesClient(transport: server, fieldManager: "test")
        let keeper = try await CertificateKeeper(
            client: client, namespace: "lanyard-system",
            names: ServingNames(service: "lanyard-webhook", namespace: "lanyard-system"),
            webhooks: RegisteredWebhooks(
                target: nil, mutating: mutating.store, validating: validating.store, client: client),
            metrics: metrics, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            onTrusted: { [verdicts] in verdicts.add("trusted") },
            onDistrusted: { [verdicts] in verdicts.add($0) })
        return (keeper, CertificateKeeper.Shown(certificate: try server.bundle.servingCertificate))
    }

    /// The registration as it was installed, or as it is once it trusts the certificates.
    private func register(trusting caBundle: [UInt8] = []) {
        var webhook = RegisteredWebhook(name: "pod-injector.lanyard.dev")
        webhook.caBundle = caBundle
        let metadata = ObjectMetadata(name: "pod-injector.lanyard.dev")
        mutating.replace(with: [MutatingWebhookConfiguration(metadata: metadata, webhooks: [webhook])])
    }

    private var failures: Int64 {
        metrics.counterTotal(label: "admission_webhook_certificate_failures_total", dimensions: [])
    }

    @Test("without the validator's registration pods are injected all the same, and the failure is counted")
    func toleratesMissingValidator() async throws {
        register()
        validating.replace(with: [])
        var (keeper, shown) = try await keeper()
        _ = await keeper.round(&shown)
        #expect(verdicts.all == ["trusted"])
        #expect(failures == 1)
    }

    @Test("without the injector's registration nothing is ready; when it goes again, nothing changes")
    func needsInjector() async throws {
        mutating.replace(with: [])
        var (keeper, shown) = try await keeper()
        _ = await keeper.round(&shown)
        #expect(
            verdicts.all == [
                "there is no MutatingWebhookConfiguration pod-injector.lanyard.dev; install the manifests or the chart, or "
                    + "run with --webhook-url"
            ])
        register()
        _ = await keeper.round(&shown)
        mutating.replace(with: [])
        _ = await keeper.round(&shown)
        #expect(verdicts.all.dropFirst() == ["trusted", "trusted"])
    }

    @Test("while the API server is away, what is trusted stays ready")
    func outlivesAPIServer() async throws {
        var (keeper, shown) = try await keeper()
        register(trusting: try server.bundle.caBundlePEM)
        server.isDown.withLock { $0 = true }
        _ = await keeper.round(&shown)
        #expect(verdicts.all == ["trusted"])
        #expect(failures == 1)
    }

    @Test("a registration that has lost its trust, and cannot be given it back, makes it unready")
    func noticesDistrust() async throws {
        var (keeper, shown) = try await keeper()
        register()
        _ = await keeper.round(&shown)
        server.isDown.withLock { $0 = true }
        _ = await keeper.round(&shown)
        #expect(verdicts.all.first == "trusted")
        #expect(verdicts.all.last?.contains("nobody answers") == true)
    }
}

private final class Verdicts: Sendable {
    private let verdicts = Mutex<[String]>([])

    var all: [String] { verdicts.withLock { $0 } }

    func add(_ verdict: String) { verdicts.withLock { $0.append(verdict) } }
}

/// Keeps one Secret, and takes every patch.
private final class CertificateServer: KubernetesTransport {
    let isDown = Mutex(false)
    private let secret = Mutex<JSONValue?>(nil)

    /// What is in the Secret.
    var bundle: CertificateBundle {
        get throws {
            let stored = try Secret(parsing: (secret.withLock { $0 } ?? .null).serialized())
            return try CertificateBundle(secretData: stored.data)
        }
    }

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        if isDown.withLock({ $0 }) {
            throw KubernetesError(.connectionFailed, operation: request.operation, message: "nobody answers")
        }
        if request.method == .post { try secret.withLock { $0 = try JSONValue(parsing: request.body) } }
        let object = request.method == .patch ? [:] : secret.withLock { $0 }
        var chunks = [ByteBuffer(bytes: (object ?? ["code": 404, "reason": "NotFound"]).serialized())]
        var response = KubernetesResponse(statusCode: object == nil ? 404 : 200, retryAfter: nil) { chunks.popLast() }
        return try await body(&response)
    }
}
