public import AdmissionWebhook
internal import KubernetesClient
public import KubernetesModel
public import KubernetesRuntime
public import ServiceLifecycle

/// Watches whether the pod injector's registration trusts a certificate that others keep: cert-manager, say, whose CA
/// injector fills in each `caBundle`.
public struct InjectorTrust: Service {
    private let certificate: MountedCertificate
    private let registrations: Store<MutatingWebhookConfiguration>
    private let report: WebhookReport
    private let stopwatch: Stopwatch
    private let signal = Signal()

    /// The certificate may change at any time. The registration says so itself.
    private static let interval = Duration.seconds(5)

    /// - Parameter registrations: all mutating ones that are in the cluster.
    public init(
        in certificate: MountedCertificate, registrations: Store<MutatingWebhookConfiguration>, report: WebhookReport,
        clock: any Clock<Duration> = .continuous
    ) {
        self.certificate = certificate
        self.registrations = registrations
        self.report = report
        stopwatch = Stopwatch(clock)
    }

    public func run() async throws {
        registrations.observeTrust(in: .podInjector) { [signal] in signal.send() }
        await cancelWhenGracefulShutdown {
            try? await registrations.waitUntilSynced()
            var isTrusted = false
            while !Task.isCancelled {
                look(&isTrusted)
                await signal.wait(atMost: Self.interval, stopwatch)
            }
        }
    }

    /// - Parameter isTrusted: what was so when the registration was last there.
    func look(_ isTrusted: inout Bool) {
        let verdict = registrations.injectorTrusts(certificate.isTrusted)
        let missing = RegistrationMissing(registration: .podInjector, isRead: registrations.isSynced)
        if verdict == nil { report.missing(missing) } else { report.registered(.podInjector) }
        isTrusted = verdict ?? isTrusted
        if isTrusted {
            report.trusted()
        } else if verdict == nil {
            report.distrusted(because: "\(missing)")
        } else {
            report.distrusted(
                because: """
                    the caBundle of \(WebhookRegistration.podInjector.name) does not trust the certificate; see that \
                    cert-manager's CA injector runs, or fill it in
                    """)
        }
    }
}

extension Store<MutatingWebhookConfiguration> {
    /// Whether the pod injector's registration trusts a certificate in all its entries; `nil` if there is none.
    func injectorTrusts(_ isTrusted: (_ caBundle: [UInt8]) -> Bool) -> Bool? {
        self[ObjectKey(name: WebhookRegistration.podInjector.name)]?.webhooks.allSatisfy { isTrusted($0.caBundle) }
    }
}
