import JSON
import KubernetesModel
import KubernetesRuntime
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct ObservedComponentsTests {
    private let configurations = StoreWriter<MutatingWebhookConfiguration>()
    private let definitions = Dictionary(
        uniqueKeysWithValues: SecretObject.Kind.allCases.map { ($0, StoreWriter<CustomResourceDefinition>()) })

    private func observed(_ components: Components = Components()) -> ObservedComponents {
        ObservedComponents(
            components,
            in: AdmissionStores(
                serviceAccounts: StoreWriter<ServiceAccount>().store,
                namespaces: StoreWriter<PartialObjectMetadata<Namespace>>().store,
                webhookConfigurations: configurations.store, definitions: definitions.mapValues(\.store), services: []))
    }

    private func define(_ kind: SecretObject.Kind, versions: [String], served: Bool = true) throws {
        let json: JSONValue = [
            "metadata": ["name": .string(kind.resourceType.definitionName)],
            "spec": ["versions": .array(versions.map { ["name": .string($0), "served": .bool(served)] })],
        ]
        definitions[kind]?.set(try CustomResourceDefinition(parsing: json.serialized()))
    }

    private func register(_ name: String, webhook: String) {
        configurations.set(
            MutatingWebhookConfiguration(
                metadata: ObjectMetadata(name: name), webhooks: [RegisteredWebhook(name: webhook)]))
    }

    @Test("what is taken to be there offline is looked for in a cluster, and what the stores cannot tell is kept")
    func looks() {
        let current = observed(Components(hasGKEMetadataServer: true)).current
        #expect(
            current
                == Components(
                    vaultInjector: .absent, hasSecretProviderClasses: false, hasExternalSecrets: false,
                    hasGKEMetadataServer: true))
    }

    @Test(
        "an injector is known by its configuration's name or its webhook's, and by its place",
        arguments: [
            ("vault-agent-injector-cfg", "vault.hashicorp.com", .present), ("x", "openbao.org", .present),
            ("my-agent-injector-cfg", "other", .runsFirst(configuration: "my-agent-injector-cfg")),
            ("openbao-agent-injector-cfg", "openbao.org", .runsFirst(configuration: "openbao-agent-injector-cfg")),
            ("pod-identity-webhook", "pod-identity-webhook.amazonaws.com", .absent),
        ] as [(String, String, Components.VaultInjector)])
    func findsInjector(name: String, webhook: String, injector: Components.VaultInjector) {
        let components = observed()
        register(name, webhook: webhook)
        #expect(components.current.vaultInjector == injector)
        configurations.remove(ObjectKey(name: name))
        #expect(components.current.vaultInjector == .absent)
    }

    @Test("of several injectors the first one counts")
    func firstInjector() {
        let components = observed()
        register("vault-agent-injector-cfg", webhook: "vault.hashicorp.com")
        register("bao-agent-injector-cfg", webhook: "openbao.org")
        #expect(components.current.vaultInjector == .runsFirst(configuration: "bao-agent-injector-cfg"))
    }

    @Test("a kind can be made only in the version that Lanyard makes, while that is served; other versions are known")
    func needsVersion() throws {
        let components = observed()
        try define(.externalSecret, versions: ["v1beta1"])
        #expect(!components.current.hasExternalSecrets)
        #expect(components.current.otherVersions == [.externalSecret: ["v1beta1"]])
        try define(.externalSecret, versions: ["v1beta1", "v1"])
        #expect(components.current.hasExternalSecrets && !components.current.hasSecretProviderClasses)
        #expect(components.current.otherVersions.isEmpty)
        try define(.secretProviderClass, versions: ["v1"])
        #expect(components.current.hasSecretProviderClasses)
        try define(.externalSecret, versions: ["v1"], served: false)
        #expect(!components.current.hasExternalSecrets)
        definitions[.secretProviderClass]?.remove(
            ObjectKey(name: SecretObject.Kind.secretProviderClass.resourceType.definitionName))
        #expect(!components.current.hasSecretProviderClasses)
    }
}
