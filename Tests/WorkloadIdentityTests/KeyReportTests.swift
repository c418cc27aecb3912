import JSON
import Testing

@testable import WorkloadIdentity

@Suite struct KeyReportTests {
    private static func script(
        _ platform: Platform, _ reach: Issuer.Reach, keys: IssuerKeySet = Keys.set("old"),
        noted: [String: String] = [:],
        for verifiers: [KeyVerifier] = KeyVerifier.all
    ) -> String {
        KeyReport(
            KeyReview(
                keys: keys, uploaded: UploadedKeys(noted),
                facts: PlatformFacts(platform: platform, issuer: Issuer(url: "https://issuer.example", reach: reach))),
            for: verifiers
        ).script
    }

    @Test("where the issuer is public, nobody but OpenAI has anything uploaded")
    func publicIssuer() {
        let script = Self.script(.selfManaged, .public)
        #expect(script.replacing("\n# ", with: " ").contains("there is nothing to do when they change"))
        #expect(script.contains("lanyard keys --provider openai -o json"))
        for absent in ["aws s3", "update-oidc", "issuers update"] { #expect(!script.contains(absent), "\(absent)") }
        #expect(!Self.script(.eks, .public).contains("openai -o json"))
    }

    @Test("for a private issuer there are the uploads, and the commands that host the documents")
    func privateIssuer() {
        let script = Self.script(.selfManaged, .private)
        for part in [
            "lanyard keys --issuer-url \"$ISSUER\" -o json", "aws s3 cp jwks s3://BUCKET/openid/v1/jwks",
            "az storage blob upload", "gcloud storage cp jwks", "update-oidc \"$POOL_PROVIDER\"",
            "--jwk-json-path=jwks.json",
            "lanyard keys --provider google-vertex --uploaded -f jwks.json", "issuers update --federation-issuer-id",
            "lanyard keys --provider anthropic --uploaded -f jwks.json", "lanyard keys --provider openai --uploaded",
            "UploadedKeysNotNoted: google-vertex",
        ] {
            #expect(script.contains(part), "\(part)")
        }
        #expect(Self.script(.aks, .publicIfEnabled).contains("az aks update"))
    }

    @Test("what was uploaded to somebody who fetches, too, is told")
    func uploadedAllTheSame() {
        let noted = ["google-vertex": UploadedKeys.note(of: Keys.set("old"))]
        #expect(Self.script(.eks, .public, noted: noted).contains("All of these keys were uploaded."))
        let stale = Self.script(.eks, .public, keys: Keys.set("old", "new"), noted: noted)
        #expect(stale.contains("UploadedKeysStale: google-vertex:") && stale.contains("update-oidc"))
    }

    @Test("a kid gets into comments alone, on one line")
    func hostileNames() throws {
        let key = try #require(
            IssuerKey(["kty": "EC", "crv": "P-256", "x": "AA", "y": "AA", "kid": "a\nrm -rf $HOME\u{2028}b"]))
        let script = Self.script(.selfManaged, .private, keys: IssuerKeySet([key]))
        for line in script.split(whereSeparator: \.isNewline) where line.contains("rm -rf") {
            #expect(line.hasPrefix("#"), "\(line)")
        }
    }

    @Test("the documents to host name the URL below which they are, with or without a slash at its end")
    func documents() {
        let discovery: JSONValue = [
            "issuer": "https://kubernetes.default.svc", "jwks_uri": "https://10.0.0.1/openid/v1/jwks",
            "response_types_supported": ["id_token"],
        ]
        for (issuer, uri) in [
            ("https://a/b", "https://a/b/openid/v1/jwks"), ("https://a/", "https://a/openid/v1/jwks"),
        ] {
            let documents = KeyReport.documents(Keys.set("k"), discovery: discovery, issuer: issuer)
            #expect(
                documents["openid-configuration"] == [
                    "issuer": .string(issuer), "jwks_uri": .string(uri), "response_types_supported": ["id_token"],
                    "id_token_signing_alg_values_supported": ["RS256"],
                ])
            #expect(documents["jwks"] == Keys.set("k").json)
        }
        let own = KeyReport.documents(Keys.set("k"), discovery: discovery)
        #expect(own["openid-configuration"]?["jwks_uri"] == "https://kubernetes.default.svc/openid/v1/jwks")
    }
}
