import AdmissionWebhook
import CoreMetrics
import Foundation
import JSON
import KubernetesModel
import Logging
import Operator
import ServiceLifecycle
import Testing

@testable import KubernetesClient
@testable import lanyard

extension EndToEndTests {
    /// Certificates that live for seconds in place of months, and a CA for some tens of certificates in place of forty.
    ///
    /// `ROTATED_CERTIFICATES=50 hack/test --filter CertificateRotation` lets so many follow each other, and two CAs: seven minutes.
    @Suite(.serialized) struct CertificateRotation {
        private static let certificates =
            ProcessInfo.processInfo.environment["ROTATED_CERTIFICATES"].flatMap(Int.init) ?? 4

        /// Renewed when a third is left: after eight seconds.
        private static let lifetimes = {
            var lifetimes = CertificateLifetimes()
            lifetimes.leaf = 12
            lifetimes.announcement = 4
            lifetimes.backdating = 0
            // The next CA is made before two certificates could outlive this one: twice in so many certificates.
            lifetimes.authority = 2 * lifetimes.leaf + Double(certificates) * 8 / 2.5
            return lifetimes
        }()

        @Test("certificates and their CAs follow each other under two replicas, and no pod is refused or missed")
        func refusesNoPod() async throws {
            let plane = try ControlPlane.require()
            try await plane.kubectl("apply", "-f", "\(plane.repository)/manifests/namespace.yaml")
            let secret = ObjectKey(namespace: "lanyard-system", name: CertificateController.secretName)
            try await plane.kubectl(
                "delete", "secret", secret.name, "-n", "lanyard-system", "--ignore-not-found")
            let namespace = try await plane.namespace()
            let logger = Logger(label: "rotation") { _ in SwiftLogNoOpLogHandler() }
            let cluster = try Cluster.configuration(kubeconfig: plane.kubeconfig)
            var seen = Seen()
            try await Cluster.withClient(cluster, logger: logger) { client in
                try await Self.withReplicas(client, logger) {
                    try await plane.waitUntilMarking(in: namespace)
                    while seen.certificates.count <= Self.certificates {
                        try await seen.note(client.get(Secret.self, secret))
                        let answer = await Result { try await client.json(.requiredPod(in: namespace)) }
                        switch answer {
                        case .success(let pod): seen.missed += pod.annotations[Marking.mark] == nil ? 1 : 0
                        case .failure(let error): seen.refusals.append("\(error)")
                        }
                        seen.pods += 1
                    }
                }
            }
            try await plane.kubectl(
                "delete", "mutatingwebhookconfiguration,validatingwebhookconfiguration", "--all")
            #expect(seen.refusals == [])
            #expect(seen.missed == 0)
            #expect(seen.authorities.count > (Self.certificates < 10 ? 1 : 2))
            print("\(seen.pods) pods, \(seen.certificates.count) certificates, \(seen.authorities.count) CAs")
        }

        private struct Seen {
            var certificates: Set<[UInt8]> = []
            var authorities: Set<[UInt8]> = []
            var pods = 0
            var missed = 0
            var refusals: [String] = []

            mutating func note(_ secret: Secret) {
                certificates.insert(secret.data["tls.crt"] ?? [])
                authorities.insert(secret.data["ca.key"] ?? [])
            }
        }

        /// Runs two replicas; the registration names one. What is renewed by either is shown by both.
        private static func withReplicas(
            _ client: KubernetesClient, _ logger: Logger, _ body: () async throws -> Void
        ) async throws {
            let metrics = NOOPMetricsHandler.instance
            let port = try Operator.freePort()
            let stores = AdmissionStores(client: client, metrics: metrics, logger: logger)
            let webhooks = RegisteredWebhooks(
                target: .url("https://127.0.0.1:\(port)"), mutating: stores.webhookConfigurations, client: client,
                metrics: metrics, logger: logger)
            var services: [any Service] = stores.services
            for port in [port, 0] {
                let keeper = try await CertificateController(
                    client: client, namespace: "lanyard-system", names: ServingNames(hosts: ["127.0.0.1"]),
                    webhooks: webhooks, lifetimes: lifetimes,
                    report: WebhookReport(metrics: metrics, logger: logger, onTrusted: {}, onDistrusted: { _ in }),
                    metrics: metrics, logger: logger)
                let server = AdmissionServer(
                    configuration: AdmissionServer.Configuration(host: "127.0.0.1", port: port),
                    handlers: ["/mutate": Marking(), "/validate": Marking()], certificate: keeper.reloader,
                    metrics: metrics, logger: logger)
                // So that the API server shakes hands for each pod.
                server.endConnections()
                services += keeper.services.filter { keeper in
                    !services.contains { $0 as AnyObject === keeper as AnyObject }
                }
                services.append(server)
            }
            let group = ServiceGroup(services: services, logger: logger)
            try await withThrowingTaskGroup(of: Void.self) { tasks in
                tasks.addTask { try await group.run() }
                let outcome = await Result { try await body() }
                await group.triggerGracefulShutdown()
                try await tasks.waitForAll()
                try outcome.get()
            }
        }
    }
}

/// Marks what it sees.
private struct Marking: AdmissionHandler {
    struct Nothing: ReviewedObject {
        let isLaborious = false

        init(from json: inout JSONReader) throws { try json.skip() }
    }

    static let mark = "rotation.test/seen"

    func review(
        _ request: AdmissionRequest, of object: Nothing?, replacing oldObject: Nothing?
    ) async throws -> AdmissionResponse {
        var patch = JSONPatch()
        if request.resource.resource == "pods" {
            patch.add([Self.mark: "true"], at: JSONPointer("metadata", "annotations"))
        }
        return .allowed(patch: patch)
    }
}

extension KubernetesRequest {
    /// A pod that must not start without the webhook, tried and not stored.
    fileprivate static func requiredPod(in namespace: String) -> KubernetesRequest {
        var request = create(
            Pod.resourceType,
            [
                "metadata": ["generateName": "pod-", "labels": ["lanyard.dev/inject": "required"]],
                "spec": ["containers": [["name": "app", "image": "app:1"]]],
            ], in: namespace, fieldManager: "test")
        request.query.append(QueryItem(name: "dryRun", value: "All"))
        return request
    }
}

extension ControlPlane {
    fileprivate func waitUntilMarking(in namespace: String) async throws {
        try await eventually("the API server calls the webhook") {
            let tried = try await kubectl(
                "run", "pod", "--image=app:1", "--labels=lanyard.dev/inject=required", "-n", namespace, "-o", "json",
                "--dry-run=server")
            let pod = try JSONValue(parsing: Array(tried.output.utf8))
            if pod.annotations[Marking.mark] == nil { throw CommandFailure(description: "not called") }
        }
    }
}

extension Result where Failure == any Error {
    fileprivate init(_ body: () async throws -> Success) async {
        do {
            self = .success(try await body())
        } catch {
            self = .failure(error)
        }
    }
}
