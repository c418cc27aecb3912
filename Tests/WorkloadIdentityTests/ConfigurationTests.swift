import JSON
import Testing
import WorkloadIdentity

@Suite struct ConfigurationTests {
    @Test("an empty file means the defaults")
    func hasDefaults() throws {
        #expect(try Configuration(.null) == Configuration())
        #expect(try Configuration([:]) == Configuration())
    }

    @Test("what it shows can be read back")
    func roundTrips() throws {
        var configuration = Configuration()
        configuration.platform = .oke
        configuration.issuer.isPublic = true
        configuration.aws.region = "eu-central-1"
        configuration.providers["acme"] = APIKey(variable: "ACME_KEY", vaultKey: "k")
        configuration.aws.podIdentity.identities = [Subject(namespace: "a", serviceAccount: "b")]
        configuration.matrix[.oke] = ["openai": [.vaultAgent]]
        configuration.vault.allowedPaths = ["secret/data/{namespace}/**"]
        configuration.externalSecrets.podAnnotations = ["ml"]
        configuration.verify.endpoints = ["aws-bedrock": "https://vpce-1.sts.us-east-1.vpce.amazonaws.com"]
        configuration.verify.scheduled = [Subject(namespace: "a", serviceAccount: "b")]
        configuration.verify.intervalSeconds = 60
        configuration.verify.image = "registry.example.com:5000/lanyard@sha256:0123"
        configuration.verify.imagePullSecret = "registry"
        #expect(try Configuration(configuration.json) == configuration)
        #expect(try Configuration(Configuration().json) == Configuration())
    }

    @Test("the environment wins over the file")
    func readsEnvironment() throws {
        let configuration = try Configuration(
            ["aws": ["region": "eu-west-1"], "namespaces": ["exclude": ["a"]]],
            environment: [
                "LANYARD_AWS_REGION": "us-east-1", "LANYARD_NAMESPACES_EXCLUDE": "kube-system, b",
                "LANYARD_AZURE_TOKEN_EXPIRATION_SECONDS": "7200", "LANYARD_AWS_STS_REGIONAL_ENDPOINTS": "true",
                "LANYARD_VAULT_ALLOWED_PATHS": "kv/{namespace}/*, kv/common/**",
                "LANYARD_PROVIDERS": #"{"acme":{"variable":"ACME_KEY"}}"#, "PATH": "/bin",
            ])
        #expect(configuration.aws.region == "us-east-1")
        #expect(configuration.namespaces.exclude == ["kube-system", "b"])
        #expect(configuration.vault.allowedPaths == ["kv/{namespace}/*", "kv/common/**"])
        #expect(configuration.azure.tokenExpirationSeconds == 7200)
        #expect(configuration.aws.stsRegionalEndpoints)
        #expect(configuration.providers["acme"]?.vaultKey == "api_key")
    }

    @Test(
        "a setting that cannot be used names itself and says what to write",
        arguments: [
            (["aws": ["regoin": "x"]], "aws.regoin: is not a setting; did you mean \"aws.region\"?"),
            (["platform": "eksx"], "platform: \"eksx\" is not known; write one of \"auto\", \"eks\""),
            (["aws": ["tokenExpirationSeconds": 10]], "aws.tokenExpirationSeconds: write a whole number of seconds"),
            (["aws": "x"], "aws: expected a map of settings, found a string"),
            (["issuer": ["url": "http://x"]], "issuer.url: \"http://x\" is not an https URL"),
            (["azure": ["tenantId": "contoso"]], "azure.tenantId: \"contoso\" cannot be used; write a UUID"),
            (["matrix": ["mars": [:]]], "matrix.mars: is not a platform"),
            (["matrix": ["eks": ["openai": ["magic"]]]], "matrix.eks.openai: \"magic\" is not known"),
            (["providers": ["acme": [:]]], "providers.acme: add \"variable\""),
            (["providers": ["acme-": ["variable": "A"]]], "providers.acme-: a provider's name is lower-case letters"),
            (
                ["providers": [String(repeating: "a", count: 41): ["variable": "A"]]],
                "providers.\(String(repeating: "a", count: 41)): a provider's name"
            ),
            (
                ["matrix": ["oke": ["opnai": ["vault-agent"]]]],
                "matrix.oke.opnai: is not a provider; did you mean \"openai\"?"
            ),
            (["matrix": ["oke": ["acme": ["vault-agent"]]]], "matrix.oke.acme: is not a provider; add providers.acme"),
            (
                ["matrix": ["oke": ["openai": ["irsa"]]]],
                "matrix.oke.openai: \"irsa\" gives no credential of openai; write one of \"openai-federation\","
            ),
            (
                ["aws": ["podIdentity": ["identities": [["namespace": "A", "serviceAccount": "x"]]]]],
                "aws.podIdentity.identities: \"A/x\" is not a ServiceAccount"
            ),
            (
                ["verify": ["endpoints": ["oracle-genai": "https://h"]]],
                "verify.endpoints.oracle-genai: no token of it is exchanged; write one of \"aws-bedrock\""
            ),
            (
                ["verify": ["endpoints": ["openai": "https://h/oauth/token"]]],
                "verify.endpoints.openai: \"https://h/oauth/token\" cannot be used; write a URL without a path"
            ),
            (["vault": ["allowedPaths": ["a/**/b"]]], "vault.allowedPaths: \"a/**/b\" cannot be used; write a pattern"),
            (["namespaces": ["exclude": ["Kube_System"]]], "namespaces.exclude: \"Kube_System\" cannot be used"),
            ([1], "the configuration: expected a map of settings, found an array"),
        ] as [(JSONValue, String)])
    func refuses(file: JSONValue, message: String) {
        let error = #expect(throws: ConfigurationError.self) { try Configuration(file) }
        #expect(error.map { "\($0)".hasPrefix(message) } == true, "\(error.map { "\($0)" } ?? "")")
    }

    @Test("the matrix may have providers of the same file, whatever stands first")
    func takesConfiguredProvider() throws {
        let configuration = try Configuration([
            "matrix": ["oke": ["acme": ["vault-csi"]]], "providers": ["acme": ["variable": "ACME_KEY"]],
        ])
        #expect(configuration.matrix[.oke]?["acme"] == [.vaultCSI])
    }

    /// See https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables
    @Test("the variables of Services whose names begin with lanyard are no settings")
    func ignoresServiceLinks() throws {
        let links = [
            "LANYARD_WEBHOOK_SERVICE_HOST": "10.96.0.9", "LANYARD_WEBHOOK_SERVICE_PORT": "443",
            "LANYARD_WEBHOOK_SERVICE_PORT_WEBHOOK": "443", "LANYARD_WEBHOOK_PORT": "tcp://10.96.0.9:443",
            "LANYARD_WEBHOOK_PORT_443_TCP": "tcp://10.96.0.9:443", "LANYARD_WEBHOOK_PORT_443_TCP_PROTO": "tcp",
            "LANYARD_WEBHOOK_PORT_443_TCP_PORT": "443", "LANYARD_WEBHOOK_PORT_443_TCP_ADDR": "10.96.0.9",
        ]
        #expect(try Configuration(.null, environment: links) == Configuration())
        #expect(throws: ConfigurationError.self) {
            try Configuration(.null, environment: ["LANYARD_WEBHOOK_PORT": "tcp://10.96.0.9:443"])
        }
    }

    @Test("an unknown variable of Lanyard's is an error too")
    func refusesUnknownVariable() {
        let error = #expect(throws: ConfigurationError.self) {
            try Configuration(.null, environment: ["LANYARD_AWS_REGOIN": "x"])
        }
        #expect(error.map { "\($0)" } == "LANYARD_AWS_REGOIN: is not a setting; did you mean \"LANYARD_AWS_REGION\"?")
    }
}
