import JSON
import KubernetesModel
import KubernetesRuntime
import Testing
import WorkloadIdentity

@testable import Operator

@Suite("Observed components") struct ObservedComponentsTests {
    private let definitions = StoreWriter<CustomResourceDefinition>()

    private var components: ObservedComponents {
        ObservedComponents(
            Components(),
            in: AdmissionStores(
                serviceAccounts: StoreWriter<ServiceAccount>().store,
                namespaces: StoreWriter<PartialObjectMetadata<Namespace>>().store,
                webhookConfigurations: StoreWriter<MutatingWebhookConfiguration>().store,
                definitions: [.externalSecret: definitions.store], services: []))
    }

    private func install(_ versions: [(name: String, isServed: Bool)]) throws {
        let json: JSONValue = [
            "metadata": ["name": "externalsecrets.external-secrets.io"],
            "spec": [
                "versions": .array(versions.map { ["name": .string($0.name), "served": .bool($0.isServed)] })
            ],
        ]
        definitions.set(try CustomResourceDefinition(parsing: Array(json.serializedString().utf8)))
    }

    @Test("a kind of another version than Lanyard makes cannot be used, and its versions are known")
    func knowsOtherVersions() throws {
        let components = components
        #expect(!components.current.hasExternalSecrets && components.current.otherVersions.isEmpty)
        try install([("v1alpha1", false), ("v1beta1", true)])
        #expect(!components.current.hasExternalSecrets)
        #expect(components.current.otherVersions == [.externalSecret: ["v1beta1"]])
        try install([("v1beta1", true), ("v1", true)])
        #expect(components.current.hasExternalSecrets && components.current.otherVersions.isEmpty)
    }
}
