internal import CoreMetrics
internal import KubernetesModel
public import KubernetesRuntime
public import Logging
public import Metrics
internal import Synchronization

/// Tells whether the API server can call the webhooks: by readiness, metrics and log, and by an event if this replica leads.
public final class WebhookReport: Sendable {
    private struct State {
        var isTrusted: Bool?
        var isRegistered: [String: Bool] = [:]
    }

    private let trust: Gauge
    private let registered: [String: Gauge]
    private let events: EventRecorder?
    private let onTrusted: @Sendable () -> Void
    private let onDistrusted: @Sendable (String) -> Void
    private let logger: Logger
    private let state = Mutex(State())

    /// What the metrics are, by name, for `# HELP`.
    public static let help = [
        "lanyard_webhook_trusted":
            "1 while the pod injector's caBundle trusts the certificate that this replica shows.",
        "lanyard_webhook_registered":
            "1 while the webhook configuration of that name is there, so that the API server calls Lanyard.",
    ]

    /// - Parameters:
    ///   - events: where a registration that is missing is told of; `nil` where nothing is.
    ///   - onTrusted: called when the pod injector's registration trusts what the server shows.
    ///   - onDistrusted: called with the reason when it does not, or has never been seen.
    public init(
        metrics factory: any MetricsFactory, logger: Logger, events: EventRecorder? = nil,
        onTrusted: @escaping @Sendable () -> Void, onDistrusted: @escaping @Sendable (String) -> Void
    ) {
        trust = Gauge(label: "lanyard_webhook_trusted", factory: factory)
        trust.record(0)
        let gauges = WebhookRegistration.all.map { registration in
            (
                registration.name,
                Gauge(label: "lanyard_webhook_registered", dimensions: [("name", registration.name)], factory: factory)
            )
        }
        registered = Dictionary(uniqueKeysWithValues: gauges)
        self.events = events
        self.onTrusted = onTrusted
        self.onDistrusted = onDistrusted
        self.logger = logger
    }

    func trusted() {
        trust.record(1)
        let before = state.withLock { state in
            defer { state.isTrusted = true }
            return state.isTrusted
        }
        if before == false { logger.notice("the API server's registration trusts the certificate") }
        onTrusted()
    }

    func distrusted(because reason: String) {
        trust.record(0)
        let before = state.withLock { state in
            defer { state.isTrusted = false }
            return state.isTrusted
        }
        if before == true { logger.error("pods are not injected by this replica", metadata: ["reason": "\(reason)"]) }
        onDistrusted(reason)
    }

    func registered(_ registration: WebhookRegistration) {
        registered[registration.name]?.record(1)
        if change(of: registration, to: true) == false {
            logger.notice("registered again", metadata: ["k8s.object": "\(registration.name)"])
        }
    }

    func missing(_ error: RegistrationMissing) {
        guard error.isRead else { return }
        let registration = error.registration
        registered[registration.name]?.record(0)
        if change(of: registration, to: false) != false {
            logger.error("the API server does not call the webhook", metadata: ["reason": "\(error)"])
        }
        events?.record(
            ObjectEvent(
                regarding: ObjectReference(
                    type: registration.kind.resourceType, key: ObjectKey(name: registration.name)),
                .warning, reason: "WebhookNotRegistered", action: "Register", note: "\(error)"))
    }

    /// - Returns: what was so before; `nil` if that was not known.
    private func change(of registration: WebhookRegistration, to isRegistered: Bool) -> Bool? {
        state.withLock { $0.isRegistered.updateValue(isRegistered, forKey: registration.name) }
    }
}
