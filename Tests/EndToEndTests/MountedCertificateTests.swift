import AdmissionWebhook
import Foundation
import JSON
import Testing

extension EndToEndTests {
    @Suite(.serialized) struct MountedCertificates {
        @Test("what others keep is served, nothing is made beside it, and it is ready once the injector trusts it")
        func servesMountedCertificate() async throws {
            let plane = try ControlPlane.require()
            let secret = ["secret/lanyard-webhook-certificates", "-n", "lanyard-system"]
            _ = try await plane.tryKubectl(["delete", "--ignore-not-found"] + secret)
            let bundle = try CertificateBundle.rotating(nil, for: ServingNames(hosts: ["127.0.0.1"]), at: .now).bundle
            let folder = FileManager.default.temporaryDirectory.appending(path: "certificate-\(UUID())")
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
            defer { try? FileManager.default.removeItem(at: folder) }
            try Data(bundle.servingCertificate.certificatePEM).write(to: folder.appending(path: "tls.crt"))
            try Data(bundle.servingCertificate.privateKeyPEM).write(to: folder.appending(path: "tls.key"))

            let manifest = try String(contentsOfFile: "\(plane.repository)/manifests/webhook.yaml", encoding: .utf8)
            var installed: [JSONValue] = []
            for document in manifest.components(separatedBy: "\n---\n") {
                let json = try await plane.kubectl(
                    "create", "--dry-run=client", "-o", "json", "-f", "-", input: document)
                installed.append(try JSONValue(parsing: Array(json.output.utf8)))
            }
            /// What cert-manager's CA injector does, and by URL.
            func register(_ running: Operator, trusting caBundle: [UInt8]) async throws {
                for var registration in installed {
                    let webhooks = (registration["webhooks"]?.array ?? []).map { webhook in
                        var webhook = webhook
                        let path = webhook.at("clientConfig", "service", "path")?.string ?? ""
                        webhook["clientConfig"] = [
                            "url": .string("https://127.0.0.1:\(running.webhookPort)\(path)"),
                            "caBundle": .string(Data(caBundle).base64EncodedString()),
                        ]
                        return webhook
                    }
                    registration["webhooks"] = .array(webhooks)
                    try await plane.kubectl("replace", "--force", "-f", "-", input: registration.serializedString())
                }
            }
            var settings = Operator.Settings(registersItself: false)
            settings.certificateDirectory = folder.path
            let outcome: Result<Void, any Error>
            do {
                try await Operator.running(settings, isReady: false) { plane, running in
                    try await register(running, trusting: [])
                    try await eventually("the missing trust is named") {
                        let (_, body) = try await running.get("/readyz?verbose")
                        guard body.contains("does not trust the certificate") else {
                            throw CommandFailure(description: body)
                        }
                    }
                    try await register(running, trusting: try bundle.caBundlePEM)
                    try await running.waitUntilReady()
                    try await plane.waitUntilAdmitting()
                    #expect(try await plane.tryKubectl(["get"] + secret).exitCode == 1)
                }
                outcome = .success(())
            } catch {
                outcome = .failure(error)
            }
            for registration in installed {
                _ = try await plane.kubectl("delete", "-f", "-", input: registration.serializedString())
            }
            try outcome.get()
        }
    }
}
