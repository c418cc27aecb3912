import Testing

@testable import WorkloadIdentity

/// Who may have which stored key delivered by way of an object, which another operator fetches with rights of its own.
@Suite("Who may have a key copied") struct StoredKeyTenancyTests {
    private static let path = "lanyard.dev/vault-path.openai"
    private static let delivery = "lanyard.dev/secret-delivery"
    private static let keys = [path: "secret/data/ai/openai", "lanyard.dev/vault-role": "llm"]

    private static func configuration(
        allowedPaths: [String] = ["secret/data/{namespace}/**"], podAnnotations: [String] = []
    ) -> Configuration {
        var configuration = Configuration()
        configuration.externalSecrets.store = "vault"
        configuration.externalSecrets.podAnnotations = podAnnotations
        configuration.vault.allowedPaths = allowedPaths
        return configuration
    }

    private static func plan(
        _ account: [String: String] = [:], pod: [String: String] = [:], _ configuration: Configuration = configuration()
    ) -> Plan {
        Fixture.plan(account, pod: PodContext(annotations: pod), configuration: configuration)
    }

    // MARK: The ServiceAccount alone

    @Test(
        "a pod that alone asks for an object gets none, and is told the command",
        arguments: ["vault-csi", "external-secret"])
    func ignoresPod(delivery: String) throws {
        let plan = Self.plan(pod: Self.keys.merging([Self.delivery: delivery]) { $1 })
        #expect(plan.outcomes.isEmpty && plan.hash == nil)
        #expect(plan.bindings.map(\.isBlocked) == [true])
        #expect(plan.problems.map(\.severity) == [.error])
        #expect(
            try #require(plan.problem(.onServiceAccountOnly)).message == """
                openai: the pod's lanyard.dev/vault-path.openai and lanyard.dev/vault-role and lanyard.dev/secret-delivery \
                are ignored: a delivery that makes an object takes them from the ServiceAccount only; to set them there, run: \
                kubectl annotate --overwrite serviceaccount llm -n ai \
                lanyard.dev/vault-path.openai=secret/data/ai/openai lanyard.dev/vault-role=llm \
                lanyard.dev/secret-delivery=\(delivery)
                """)
    }

    @Test("the ServiceAccount's own delivery goes on where a pod asks for another key or by another way")
    func keepsOwn() throws {
        let account = Self.keys.merging([Self.delivery: "external-secret"]) { $1 }
        let own = try #require(Self.plan(account).outcome("openai")?.object)
        for pod in [
            [Self.path: "secret/data/ai/other"], ["lanyard.dev/vault-key.openai": "admin"],
            [Self.delivery: "vault-csi"],
            ["lanyard.dev/mechanism.openai": "vault-csi"],
        ] {
            let plan = Self.plan(account, pod: pod)
            #expect(plan.outcome("openai")?.object == own, "\(pod)")
            #expect(plan.problem(.onServiceAccountOnly)?.severity == .warning, "\(pod)")
        }
        // The default of the delivery is no object, and what the pod asks for is one.
        let agent = Self.plan(Self.keys, pod: [Self.delivery: "external-secret"])
        #expect(agent.outcome("openai")?.mechanism == .vaultAgent)
        #expect(agent.problem(.onServiceAccountOnly)?.severity == .warning)
    }

    @Test("nothing is said where the pod says the same, what has no effect, or asks for Vault's agent")
    func leavesOthers() {
        let account = Self.keys.merging([Self.delivery: "external-secret"]) { $1 }
        for pod in [account, ["lanyard.dev/vault-role": "other"]] {
            #expect(Self.plan(account, pod: pod).problem(.onServiceAccountOnly) == nil, "\(pod)")
            #expect(Self.plan(account, pod: pod).hash == Self.plan(account).hash, "\(pod)")
        }
        #expect(Self.plan(pod: Self.keys).outcome("openai")?.mechanism == .vaultAgent)
        let away = Self.plan(account, pod: [Self.delivery: "vault-agent", "lanyard.dev/vault-role": "llm"])
        #expect(away.outcome("openai")?.mechanism == .vaultAgent && away.problem(.onServiceAccountOnly) == nil)
    }

    @Test("in a namespace of externalSecrets.podAnnotations pods may ask")
    func listsNamespaces() {
        let pod = Self.keys.merging([Self.delivery: "external-secret"]) { $1 }
        let listed = Self.plan(pod: pod, Self.configuration(podAnnotations: ["ai"]))
        #expect(listed.outcome("openai")?.object != nil && listed.problem(.onServiceAccountOnly) == nil)
        #expect(Self.plan(pod: pod, Self.configuration(podAnnotations: ["ai2"])).outcomes.isEmpty)
    }

    // MARK: Paths

    @Test("a store of the whole cluster is not used before somebody says which keys are whose")
    func needsAllowedPaths() throws {
        var configuration = Self.configuration(allowedPaths: [])
        let account = Self.keys.merging([Self.delivery: "external-secret"]) { $1 }
        let plan = Self.plan(account, configuration)
        #expect(plan.outcomes.isEmpty)
        #expect(
            plan.problems.map(\.message) == [
                """
                openai: ClusterSecretStore vault serves every namespace, and nothing says which keys \
                are whose; have vault.allowedPaths set in Lanyard's configuration, such as [secret/data/{namespace}/**]
                """
            ])
        // A pod that asks for it, too, does not lose what its ServiceAccount has.
        #expect(Self.plan(Self.keys, pod: account, configuration).outcome("openai")?.mechanism == .vaultAgent)
        for delivery in ["vault-agent", "vault-csi"] {
            #expect(Self.plan(Self.keys.merging([Self.delivery: delivery]) { $1 }, configuration).outcomes.count == 1)
        }
        configuration.externalSecrets.storeKind = .secretStore
        #expect(Self.plan(account, configuration).outcomes.count == 1)
    }

    @Test("every delivery keeps to the paths", arguments: ["vault-agent", "vault-csi", "external-secret"])
    func boundsPaths(delivery: String) {
        let account = Self.keys.merging([Self.delivery: delivery]) { $1 }
        #expect(Self.plan(account).outcomes.count == 1)
        let other = account.merging([Self.path: "secret/data/payments/openai"]) { $1 }
        let plan = Self.plan(other)
        #expect(plan.outcomes.isEmpty)
        #expect(
            plan.problems.map(\.message) == [
                """
                lanyard.dev/vault-path.openai is "secret/data/payments/openai", which ServiceAccount \
                ai/llm may not have: write a path of secret/data/ai/** (vault.allowedPaths in the configuration)
                """
            ])
        #expect(plan.problems.map(\.reason) == [.pathNotAllowed])
    }

    @Test("where a stored key would only add the model, its denial is what is told")
    func tellsDenialBesideAnother() {
        let keys = Fixture.alibaba.merging([
            "lanyard.dev/vault-path.alibaba-modelstudio": "secret/data/b/x", "lanyard.dev/vault-role": "r",
        ]) { $1 }
        let plan = Self.plan(keys)
        #expect(plan.outcome("alibaba-modelstudio")?.mechanism == .alibabaRRSA)
        #expect(plan.problem(.pathNotAllowed) != nil && plan.problem(.modelNotReachable) == nil)
    }

    // MARK: Audiences

    @Test(
        "a token's audience may not be the API server's own",
        arguments: [
            ("eks.amazonaws.com/audience", Fixture.aws), ("cloud.google.com/audience", Fixture.google),
        ])
    func deniesAudience(key: String, identity: [String: String]) throws {
        var facts = PlatformFacts.offline(.eks, issuerURL: "https://oidc.eks.eu.amazonaws.com/id/A", isPublic: true)
        facts.apiServerAudiences = ["api"]
        for audience in [
            "https://oidc.eks.eu.amazonaws.com/id/A", "https://oidc.eks.eu.amazonaws.com/id/A/", "api",
            "https://kubernetes.default.svc", "https://kubernetes.default.svc.cluster.local:443/",
            "kubernetes.default.svc",
        ] {
            let plan = Fixture.plan(identity.merging([key: audience]) { $1 }, facts: facts)
            let problem = try #require(plan.problem(.invalidValue), "\(audience)")
            #expect(
                problem.message == """
                    \(key) is "\(audience)", an audience of the API server itself: whoever receives such \
                    a token can act on the API server as ServiceAccount ai/llm; write the provider's, or remove the key
                    """)
            #expect(problem.severity == .error)
            #expect(plan.outcomes.allSatisfy { $0.outcome.addition.volume?.token?.audience != audience })
        }
        for audience in ["sts.amazonaws.com", "https://kubernetes.default.example.com", "https://kubernetes"] {
            let plan = Fixture.plan(identity.merging([key: audience]) { $1 }, facts: facts)
            #expect(plan.problem(.invalidValue) == nil, "\(audience)")
        }
    }

    @Test("Vault's audience may be the API server's own, and that is told", arguments: ["vault-agent", "vault-csi"])
    func warnsOfVaultAudience(delivery: String) throws {
        var configuration = Self.configuration()
        configuration.vault.audience = "https://kubernetes.default.svc"
        let keys = Self.keys.merging([Self.delivery: delivery]) { $1 }
        let plan = Self.plan(keys, configuration)
        #expect(plan.outcomes.count == 1)
        #expect(try #require(plan.problem(.audienceOfAPIServer)).severity == .warning)
        configuration.vault.audience = "vault"
        #expect(Self.plan(keys, configuration).problem(.audienceOfAPIServer) == nil)
    }
}
