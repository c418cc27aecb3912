import JSON
import KubernetesModel
import Operator
import Testing

@testable import lanyard

@Suite struct WebhookRegistrationTests {
    @Test("the manifests hold what the operator registers, and nothing else")
    func agreesWithManifests() throws {
        let file = "manifests/webhook.yaml"
        let manifests = try YAML.documents(in: try InputFile.text(of: file), file: file).map(\.value)
        try #require(manifests.count == WebhookRegistration.all.count)
        for (manifest, registration) in zip(manifests, WebhookRegistration.all) {
            #expect(manifest["metadata"]?["name"]?.string == registration.name)
            #expect(manifest["kind"]?.string == registration.kind.resourceType.kind)
            #expect(manifest["apiVersion"]?.string == registration.kind.resourceType.apiVersion)
            let registered = registration.json(target: .service(namespace: "lanyard-system"), caBundle: nil)
            #expect(registered == ["webhooks": try #require(manifest["webhooks"])])
        }
    }

    @Test("by URL each path is appended to the base", arguments: ["https://h:1", "https://h:1/"])
    func appendsPath(base: String) {
        let urls = WebhookRegistration.all.flatMap { registration in
            let webhooks = registration.json(target: .url(base), caBundle: "Q0E=")["webhooks"]?.array ?? []
            #expect(webhooks.allSatisfy { $0["clientConfig"]?["caBundle"] == "Q0E=" })
            return webhooks.map { $0["clientConfig"]?["url"]?.string }
        }
        #expect(urls == Array(repeating: "https://h:1/mutate", count: 3) + ["https://h:1/validate"])
    }

    @Test("what is validated never waits for an operator that is away, and its every kind is named")
    func judgesWorkloads() {
        let validator = WebhookRegistration.workloadValidator.json(target: .url("https://h"), caBundle: nil)
        let webhooks = validator["webhooks"]?.array ?? []
        #expect(webhooks.map { $0["failurePolicy"] } == ["Ignore"])
        let rules = webhooks.flatMap { $0["rules"]?.array ?? [] }
        let resources = rules.flatMap { $0["resources"]?.array ?? [] }.compactMap(\.string)
        #expect(
            resources == [
                "serviceaccounts", "replicationcontrollers", "deployments", "daemonsets", "statefulsets", "replicasets",
                "jobs", "cronjobs",
            ])
        #expect(rules.allSatisfy { $0["operations"] == ["CREATE", "UPDATE"] })
        #expect(rules.map { $0["apiVersions"] } == [["v1"], ["v1"], ["v1", "v1beta1"]])
    }

    @Test("its name sorts after the clouds' webhooks and before Vault's injector")
    func sortsRight() {
        let names = [
            "azure-wi-webhook-mutating-webhook-configuration", "ack-pod-identity-webhook", "pod-identity-webhook",
            WebhookRegistration.podInjector.name, "vault-agent-injector-cfg",
        ]
        #expect(names.sorted().suffix(2) == [WebhookRegistration.podInjector.name, "vault-agent-injector-cfg"])
    }
}
