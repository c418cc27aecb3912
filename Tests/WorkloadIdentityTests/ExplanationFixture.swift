import WorkloadIdentity

/// What commands print and people write into scripts, and how scripts are made here.
enum ExplanationFixture {
    /// By variable.
    private static let values: [String: String] = [
        "ISSUER": "https://issuer.example.com/a/", "ACCOUNT_ID": "111122223333", "REGION": "eu-central-1",
        "ROLE_ARN": "arn:aws:iam::111122223333:role/llm",
        "CLIENT_ID": "11111111-2222-3333-4444-555555555555", "TENANT_ID": "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
        "PROJECT": "my-project", "LOCATION": "us-central1", "POOL_PROJECT_NUMBER": "123456789", "POOL_PROVIDER": "prod",
        "ORGANIZATION_ID": "99999999-8888-7777-6666-555555555555", "RULE_ID": "fdrl_01abc", "WORKSPACE_ID": "wrkspc_1",
        "IDENTITY_PROVIDER_ID": "idp-123", "OPENAI_ACCOUNT_ID": "sa-456", "VAULT_ROLE": "llm",
    ]
    private static let alibaba = values.merging([
        "ROLE_ARN": "acs:ram::1234567890123456:role/llm", "ACCOUNT_ID": "1234567890123456", "CLUSTER_ID": "c1",
        "NAME": "lanyard",
    ]) { $1 }

    static func values(_ provider: ProviderName) -> [String: String] {
        var values = provider == "alibaba-modelstudio" ? alibaba : Self.values
        if provider == "anthropic" { values["ACCOUNT_ID"] = "svac_1" }
        return values
    }

    static func script(
        _ provider: ProviderName, on platform: Platform, _ annotations: [String: String]? = nil,
        mechanism: Mechanism? = nil, subject: Subject? = Fixture.subject, configuration: Configuration = Configuration()
    ) throws -> ShellScript {
        let facts = PlatformFacts.offline(
            platform, issuerURL: configuration.issuer.url, isPublic: configuration.issuer.isPublic)
        let account = subject.map { Explanation.ServiceAccount($0, annotations: annotations) }
        return ShellScript(
            try Explanation(
                of: provider.rawValue, mechanism: mechanism?.rawValue, for: account, facts: facts,
                configuration: configuration
            ).script)
    }

    /// Every way of the matrix.
    static let ways: [(platform: Platform, provider: ProviderName, mechanism: Mechanism)] =
        Platform.allCases.flatMap { platform in
            Provider.all(Configuration()).map(\.name).flatMap { provider in
                Matrix(Configuration())[platform, provider].map { (platform, provider, $0) }
            }
        }
}
