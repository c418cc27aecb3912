import JSON
import Testing

@testable import WorkloadIdentity

@Suite("Deliveries of a stored key that need an object")
struct SecretDeliveryTests {
    private var configuration: Configuration {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.vault.allowedPaths = ["secret/data/**"]
        return configuration
    }

    private func outcome(
        _ delivery: String, _ configuration: Configuration, keys: [String: String] = Fixture.vaultOpenAI
    ) -> Binding.Outcome? {
        Fixture.plan(keys.merging(["lanyard.dev/secret-delivery": delivery]) { $1 }, configuration: configuration)
            .outcome("openai")
    }

    @Test("a SecretProviderClass says where Vault's provider finds the key, and the pod mounts it")
    func makesSecretProviderClass() throws {
        let outcome = try #require(self.outcome("vault-csi", configuration))
        let object = try #require(outcome.object)
        #expect(object.kind == .secretProviderClass)
        #expect(
            object.spec == [
                "provider": "vault",
                "parameters": [
                    "roleName": "llm", "vaultAuthMountPath": "kubernetes",
                    "objects":
                        #"[{"objectName":"OPENAI_API_KEY","secretPath":"secret/data/ai/openai","secretKey":"api_key"}]"#,
                ],
            ])
        let volume = try #require(outcome.addition.volume)
        #expect(volume.source == .secretsStore(providerClass: object.name))
        #expect(volume.mountPath == "/var/run/secrets/lanyard.dev/openai")
        #expect(outcome.reach == .needsCode)
    }

    @Test("OpenBao's provider has parameters of its own names")
    func namesOpenBaoParameters() throws {
        var configuration = configuration
        configuration.vault.injector = .openbao
        configuration.vault.address = "https://bao.example.com:8200"
        configuration.vault.namespace = "team"
        configuration.vault.authPath = "auth/eks"
        configuration.vault.audience = "bao"
        let spec = try #require(outcome("vault-csi", configuration)?.object?.spec)
        #expect(spec["provider"] == "openbao")
        let parameters = spec["parameters"]
        #expect(parameters?["openbaoAddress"] == "https://bao.example.com:8200")
        #expect(parameters?["openbaoNamespace"] == "team")
        #expect(parameters?["openbaoAuthMountPath"] == "eks")
        #expect(parameters?["audience"] == "bao")
    }

    @Test("an ExternalSecret fills a Secret, from which the pod takes the variable that the SDK reads")
    func makesExternalSecret() throws {
        let outcome = try #require(self.outcome("external-secret", configuration))
        let object = try #require(outcome.object)
        #expect(object.kind == .externalSecret)
        #expect(
            object.spec == [
                "refreshInterval": "1h",
                "secretStoreRef": ["kind": "ClusterSecretStore", "name": "vault"],
                "target": ["name": .string(object.name), "creationPolicy": "Owner"],
                "data": [
                    [
                        "secretKey": "OPENAI_API_KEY",
                        "remoteRef": ["key": "secret/data/ai/openai", "property": "api_key"],
                    ]
                ],
            ])
        let variables = outcome.addition.groups.flatMap(\.variables)
        #expect(variables.map(\.value) == [.secretKey(secret: object.name, key: "OPENAI_API_KEY")])
        #expect(outcome.reach == .sdkDefault)
    }

    @Test("external-secret without a store says which setting is missing")
    func needsStore() throws {
        let plan = Fixture.plan(
            Fixture.vaultOpenAI.merging(["lanyard.dev/secret-delivery": "external-secret"]) { $1 })
        #expect(try #require(plan.problem(.noMechanism)).message.contains("the setting externalSecrets.store"))
    }

    @Test(
        "what is not installed blocks, and is named",
        arguments: [
            ("vault-csi", "SecretProviderClass is not installed"),
            ("external-secret", "ExternalSecret is not installed"),
        ])
    func needsDefinition(delivery: String, message: String) throws {
        let facts = PlatformFacts(
            platform: .eks, components: Components(hasSecretProviderClasses: false, hasExternalSecrets: false))
        let plan = Fixture.plan(
            Fixture.vaultOpenAI.merging(["lanyard.dev/secret-delivery": delivery]) { $1 }, facts: facts,
            configuration: configuration)
        #expect(plan.outcomes.isEmpty)
        #expect(try #require(plan.problem(.noMechanism)).message.contains(message))
    }

    @Test("where only another version of a kind is served, that is what is said")
    func namesServedVersions() throws {
        var facts = PlatformFacts(platform: .eks)
        facts.components.hasExternalSecrets = false
        facts.components.otherVersions = [.externalSecret: ["v1beta1"]]
        let plan = Fixture.plan(
            Fixture.vaultOpenAI.merging(["lanyard.dev/secret-delivery": "external-secret"]) { $1 }, facts: facts,
            configuration: configuration)
        #expect(
            try #require(plan.problem(.noMechanism)).message.hasSuffix(
                "the External Secrets Operator (its ExternalSecret is served as v1beta1, and Lanyard makes v1: upgrade it)"
            ))
    }

    @Test(
        "the object's name changes with its content and with the ServiceAccount, and is a valid one however long that is"
    )
    func namesObjects() throws {
        func name(_ account: String, path: String) -> String? {
            let keys = ["lanyard.dev/vault-path.openai": path, "lanyard.dev/secret-delivery": "external-secret"]
            return Plan(
                for: Subject(namespace: "ai", serviceAccount: account), serviceAccount: keys,
                facts: .offline(.eks), configuration: configuration
            ).outcome("openai")?.object?.name
        }
        let names = [
            name("llm", path: "secret/data/a"), name("llm", path: "secret/data/b"), name("chat", path: "secret/data/a"),
        ]
        #expect(Set(names).count == 3 && !names.contains(nil))
        #expect(names[0] == name("llm", path: "secret/data/a"))
        let long = String(repeating: "a", count: 159) + "." + String(repeating: "b", count: 93)
        let longest = try #require(name(long, path: "secret/data/a"))
        #expect(longest.utf8.count <= 253)
        #expect(longest.hasPrefix("lanyard-" + String(repeating: "a", count: 159) + "-openai-"))
    }
}
