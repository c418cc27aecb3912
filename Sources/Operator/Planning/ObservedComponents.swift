internal import KubernetesModel
internal import KubernetesRuntime
internal import Synchronization
internal import WorkloadIdentity

/// What else runs in the cluster, as the stores tell it: found out when one of them changes, and not whenever it is asked for.
final class ObservedComponents: Sendable {
    private let stores: AdmissionStores
    private let components: Mutex<Components>

    /// - Parameter components: what the stores do not tell.
    init(_ components: Components, in stores: AdmissionStores) {
        self.stores = stores
        self.components = Mutex(components)
        // An observer is called when the change is in the store, so whoever comes last here sees all changes.
        stores.webhookConfigurations.observe { _ in self.update() }
        for definitions in stores.definitions.values { definitions.observe { _ in self.update() } }
        update()
    }

    var current: Components { components.withLock { $0 } }

    private func update() {
        components.withLock { components in
            components.vaultInjector = vaultInjector
            components.hasSecretProviderClasses = serves(.secretProviderClass)
            components.hasExternalSecrets = serves(.externalSecret)
            let kinds = SecretObject.Kind.allCases.filter { !serves($0) && !servedVersions(of: $0).isEmpty }
            components.otherVersions = Dictionary(uniqueKeysWithValues: kinds.map { ($0, servedVersions(of: $0)) })
        }
    }

    private func serves(_ kind: SecretObject.Kind) -> Bool { servedVersions(of: kind).contains(kind.version) }

    private func servedVersions(of kind: SecretObject.Kind) -> [String] {
        (stores.definitions[kind]?.resources ?? []).flatMap(\.servedVersions)
    }

    /// Vault's and OpenBao's charts name the configuration for their release, and its webhook for their domain.
    private var vaultInjector: Components.VaultInjector {
        let names = stores.webhookConfigurations.resources.filter { configuration in
            configuration.metadata.name.hasSuffix("agent-injector-cfg")
                || configuration.webhooks.contains { $0.name == "vault.hashicorp.com" || $0.name == "openbao.org" }
        }.map(\.metadata.name)
        guard let first = names.min() else { return .absent }
        return first < WebhookRegistration.podInjector.name ? .runsFirst(configuration: first) : .present
    }
}
