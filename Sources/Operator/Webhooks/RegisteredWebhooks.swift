internal import AdmissionWebhook
public import CoreMetrics
internal import JSON
public import KubernetesClient
public import KubernetesModel
public import KubernetesRuntime
public import Logging
public import ServiceLifecycle

/// Our registrations in the cluster, and their trust in our certificates.
public struct RegisteredWebhooks: Sendable {
    private let client: KubernetesClient
    /// Where this process registers itself; `nil` if the registrations were installed, and only each `caBundle` is ours.
    private let target: WebhookRegistration.Target?
    private let mutating: Store<MutatingWebhookConfiguration>
    private let validating: Store<ValidatingWebhookConfiguration>

    /// What keeps this up to date, to be run.
    public let services: [any Service]

    /// - Parameter mutating: all that are in the cluster, which are followed anyway. Of the validating ones only ours is.
    public init(
        target: WebhookRegistration.Target?, mutating: Store<MutatingWebhookConfiguration>, client: KubernetesClient,
        metrics: any MetricsFactory, logger: Logger
    ) {
        let ours = WebhookRegistration.workloadValidator.name
        let validating = Reflector(
            ValidatingWebhookConfiguration.self, client: client,
            configuration: .init(fieldSelector: "metadata.name=\(ours)"), metrics: metrics, logger: logger)
        self.init(
            target: target, mutating: mutating, validating: validating.store, client: client, services: [validating])
    }

    init(
        target: WebhookRegistration.Target?, mutating: Store<MutatingWebhookConfiguration>,
        validating: Store<ValidatingWebhookConfiguration>, client: KubernetesClient, services: [any Service] = []
    ) {
        self.client = client
        self.target = target
        self.mutating = mutating
        self.validating = validating
        self.services = services
    }

    /// Waits until it is known what is registered, where that has to be known.
    func waitUntilRead() async throws {
        guard target == nil else { return }
        try await mutating.waitUntilSynced()
        try await validating.waitUntilSynced()
    }

    /// Calls `observer` when one of our registrations has come, gone, or changed in what it trusts.
    func observe(_ observer: @escaping @Sendable () -> Void) {
        mutating.observeTrust(in: .podInjector, observer)
        validating.observeTrust(in: .workloadValidator, observer)
    }

    /// What the pod injector's registration trusts, entry by entry, asked of the server. Empty if there is none.
    static func trusted(_ client: KubernetesClient) async throws -> [[UInt8]] {
        let present = try await client.getIfPresent(
            MutatingWebhookConfiguration.self, ObjectKey(name: WebhookRegistration.podInjector.name))
        return present?.webhooks.map(\.caBundle) ?? []
    }

    /// Why a registration does not trust our certificates.
    struct Failure {
        var registration: WebhookRegistration
        var error: any Error
    }

    /// Makes every entry of every registration trust these CAs.
    ///
    /// - Returns: those that could not be brought to it. All others do.
    /// - Throws: a `CancellationError`.
    func trust(_ pem: [UInt8]) async throws -> [Failure] {
        var failures: [Failure] = []
        for registration in WebhookRegistration.all {
            do {
                try await trust(pem, registration)
            } catch let error as CancellationError {
                throw error
            } catch {
                failures.append(Failure(registration: registration, error: error))
            }
        }
        return failures
    }

    /// Whether the pod injector's registration trusts a certificate, as far as has been heard; `nil` if there is none.
    func injectorTrusts(_ certificate: ServingCertificate) -> Bool? {
        mutating.injectorTrusts(certificate.isTrusted)
    }

    private func trust(_ pem: [UInt8], _ registration: WebhookRegistration) async throws {
        let type = registration.kind.resourceType
        let key = ObjectKey(name: registration.name)
        let caBundle = Base64.encode(pem)
        if let target {
            // Applying what is there already writes nothing, and undoes what somebody has changed.
            let object = registration.json(target: target, caBundle: caBundle)
            _ = try await client.send(.apply(type, key, object, fieldManager: client.fieldManager))
            return
        }
        guard var present = known(registration) else { throw absence(of: registration) }
        for isLast in [false, false, true] {
            guard !present.entries.allSatisfy({ $0.caBundle == pem }) else { return }
            // Entries are found by their names, and keep all else.
            let trusting = present.entries.map { entry -> JSONValue in
                ["name": .string(entry.name), "clientConfig": ["caBundle": .string(caBundle)]]
            }
            let patch: JSONValue = [
                "metadata": ["resourceVersion": .string(present.version)], "webhooks": .array(trusting),
            ]
            do {
                _ = try await client.send(
                    .patch(type, key, .strategicMerge(patch), fieldManager: client.fieldManager))
                return
            } catch let error as KubernetesError where error.isConflict && !isLast {
                // Another replica was faster, most likely with the same.
                present = try await read(registration)
            } catch let error as KubernetesError where error.isNotFound {
                throw RegistrationMissing(registration: registration, isRead: true)
            }
        }
    }

    /// What matters of a registration.
    private struct Present {
        var version: String
        var entries: [RegisteredWebhook]

        init<Kind>(_ configuration: WebhookConfiguration<Kind>) {
            version = configuration.metadata.resourceVersion
            entries = configuration.webhooks
        }
    }

    /// As far as has been heard.
    private func known(_ registration: WebhookRegistration) -> Present? {
        let key = ObjectKey(name: registration.name)
        return switch registration.kind {
        case .mutating: mutating[key].map(Present.init)
        case .validating: validating[key].map(Present.init)
        }
    }

    private func read(_ registration: WebhookRegistration) async throws -> Present {
        let key = ObjectKey(name: registration.name)
        do {
            return switch registration.kind {
            case .mutating: Present(try await client.get(MutatingWebhookConfiguration.self, key))
            case .validating: Present(try await client.get(ValidatingWebhookConfiguration.self, key))
            }
        } catch let error as KubernetesError where error.isNotFound {
            throw RegistrationMissing(registration: registration, isRead: true)
        }
    }

    private func absence(of registration: WebhookRegistration) -> RegistrationMissing {
        let isRead =
            switch registration.kind {
            case .mutating: mutating.isSynced
            case .validating: validating.isSynced
            }
        return RegistrationMissing(registration: registration, isRead: isRead)
    }
}

extension Store {
    /// Calls `observer` when a registration has come, gone, or changed in what it trusts.
    func observeTrust<Kind>(in registration: WebhookRegistration, _ observer: @escaping @Sendable () -> Void)
    where Resource == WebhookConfiguration<Kind> {
        observe { change in
            guard change.key.name == registration.name,
                change.old?.webhooks.map(\.caBundle) != change.new?.webhooks.map(\.caBundle)
            else { return }
            observer()
        }
    }
}

struct RegistrationMissing: Error, CustomStringConvertible {
    var registration: WebhookRegistration
    /// Whether the API server has been heard on it at all.
    var isRead: Bool

    var description: String {
        let object = "\(registration.kind.resourceType.kind) \(registration.name)"
        guard isRead else { return "the \(object) has not been read yet" }
        return "there is no \(object); install the manifests or the chart, or run with --webhook-url"
    }
}
