import JSON
import Testing

@testable import WorkloadIdentity

/// A pod counts as current by its plan's hash, so a setting that changes what pods get has to change the hash.
@Suite("Settings and the plan's hash") struct SettingsHashTests {
    /// For each setting a value that is neither its default nor in the base below.
    private static let others: [String: JSONValue] = [
        "platform": "gke", "issuer.url": "https://issuer.example.com", "issuer.public": "false",
        "namespaces.exclude": ["ai"],
        "aws.region": "eu-west-3", "aws.audience": "sts.example.com", "aws.tokenExpirationSeconds": 7200,
        "aws.stsRegionalEndpoints": true, "aws.tokenMountPath": "/var/run/secrets/irsa",
        "aws.podIdentity.identities": [["namespace": "ai", "serviceAccount": "llm"]],
        "aws.podIdentity.credentialsUri": "http://[fd00:ec2::23]/v1/credentials",
        "aws.podIdentity.audience": "pods.example.com", "aws.podIdentity.tokenMountPath": "/var/run/secrets/pods",
        "aws.podIdentity.volumeName": "another-token", "aws.podIdentity.tokenPath": "another-token",
        "azure.tenantId": "11111111-2222-3333-4444-555555555555",
        "azure.authorityHost": "https://login.microsoftonline.us/", "azure.tokenExpirationSeconds": 7200,
        "gcp.project": "another-project", "gcp.location": "europe-west4", "gcp.audience": "an-audience",
        "gcp.tokenExpirationSeconds": 7200,
        "openai.audience": "https://openai.example.com", "openai.tokenExpirationSeconds": 7200,
        "anthropic.audience": "https://anthropic.example.com", "anthropic.tokenExpirationSeconds": 1800,
        "alibaba.oidcProviderArn": "acs:ram::9999999999999999:oidc-provider/p", "alibaba.region": "ap-southeast-1",
        "vault.injector": "openbao", "vault.address": "https://vault.example.com", "vault.authPath": "auth/eks",
        "vault.namespace": "team", "vault.role": "another", "vault.audience": "vault", "vault.caSecret": "vault-ca",
        "vault.allowedPaths": ["nothing/*"],
        "externalSecrets.store": "another", "externalSecrets.storeKind": "SecretStore",
        "externalSecrets.refreshInterval": "15m", "externalSecrets.podAnnotations": ["ai"],
        "healing.enabled": true, "healing.allowDowntime": true, "healing.concurrency": 2, "healing.intervalSeconds": 60,
        "healing.stopPercent": 20, "injection.policy": true,
        "verify.endpoints": ["openai": "https://openai.example.com"],
        "verify.scheduled": [["namespace": "ai", "serviceAccount": "llm"]], "verify.intervalSeconds": 60,
        "verify.image": "lanyard:1", "verify.imagePullSecret": "registry",
        "providers": ["acme": ["variable": "ANOTHER_KEY"]], "matrix": ["eks": ["openai": ["vault-agent"]]],
    ]

    /// What a setting says beside what pods get: facts of the cluster, whose annotations count, how pods are replaced, who
    /// injects into them, and whose trust is tried where.
    private static let ofNoPod: Set<String> = [
        "platform", "issuer.url", "issuer.public", "externalSecrets.podAnnotations",
        "healing.enabled", "healing.allowDowntime", "healing.concurrency", "healing.intervalSeconds",
        "healing.stopPercent", "injection.policy", "verify.endpoints", "verify.scheduled", "verify.intervalSeconds",
        "verify.image", "verify.imagePullSecret",
    ]

    private static func stored(_ provider: ProviderName, by delivery: Mechanism) -> [String: String] {
        [
            "lanyard.dev/vault-path.\(provider)": "secret/data/ai/key",
            "lanyard.dev/secret-delivery": delivery.rawValue,
        ]
    }

    private static let workloads: [(Platform, [String: String])] = [
        (.eks, [:]), (.eks, Fixture.aws), (.gke, Fixture.aws),
        (.eks, Fixture.aws.merging(["lanyard.dev/aws-assume-role-arn": "arn:aws:iam::222233334444:role/b"]) { $1 }),
        (.eks, ["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]),
        (.aks, ["azure.workload.identity/client-id": "11111111-2222-3333-4444-555555555555"]),
        (.eks, Fixture.google), (.gke, ["lanyard.dev/providers": "google-vertex"]), (.eks, Fixture.anthropic),
        (.eks, Fixture.openAI), (.iks, Fixture.ibm), (.oke, Fixture.oracle),
        (.ack, ["pod-identity.alibabacloud.com/role-name": "llm"]),
        (.eks, stored("acme", by: .vaultAgent)), (.eks, stored("acme", by: .vaultCSI)),
        (.eks, stored("acme", by: .externalSecret)),
    ]

    private static var base: Configuration {
        var configuration = Configuration()
        configuration.azure.tenantID = "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee"
        configuration.alibaba.oidcProviderARN = "acs:ram::1234567890123456:oidc-provider/p"
        configuration.vault.role = "llm"
        configuration.vault.allowedPaths = ["secret/**"]
        configuration.externalSecrets.store = "vault"
        configuration.providers = ["acme": APIKey(variable: "ACME_API_KEY")]
        return configuration
    }

    @Test(
        "a setting that changes what some pod gets changes that pod's hash", arguments: ConfigurationKey.all.map(\.name)
    )
    func covers(name: String) throws {
        let key = try #require(ConfigurationKey.all.first { $0.name == name })
        var changed = Self.base
        try key.read(#require(Self.others[name]), &changed)
        #expect(changed != Self.base)

        var changesSomething = false
        for (platform, annotations) in Self.workloads {
            let before = Fixture.plan(annotations, on: platform, configuration: Self.base)
            let after = Fixture.plan(annotations, on: platform, configuration: changed)
            let isSame =
                before.outcomes.map(\.outcome.addition) == after.outcomes.map(\.outcome.addition)
                && before.outcomes.map(\.outcome.object) == after.outcomes.map(\.outcome.object)
            if isSame { continue }
            changesSomething = true
            #expect(before.hash != after.hash, "\(annotations) on \(platform)")
        }
        #expect(changesSomething != Self.ofNoPod.contains(name))
    }
}
