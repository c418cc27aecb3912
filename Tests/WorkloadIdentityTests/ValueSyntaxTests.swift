import Testing
import WorkloadIdentity

@Suite struct ValueSyntaxTests {
    private static let key: [String: String] = [
        "role": "eks.amazonaws.com/role-arn", "guid": "azure.workload.identity/client-id",
        "email": "iam.gke.io/gcp-service-account", "provider": "cloud.google.com/workload-identity-provider",
        "region": "lanyard.dev/aws-region", "path": "lanyard.dev/vault-path.openai",
        "rule": "lanyard.dev/anthropic-federation-rule-id", "workspace": "lanyard.dev/anthropic-workspace-id",
        "seconds": "lanyard.dev/token-expiration",
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
            ("region", "us-gov-west-1"),
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
            ("region", "x@127.0.0.1:80/?"), ("region", "EU-WEST-1"),
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
}
