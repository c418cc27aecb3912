import AdmissionWebhook
import Foundation
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import Synchronization
import Testing

@testable import Operator

@Suite struct InjectorTrustTests {
    private let mutating = StoreWriter<MutatingWebhookConfiguration>()

    private func register(trusting caBundles: [UInt8]...) {
        let webhooks = caBundles.map { caBundle in
            var webhook = RegisteredWebhook(name: "pod-injector.lanyard.dev")
            webhook.caBundle = caBundle
            return webhook
        }
        let metadata = ObjectMetadata(name: "pod-injector.lanyard.dev")
        mutating.set(MutatingWebhookConfiguration(metadata: metadata, webhooks: webhooks))
    }

    @Test("a certificate that others keep is trusted once its CA is in every entry, and for as long")
    func follows() throws {
        let bundle = try CertificateBundle.rotating(nil, for: ServingNames(hosts: ["h"]), at: .now).bundle
        let other = try CertificateBundle.rotating(nil, for: ServingNames(hosts: ["h"]), at: .now).bundle
        let folder = FileManager.default.temporaryDirectory.appending(path: "trust-\(UUID())")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        try Data(bundle.servingCertificate.certificatePEM).write(to: folder.appending(path: "tls.crt"))
        try Data(bundle.servingCertificate.privateKeyPEM).write(to: folder.appending(path: "tls.key"))

        let verdicts = Mutex<[String]>([])
        let trust = InjectorTrust(
            in: try MountedCertificate(
                directory: folder.path, metrics: TestMetrics(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }),
            registrations: mutating.store,
            report: WebhookReport(
                metrics: TestMetrics(), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
                onTrusted: { verdicts.withLock { $0.append("trusted") } },
                onDistrusted: { reason in verdicts.withLock { $0.append(reason) } }))
        var isTrusted = false
        func verdict() -> String? {
            trust.look(&isTrusted)
            return verdicts.withLock { $0.last }
        }

        #expect(verdict()?.hasSuffix("has not been read yet") == true)
        mutating.replace(with: [])
        #expect(verdict()?.hasPrefix("there is no MutatingWebhookConfiguration pod-injector.lanyard.dev") == true)
        let distrust =
            "the caBundle of pod-injector.lanyard.dev does not trust the certificate; see that cert-manager's CA injector "
            + "runs, or fill it in"
        register(trusting: [], [])
        #expect(verdict() == distrust)
        register(trusting: try bundle.caBundlePEM, try other.caBundlePEM)
        #expect(verdict() == distrust)
        register(trusting: try bundle.caBundlePEM, try other.caBundlePEM + bundle.caBundlePEM)
        #expect(verdict() == "trusted")
        mutating.replace(with: [])
        #expect(verdict() == "trusted")
        register(trusting: try other.caBundlePEM, try other.caBundlePEM)
        #expect(verdict() == distrust)
        // A certificate that signed itself is its own CA.
        register(trusting: bundle.servingCertificate.certificatePEM)
        #expect(verdict() == "trusted")
    }
}
