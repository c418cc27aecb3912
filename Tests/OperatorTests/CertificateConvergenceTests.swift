import AdmissionWebhook
import FoundationEssentials
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import Synchronization
import Testing

@testable import Operator

/// Two replicas that keep the same Secret and the same registrations, whatever somebody else does to these.
@Suite(.timeLimit(.minutes(5))) struct CertificateConvergenceTests {
    private static let names = [WebhookRegistration.podInjector.name, WebhookRegistration.workloadValidator.name]

    /// One replica, with what its watches have told.
    private struct Replica {
        let keeper: CertificateController
        let mutating = StoreWriter<MutatingWebhookConfiguration>()
        let validating = StoreWriter<ValidatingWebhookConfiguration>()
        var shown: CertificateController.Shown

        init(_ server: CertificateServer) async throws {
            let client = KubernetesClient(transport: server, fieldManager: "test")
            let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
            keeper = try await CertificateController(
                client: client, namespace: "n", names: ServingNames(service: "s", namespace: "n"),
                webhooks: RegisteredWebhooks(
                    target: nil, mutating: mutating.store, validating: validating.store, client: client),
                report: WebhookReport(metrics: TestMetrics(), logger: logger, onTrusted: {}, onDistrusted: { _ in }),
                metrics: TestMetrics(), logger: logger)
            shown = CertificateController.Shown(bundle: try server.bundle)
            try hear(server)
        }

        func hear(_ server: CertificateServer) throws {
            mutating.replace(with: [try server.registration(names[0])].compactMap { $0 })
            validating.replace(with: [try server.registration(names[1])].compactMap { $0 })
        }
    }

    /// What each replica shows, to be looked at whenever a registration changes.
    private final class Showcase: Sendable {
        private let shown = Mutex<[Int: ServingCertificate]>([:])
        private let distrusted = Mutex(0)

        var failures: Int { distrusted.withLock { $0 } }

        func show(_ certificate: ServingCertificate, by replica: Int) { shown.withLock { $0[replica] = certificate } }

        func check(_ caBundle: [UInt8]) {
            let isTrusted = shown.withLock { $0.values.allSatisfy { $0.isTrusted(by: caBundle) } }
            if !isTrusted { distrusted.withLock { $0 += 1 } }
        }
    }

    enum Accident: CaseIterable {
        case none, secretDeleted, caBundleEmptied, caBundleForeign, secretForeign, secretDeletedAndBundleEmptied
    }

    private func happen(_ accident: Accident, to server: CertificateServer) throws {
        let foreign = {
            try CertificateBundle.rotating(nil, for: ServingNames(service: "s", namespace: "n"), at: .now).bundle
        }
        switch accident {
        case .none: break
        case .secretDeleted: server.deleteSecret()
        case .caBundleEmptied: server.register(Self.names[0], trusting: [])
        case .caBundleForeign: server.register(Self.names[0], trusting: try foreign().caBundlePEM)
        case .secretForeign: try server.setSecret(foreign())
        case .secretDeletedAndBundleEmptied:
            server.deleteSecret()
            server.register(Self.names[0], trusting: [])
        }
    }

    @Test("agree after every accident, and what they write never distrusts what one of them shows", arguments: 0..<4)
    func converge(run: Int) async throws {
        let showcase = Showcase()
        let server = CertificateServer { showcase.check($0) }
        for name in Self.names { server.register(name, trusting: []) }
        var replicas = [try await Replica(server), try await Replica(server)]

        for accident in Accident.allCases.shuffled() {
            try happen(accident, to: server)
            // Both work at the same time, on news that are not always the newest.
            for step in 0..<6 {
                if step > 2 || Bool.random() { try replicas[0].hear(server) }
                if step > 2 || Bool.random() { try replicas[1].hear(server) }
                let shown = await withTaskGroup(of: (Int, CertificateController.Shown).self) { group in
                    for (index, replica) in replicas.enumerated() {
                        group.addTask {
                            var shown = replica.shown
                            _ = await replica.keeper.round(&shown)
                            showcase.show(shown.bundle.servingCertificate, by: index)
                            return (index, shown)
                        }
                    }
                    return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
                }
                for (index, shown) in shown { replicas[index].shown = shown }
            }
            let writes = server.writes
            for index in replicas.indices {
                try replicas[index].hear(server)
                _ = await replicas[index].keeper.round(&replicas[index].shown)
            }
            #expect(server.writes == writes, "they do not come to rest after \(accident)")
            for name in Self.names {
                let registration: MutatingWebhookConfiguration? = try server.registration(name)
                let caBundle = try #require(registration?.webhooks.first?.caBundle)
                #expect(replicas.allSatisfy { $0.shown.bundle.servingCertificate.isTrusted(by: caBundle) })
            }
        }
        #expect(showcase.failures == 0)
    }

    @Test("a replica that starts without the Secret goes on trusting what the others show")
    func start() async throws {
        let server = CertificateServer()
        for name in Self.names { server.register(name, trusting: []) }
        var old = try await Replica(server)
        _ = await old.keeper.round(&old.shown)
        server.deleteSecret()
        var new = try await Replica(server)
        _ = await new.keeper.round(&new.shown)
        let registration: MutatingWebhookConfiguration? = try server.registration(Self.names[0])
        let caBundle = try #require(registration?.webhooks.first?.caBundle)
        #expect(old.shown.bundle.servingCertificate.isTrusted(by: caBundle))
        #expect(new.shown.bundle.servingCertificate.isTrusted(by: caBundle))
        #expect(!new.shown.bundle.servingCertificate.isTrusted(by: try old.shown.bundle.caBundlePEM))
    }
}
