internal import KubernetesModel
internal import KubernetesRuntime
internal import PodInjection
public import WorkloadIdentity

/// Puts what the stores hold to the domain.
public struct Planner: Sendable {
    let stores: AdmissionStores
    let configuration: Configuration
    private let clusterFacts: PlatformFacts

    public init(stores: AdmissionStores, facts: PlatformFacts, configuration: Configuration) {
        self.stores = stores
        self.configuration = configuration
        clusterFacts = facts
    }

    /// What is true of the cluster now.
    var facts: PlatformFacts {
        var facts = clusterFacts
        facts.components.vaultInjector = vaultInjector
        facts.components.hasSecretProviderClasses = serves(.secretProviderClass)
        facts.components.hasExternalSecrets = serves(.externalSecret)
        return facts
    }

    /// The plan for a ServiceAccount, and for a pod of it.
    ///
    /// - Parameters:
    ///   - account: the ServiceAccount as it is; `nil` has no annotations.
    ///   - namespaceLabels: those of the subject's namespace; `nil`: as the store has them.
    func plan(
        for subject: Subject, _ account: ServiceAccount?, pod: PodContext = PodContext(),
        namespaceLabels: [String: String]? = nil
    ) -> Plan {
        Plan(
            for: subject,
            serviceAccount: account?.metadata.annotations ?? [:],
            pod: pod,
            namespaceLabels: namespaceLabels
                ?? stores.namespaces[ObjectKey(name: subject.namespace)]?.metadata.labels ?? [:],
            facts: facts,
            configuration: configuration)
    }

    private func serves(_ kind: SecretObject.Kind) -> Bool {
        let definitions = stores.definitions[kind]?.resources ?? []
        return definitions.contains { $0.servedVersions.contains(kind.resourceType.version) }
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

extension Subject {
    init(_ key: ObjectKey) {
        self.init(namespace: key.namespace ?? "", serviceAccount: key.name)
    }

    /// Whom a pod, or the pods of a template, run as.
    init(of pod: PodManifest, in namespace: String) {
        let name = pod.serviceAccountName
        self.init(namespace: namespace, serviceAccount: name.isEmpty ? "default" : name)
    }

    var key: ObjectKey { ObjectKey(namespace: namespace, name: serviceAccount) }
}

extension PodContext {
    init(_ template: PodTemplate, of account: ServiceAccount?) {
        self.init(
            annotations: template.annotations, labels: template.labels,
            mountsServiceAccountToken: template.automountServiceAccountToken ?? account?.automountServiceAccountToken
                ?? true)
    }

    init(_ pod: ObjectMetadata) {
        self.init(annotations: pod.annotations, labels: pod.labels)
    }
}
