import Foundation
import JSON
import Operator
import Testing
import Yams

@Suite struct WebhookRegistrationTests {
    @Test("the manifests hold the entries that the operator registers")
    func agreesWithManifests() throws {
        let text = try String(contentsOfFile: "manifests/webhook.yaml", encoding: .utf8)
        let manifest = try #require(try Yams.load(yaml: text) as? [String: Any])
        let metadata = try #require(manifest["metadata"] as? [String: Any])
        #expect(metadata["name"] as? String == WebhookRegistration.name)
        let data = try JSONSerialization.data(withJSONObject: ["webhooks": try #require(manifest["webhooks"])])
        let registration = WebhookRegistration(target: .service(namespace: "lanyard-system"))
        #expect(try JSONValue(parsing: Array(data)) == registration.json(caBundle: nil))
    }

    @Test("by URL the path is appended to the base", arguments: ["https://h:1", "https://h:1/"])
    func appendsPath(base: String) {
        let webhooks = WebhookRegistration(target: .url(base)).json(caBundle: "Q0E=")["webhooks"]?.array ?? []
        #expect(webhooks.count == 2)
        for webhook in webhooks {
            #expect(webhook["clientConfig"] == ["url": "https://h:1/mutate", "caBundle": "Q0E="])
        }
    }

    @Test("its name sorts behind the clouds' webhooks and before Vault's injector")
    func sortsRight() {
        let names = [
            "azure-wi-webhook-mutating-webhook-configuration", "ack-pod-identity-webhook", "pod-identity-webhook",
            WebhookRegistration.name, "vault-agent-injector-cfg",
        ]
        #expect(names.sorted().suffix(2) == [WebhookRegistration.name, "vault-agent-injector-cfg"])
    }
}
