import AdmissionWebhook
import InMemoryLogging
import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import Testing

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct CertificateControllerTests {
    private let server = CertificateServer()
    private let mutating = StoreWriter<MutatingWebhookConfiguration>()
    private let validating = StoreWriter<ValidatingWebhookConfiguration>()
    private let metrics = TestMetrics()
    private let verdicts = Recorded()
    private let clock = ManualClock()
    private let log = InMemoryLogHandler()
    private var logger: Logger { Logger(label: "test") { [log] _ in log } }

    private func keeper() async throws -> (CertificateController, CertificateController.Shown) {
        let client = KubernetesClient(transport: server, fieldManager: "test")
        let keeper = try await CertificateController(
            client: client, namespace: "lanyard-system",
            names: ServingNames(service: "lanyard-webhook", namespace: "lanyard-system"),
            webhooks: RegisteredWebhooks(
                target: nil, mutating: mutating.store, validating: validating.store, client: client),
            report: WebhookReport(
                metrics: metrics, logger: logger,
                onTrusted: { [verdicts] in verdicts.add("trusted") },
                onDistrusted: { [verdicts] in verdicts.add($0) }),
            metrics: metrics, logger: logger, clock: clock)
        return (keeper, CertificateController.Shown(bundle: try server.bundle))
    }

    /// The registration as it was installed, or as it is once it trusts the certificates.
    private func register(trusting caBundle: [UInt8] = []) {
        var webhook = RegisteredWebhook(name: "pod-injector.lanyard.dev")
        webhook.caBundle = caBundle
        var metadata = ObjectMetadata(name: "pod-injector.lanyard.dev")
        // A store takes what has another version for changed.
        metadata.resourceVersion = String(caBundle.count)
        mutating.replace(with: [MutatingWebhookConfiguration(metadata: metadata, webhooks: [webhook])])
    }

    private func gauge(_ label: String, _ dimensions: [(String, String)] = []) throws -> Double? {
        try metrics.expectGauge(label, dimensions).lastValue
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
        #expect(try gauge("lanyard_webhook_registered", [("name", "pod-injector.lanyard.dev")]) == 0)
        #expect(try gauge("lanyard_webhook_trusted") == 1)
    }

    @Test("what was done about the certificates is logged in words")
    func logsChange() async throws {
        _ = try await keeper()
        let line = try #require(log.entries.first { "\($0.message)" == "the webhook's certificates have changed" })
        #expect(line.metadata == ["change": "replaced CA and certificate", "reason": "there are no certificates yet"])
    }

    @Test("while the API server is away, what is trusted stays ready")
    func outlivesAPIServer() async throws {
        var (keeper, shown) = try await keeper()
        register(trusting: try server.bundle.caBundlePEM)
        server.setDown(true)
        _ = await keeper.round(&shown)
        #expect(verdicts.all == ["trusted"])
        #expect(failures == 1)
    }

    @Test("a registration that has lost its trust, and cannot be given it back, makes it unready")
    func noticesDistrust() async throws {
        var (keeper, shown) = try await keeper()
        register()
        _ = await keeper.round(&shown)
        server.setDown(true)
        _ = await keeper.round(&shown)
        #expect(verdicts.all.first == "trusted")
        #expect(verdicts.all.last?.contains("nobody answers") == true)
    }

    @Test("an emptied caBundle makes it unready at once, wakes it, and is filled in again without the clock going on")
    func wakes() async throws {
        let (keeper, _) = try await keeper()
        register(trusting: try server.bundle.caBundlePEM)
        validating.replace(with: [])
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await keeper.run() }
            await eventually { verdicts.all == ["trusted"] }
            let before = server.registrationPatches
            register()
            await eventually { clock.earliestDeadline.map { $0 < .seconds(1) } == true }
            clock.advance(by: .milliseconds(20))
            await eventually { server.registrationPatches > before && verdicts.all.last == "trusted" }
            group.cancelAll()
        }
        #expect(
            verdicts.all.dropFirst().first
                == "the caBundle of pod-injector.lanyard.dev does not trust the certificate any more")
        // A pause for changes that come together, and never the poll.
        #expect(clock.now.offset < .seconds(1))
    }

    @Test("a registration that has gone is told, and counts as missing until it is back", arguments: [true, false])
    func tellsMissing(isBack: Bool) async throws {
        register()
        validating.replace(with: [])
        var (keeper, shown) = try await keeper()
        _ = await keeper.round(&shown)
        mutating.replace(with: [])
        let pause = await keeper.round(&shown)
        #expect(pause == .seconds(30))
        if isBack {
            register()
            _ = await keeper.round(&shown)
        }
        let name = "pod-injector.lanyard.dev"
        #expect(try gauge("lanyard_webhook_registered", [("name", name)]) == (isBack ? 1 : 0))
        #expect(try gauge("lanyard_webhook_registered", [("name", "workload-validator.lanyard.dev")]) == 0)
    }
}
