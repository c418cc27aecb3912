public import AdmissionWebhook
internal import FoundationEssentials
internal import JSON
public import KubernetesClient
internal import KubernetesModel
internal import KubernetesRuntime
public import Logging
public import Metrics
public import ServiceLifecycle

/// Keeps the webhook's certificates: in a Secret that all replicas share, in the `caBundle` of the registrations, and in
/// the server.
///
/// No certificate is shown before its CA is trusted, so each round writes the Secret first, then the registrations, and
/// then installs the certificate. It is the pod injector's trust that counts: without the validator, somebody may have been
/// tired of its warnings, pods need their credentials all the same.
public struct CertificateKeeper: Service {
    public static let secretName = "lanyard-webhook-certificates"

    private let client: KubernetesClient
    private let secret: ObjectKey
    private let names: ServingNames
    private let webhooks: RegisteredWebhooks
    private let certificate: RotatingCertificate
    /// What was there to begin with.
    private let first: ServingCertificate
    private let failures: Counter
    private let onTrusted: @Sendable () -> Void
    private let onDistrusted: @Sendable (String) -> Void
    private let logger: Logger
    private let clock: any Clock<Duration>

    /// How often the Secret and the registrations are looked at: somebody may have applied the manifests again.
    private static let interval = Duration.seconds(30)
    private static let retryInterval = Duration.seconds(2)

    /// Reads or makes the certificates, so that there is one to serve with.
    ///
    /// - Parameters:
    ///   - onTrusted: called when the pod injector's registration trusts what the server shows.
    ///   - onDistrusted: called with the reason when it does not, or has never been seen.
    /// - Throws: if the Secret can neither be read nor written.
    public init(
        client: KubernetesClient, namespace: String, names: ServingNames, webhooks: RegisteredWebhooks,
        metrics: any MetricsFactory, logger: Logger, clock: any Clock<Duration> = .continuous,
        onTrusted: @escaping @Sendable () -> Void, onDistrusted: @escaping @Sendable (String) -> Void
    ) async throws {
        self.client = client
        secret = ObjectKey(namespace: namespace, name: Self.secretName)
        self.names = names
        self.webhooks = webhooks
        self.logger = logger
        self.clock = clock
        self.onTrusted = onTrusted
        self.onDistrusted = onDistrusted
        failures = Counter(label: "admission_webhook_certificate_failures_total", factory: metrics)
        first = try await Self.bundle(client, secret, names, logger).servingCertificate
        certificate = try RotatingCertificate(first, metrics: metrics)
    }

    /// What the server shows.
    public var reloader: RotatingCertificate { certificate }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            try? await webhooks.waitUntilRead()
            var shown = Shown(certificate: first)
            while !Task.isCancelled {
                let pause = await round(&shown)
                try? await clock.sleep(for: pause)
            }
        }
    }

    /// What the server shows.
    struct Shown {
        var certificate: ServingCertificate
        /// Whether the pod injector's registration trusted it when it was last there.
        var isTrusted = false
    }

    /// Sees once to all that is to be kept.
    ///
    /// - Returns: when to look again.
    func round(_ shown: inout Shown) async -> Duration {
        do {
            let bundle = try await Self.bundle(client, secret, names, logger)
            let failures = try await webhooks.trust(bundle.caBundlePEM)
            if let failure = failures.first(where: { $0.registration.name == WebhookRegistration.podInjector.name }) {
                throw failure.error
            }
            try certificate.install(bundle.servingCertificate)
            shown = Shown(certificate: bundle.servingCertificate, isTrusted: true)
            onTrusted()
            for failure in failures { note(failure.error) }
            return Self.interval
        } catch is CancellationError {
            return .zero
        } catch {
            note(error)
            // What is shown may be trusted all the same: while the API server is away, say.
            shown.isTrusted = webhooks.injectorTrusts(shown.certificate) ?? shown.isTrusted
            if shown.isTrusted { onTrusted() } else { onDistrusted("\(error)") }
            return Self.retryInterval
        }
    }

    private func note(_ failure: any Error) {
        failures.increment()
        logger.error("the webhook's certificates cannot be kept", error: failure)
    }

    // MARK: The Secret

    /// The certificates to use now. Of several replicas that make new ones at the same time, one wins and the others
    /// read what it wrote.
    private static func bundle(
        _ client: KubernetesClient, _ key: ObjectKey, _ names: ServingNames, _ logger: Logger
    ) async throws -> CertificateBundle {
        for _ in 0..<5 {
            let present = try await client.getIfPresent(Secret.self, key)
            let (bundle, change) = try CertificateBundle.rotating(present?.data, for: names, at: .now)
            if change == .none { return bundle }
            do {
                try await write(bundle, over: present, client, key)
                logger.notice("the webhook's certificates have changed", metadata: ["change": "\(change)"])
                return bundle
            } catch let error as KubernetesError where error.isConflict || error.isAlreadyExists {
                continue
            }
        }
        throw TerminalError(CertificateContention(secret: key))
    }

    private static func write(
        _ bundle: CertificateBundle, over present: Secret?, _ client: KubernetesClient, _ key: ObjectKey
    ) async throws {
        var data = JSONObject()
        for (name, content) in try bundle.secretData.sorted(by: { $0.key < $1.key }) {
            data[name] = .string(Base64.encode(content))
        }
        var object: JSONValue = [
            "metadata": ["name": .string(key.name)], "type": "Opaque", "data": .object(data),
        ]
        guard let present else {
            try await client.create(Secret.self, object, in: key.namespace)
            return
        }
        object["metadata"] = ["resourceVersion": .string(present.metadata.resourceVersion)]
        object["type"] = nil
        try await client.patch(Secret.self, key, .merge(object))
    }
}

private struct CertificateContention: Error, CustomStringConvertible {
    var secret: ObjectKey
    var description: String { "write Secret \(secret): others kept writing it at the same time" }
}
