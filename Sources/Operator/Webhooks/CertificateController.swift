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
public struct CertificateController: Service {
    public static let secretName = "lanyard-webhook-certificates"

    private let client: KubernetesClient
    private let secret: ObjectKey
    private let names: ServingNames
    private let lifetimes: CertificateLifetimes
    private let webhooks: RegisteredWebhooks
    private let certificate: RotatingCertificate
    /// What was there to begin with.
    private let first: CertificateBundle
    private let report: WebhookReport
    private let failures: Counter
    private let logger: Logger
    private let stopwatch: Stopwatch
    /// Says when the Secret changes. Of the Secret itself only that it is there is kept.
    private let secrets: Reflector<Secret>
    private let signal = Signal()

    /// How often the Secret and the registrations are looked at, should a watch have missed something; sooner if a rotation is
    /// due.
    private static let interval = Duration.seconds(30)
    private static let retryInterval = Duration.seconds(2)

    /// Reads or makes the certificates, so that there is one to serve with.
    ///
    /// - Throws: if the Secret can neither be read nor written.
    public init(
        client: KubernetesClient, namespace: String, names: ServingNames, webhooks: RegisteredWebhooks,
        lifetimes: CertificateLifetimes = CertificateLifetimes(), report: WebhookReport,
        metrics: any MetricsFactory, logger: Logger, clock: any Clock<Duration> = .continuous
    ) async throws {
        self.client = client
        secret = ObjectKey(namespace: namespace, name: Self.secretName)
        self.names = names
        self.lifetimes = lifetimes
        self.webhooks = webhooks
        self.report = report
        self.logger = logger
        stopwatch = Stopwatch(clock)
        secrets = Reflector(
            Secret.self, client: client,
            configuration: .init(namespace: namespace, fieldSelector: "metadata.name=\(Self.secretName)") {
                $0.data = [:]
            }, metrics: metrics, logger: logger, clock: clock)
        failures = Counter(label: "admission_webhook_certificate_failures_total", factory: metrics)
        first = try await Self.bundle(client, secret, names, lifetimes, showing: nil, logger)
        certificate = try RotatingCertificate(first.servingCertificate, metrics: metrics)
    }

    /// What the server shows.
    public var reloader: RotatingCertificate { certificate }

    /// This, and what tells it of changes, to be run.
    public var services: [any Service] { webhooks.services + [secrets, self] }

    public func run() async throws {
        secrets.store.observe { [signal] _ in signal.send() }
        webhooks.observe { [signal] in signal.send() }
        await cancelWhenGracefulShutdown {
            try? await webhooks.waitUntilRead()
            var shown = Shown(bundle: first)
            var pace = WakePace()
            while !Task.isCancelled {
                let pause = await round(&shown)
                let start = stopwatch.elapsed
                await signal.wait(atMost: pause, stopwatch)
                try? await stopwatch.sleep(for: pace.delay(afterRest: stopwatch.elapsed - start))
            }
        }
    }

    /// What the server shows.
    struct Shown {
        var bundle: CertificateBundle
        /// Whether the pod injector's registration trusted it when it was last there.
        var isTrusted = false
    }

    /// Sees once to all that is to be kept.
    ///
    /// - Returns: when to look again, if nothing changes before.
    func round(_ shown: inout Shown) async -> Duration {
        if shown.isTrusted, webhooks.injectorTrusts(shown.bundle.servingCertificate) == false {
            // Until it is given back its trust, which takes a moment, or longer if that is not allowed.
            shown.isTrusted = false
            report.distrusted(
                because:
                    "the caBundle of \(WebhookRegistration.podInjector.name) does not trust the certificate any more")
        }
        do {
            let bundle = try await Self.bundle(client, secret, names, lifetimes, showing: shown.bundle, logger)
            let failures = try await webhooks.trust(bundle.caBundlePEM)
            tellRegistrations(failures)
            if let failure = failures.first(where: { $0.registration.name == WebhookRegistration.podInjector.name }) {
                throw failure.error
            }
            try certificate.install(bundle.servingCertificate)
            shown = Shown(bundle: bundle, isTrusted: true)
            report.trusted()
            for failure in failures { note(failure.error) }
            let due = bundle.nextRotation(lifetimes: lifetimes).timeIntervalSinceNow
            return min(Self.interval, max(Self.retryInterval, .seconds(due)))
        } catch is CancellationError {
            return .zero
        } catch {
            note(error)
            // What is shown may be trusted all the same: while the API server is away, say.
            shown.isTrusted = webhooks.injectorTrusts(shown.bundle.servingCertificate) ?? shown.isTrusted
            if shown.isTrusted { report.trusted() } else { report.distrusted(because: "\(error)") }
            // What is missing says itself when it comes.
            return (error as? RegistrationMissing)?.isRead == true ? Self.interval : Self.retryInterval
        }
    }

    private func tellRegistrations(_ failures: [RegisteredWebhooks.Failure]) {
        for registration in WebhookRegistration.all {
            let failure = failures.first { $0.registration.name == registration.name }
            if let missing = failure?.error as? RegistrationMissing {
                report.missing(missing)
            } else {
                report.registered(registration)
            }
        }
    }

    private func note(_ failure: any Error) {
        failures.increment()
        logger.error("the webhook's certificates cannot be kept", error: failure)
    }

    // MARK: The Secret

    /// The certificates to use now. Of several replicas that make new ones at the same time, one wins and the others
    /// read what it wrote.
    ///
    /// - Parameter shown: what this replica shows; `nil` at the start. Then the registration says what the others may show.
    private static func bundle(
        _ client: KubernetesClient, _ key: ObjectKey, _ names: ServingNames, _ lifetimes: CertificateLifetimes,
        showing shown: CertificateBundle?, _ logger: Logger
    ) async throws -> CertificateBundle {
        for _ in 0..<5 {
            let present = try await client.getIfPresent(Secret.self, key)
            let trusted = present == nil && shown == nil ? try await RegisteredWebhooks.trusted(client) : []
            let (bundle, change) = try CertificateBundle.rotating(
                present?.data, showing: shown, trustedBy: trusted, for: names, at: .now, lifetimes: lifetimes)
            if change == .none { return bundle }
            do {
                try await write(bundle, over: present, client, key)
                var metadata: Logger.Metadata = ["change": .string(change.summary)]
                metadata["reason"] = change.reason.map { .string($0) }
                logger.notice("the webhook's certificates have changed", metadata: metadata)
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
