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
    private let onTrusted: @Sendable () -> Void
    private let onDistrusted: @Sendable (String) -> Void
    private let clock: any Clock<Duration>

    /// Both the registration and the certificate may change at any time.
    private static let interval = Duration.seconds(5)

    /// - Parameters:
    ///   - registrations: all mutating ones that are in the cluster.
    ///   - onTrusted: called when the registration trusts the certificate.
    ///   - onDistrusted: called with the reason when it does not, or has never been seen.
    public init(
        in certificate: MountedCertificate, registrations: Store<MutatingWebhookConfiguration>,
        clock: any Clock<Duration> = .continuous, onTrusted: @escaping @Sendable () -> Void,
        onDistrusted: @escaping @Sendable (String) -> Void
    ) {
        self.certificate = certificate
        self.registrations = registrations
        self.clock = clock
        self.onTrusted = onTrusted
        self.onDistrusted = onDistrusted
    }

    public func run() async throws {
        await cancelWhenGracefulShutdown {
            try? await registrations.waitUntilSynced()
            var isTrusted = false
            while !Task.isCancelled {
                look(&isTrusted)
                try? await clock.sleep(for: Self.interval)
            }
        }
    }

    /// - Parameter isTrusted: what was so when the registration was last there.
    func look(_ isTrusted: inout Bool) {
        let verdict = registrations.injectorTrusts(certificate.isTrusted)
        isTrusted = verdict ?? isTrusted
        if isTrusted {
            onTrusted()
        } else if verdict == nil {
            onDistrusted("\(RegistrationMissing(registration: .podInjector, isRead: registrations.isSynced))")
        } else {
            onDistrusted(
                """
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
