import Testing
import WorkloadIdentity

@Suite struct ValueSyntaxTests {
    private static let key: [String: String] = [
        "role": "eks.amazonaws.com/role-arn", "guid": "azure.workload.identity/client-id",
        "email": "iam.gke.io/gcp-service-account", "provider": "cloud.google.com/workload-identity-provider",
        "region": "lanyard.dev/aws-region", "path": "lanyard.dev/vault-path.openai",
        "rule": "lanyard.dev/anthropic-federation-rule-id", "workspace": "lanyard.dev/anthropic-workspace-id",
        "seconds": "lanyard.dev/token-expiration", "location": "lanyard.dev/gcp-location",
        "oci": "lanyard.dev/oci-region", "alibaba": "lanyard.dev/alibaba-region",
        "idp": "lanyard.dev/openai-identity-provider-id", "sa": "lanyard.dev/openai-service-account-id",
    ]

    private func isAccepted(_ kind: String, _ value: String) throws -> Bool {
        let key = try #require(Self.key[kind])
        return Fixture.plan([key: value]).problem(.invalidValue) == nil
    }

    @Test(
        "accepts",
        arguments: [
            ("role", "arn:aws:iam::123456789012:role/bedrock"),
            ("role", "arn:aws-cn:iam::123456789012:role/a/b/c+=,.@-_"),
            ("role", "arn:aws-us-gov:iam::123456789012:role/path/Name"),
            ("guid", "ABCDEF01-2345-6789-abcd-ef0123456789"),
            ("email", "llm@my-project.iam.gserviceaccount.com"),
            ("email", "llm@proj.example.com.iam.gserviceaccount.com"),
            ("provider", "projects/1/locations/global/workloadIdentityPools/pool/providers/prov"),
            ("region", "us-gov-west-1"), ("region", "eusc-de-east-1"), ("region", "us-isob-east-1"),
            ("region", "cn-northwest-1"), ("region", "ap-southeast-7"),
            ("location", "us-central1"), ("location", "global"), ("location", "northamerica-northeast2"),
            ("location", "eu"),
            ("oci", "us-chicago-1"), ("oci", "uk-gov-london-1"),
            ("alibaba", "cn-hangzhou"), ("alibaba", "ap-southeast-1"), ("alibaba", "cn-north-2-gov-1"),
            ("idp", "idp-123"), ("idp", "idpm_4f"), ("sa", "sa-456"), ("sa", "user-7QxY"),
            ("path", "secret/data/team-a/open_ai.v1"), ("path", "authors/sys"),
            ("role", "arn:aws:iam::123456789012:role/..a/x..y"),
            ("rule", "fdrl_01AbC"), ("workspace", "default"), ("workspace", "wrkspc_1"), ("seconds", "3600"),
        ])
    func accepts(kind: String, value: String) throws {
        #expect(try isAccepted(kind, value))
    }

    @Test(
        "refuses",
        arguments: [
            ("role", "bedrock"), ("role", "arn:aws:iam::12345678901:role/x"),
            ("role", "arn:aws:iam::123456789012:user/x"),
            ("role", "arn:aws:iam::123456789012:role/"), ("role", "arn:aws:iam::123456789012:role//x"),
            ("role", "arn:aws:iam::123456789012:role/$(HOME)/x"), ("role", "arn:aws:iam::123456789012:role/a b"),
            ("role", "arn:aws:iam::123456789012:role/" + String(repeating: "x", count: 65)),
            ("guid", "11111111-2222-3333-4444-55555555555"), ("guid", "g1111111-2222-3333-4444-555555555555"),
            ("guid", "11111111222233334444555555555555"),
            ("email", "llm@project.iam.googleapis.com"), ("email", "@p.iam.gserviceaccount.com"), ("email", "a@b@c"),
            ("provider", "projects/my-project/locations/global/workloadIdentityPools/pool/providers/prov"),
            ("provider", "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/prov"),
            ("region", "x@127.0.0.1:80/?"), ("region", "EU-WEST-1"), ("region", "us-east-1a"),
            ("region", "useast1"), ("region", "us-1"), ("region", "us-est-1"), ("region", "europe-west4"),
            ("location", "us-central1-a"), ("location", "us-central-1"), ("location", "us@x"), ("location", "US"),
            ("oci", "us-chicago-1-ad-1"), ("oci", "chicago"), ("oci", "us-chicago"), ("oci", "us-chicago-1/x"),
            ("alibaba", "cn-hangzhou-b"), ("alibaba", "ap-southeast-1a"), ("alibaba", "hangzhou"), ("alibaba", "x@y/?"),
            ("idp", "idp"), ("idp", "idp-"), ("sa", "sa"), ("sa", "sa_"), ("sa", "an id"),
            ("path", "secret/data/\"}}"), ("path", "/secret"), ("path", "a/../b"), ("path", "a//b"), ("path", "a\nb"),
            ("path", "./sys/raw"), ("path", "secret/./a"), ("path", "sys/raw"), ("path", "auth/token/create"),
            ("path", "auth"),
            ("role", "arn:aws:iam::123456789012:role/../x"), ("role", "arn:aws:iam::123456789012:role/a/./x"),
            ("role", "arn:aws:iam::123456789012:role/.."),
            ("rule", "fdrl_"), ("rule", "svac_1"), ("workspace", "other"), ("seconds", "1h"), ("seconds", "1.5"),
        ])
    func refuses(kind: String, value: String) throws {
        #expect(try !isAccepted(kind, value))
    }

    @Test(
        "says which part is wrong, or what was likely meant",
        arguments: [
            (
                "role", "arn:aws:iam::11112222333:role/x",
                "the account has 11 digits, and 12 are needed; write an IAM role's"
            ),
            ("role", "arn:aws:iam::myaccount:role/x", "the account \"myaccount\" is not a number of 12 digits; write"),
            ("role", "arn:aws:iam::111122223333:user/x", "it is the ARN of \"user\", not of a role; write"),
            ("role", "arn:aws:s3::111122223333:role/x", "its service is \"s3\", not \"iam\"; write"),
            (
                "role", "arn:aws:iam::111122223333:role/\(String(repeating: "x", count: 65))",
                "the role's name has 65 characters"
            ),
            ("role", "<ROLE_ARN>", "it is a placeholder; write"),
            ("guid", "11111111222233334444555555555555", "did you mean \"11111111-2222-3333-4444-555555555555\"?"),
            (
                "guid", "{11111111-2222-3333-4444-555555555555}",
                "did you mean \"11111111-2222-3333-4444-555555555555\"?"
            ),
            ("guid", "11111111-2222-3333-4444-55555555555", "it has 31 hexadecimal digits, and a UUID has 32; write"),
            (
                "provider", "projects/my-project/locations/global/workloadIdentityPools/pool/providers/prov",
                "the project \"my-project\" is not a number; write the number that \"gcloud projects describe my-project\" prints"
            ),
            (
                "provider", "projects/1/locations/global/workloadIdentityPools/pool/providers/prd",
                "the provider's id \"prd\" has 3 characters; Google's ids have 4 to 32"
            ),
            (
                "provider", "projects/1/locations/global/workloadIdentityPools/pool",
                "it names a pool and no provider; add /providers/PROVIDER"
            ),
            (
                "provider",
                "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/prov",
                "the name begins with projects/; did you mean \"projects/1/locations/global/workloadIdentityPools/pool/"
            ),
            (
                "email", "serviceAccount:llm@proj.iam.gserviceaccount.com",
                "did you mean \"llm@proj.iam.gserviceaccount.com\"?"
            ),
            ("email", "llm", "it has no \"@\"; write"),
            ("region", "us-east-1a", "did you mean \"us-east-1\"?"),
            ("region", "useast1", "did you mean \"us-east-1\"?"),
            ("region", "us-est-1", "did you mean \"us-east-1\"?"), ("region", "nowhere", "write an AWS region"),
            ("location", "us-central-1", "did you mean \"us-central1\"?"),
            ("alibaba", "cn-hangzhou-b", "did you mean \"cn-hangzhou\"?"),
            ("oci", "us-chicago1", "did you mean \"us-chicago-1\"?"),
            ("path", "auth/token/create", "\"auth/\" is Vault's own, and holds no secrets; write"),
            ("path", "/secret//data/x/", "did you mean \"secret/data/x\"?"),
            ("seconds", "1h30m", "did you mean \"5400\"?"),
            ("seconds", "90000000000000000000s", "write a whole number"),
            ("seconds", "soon", "write a whole number"), ("idp", "idp-", "nothing follows the prefix; write the id"),
            ("rule", "fdrl_", "nothing follows the prefix; write an id that begins with \"fdrl_\""),
        ])
    func explains(kind: String, value: String, advice: String) throws {
        let key = try #require(Self.key[kind])
        let message = try #require(Fixture.plan([key: value]).problem(.invalidValue)).message
        #expect(message.hasPrefix("\(key) is \"\(value.prefix(93))"), "\(message)")
        #expect(message.contains("; \(advice)") || message.contains(": \(advice)"), "\(message)")
    }
}
