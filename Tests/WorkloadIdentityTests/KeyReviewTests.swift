import JSON
import Testing

@testable import WorkloadIdentity

@Suite struct KeyReviewTests {
    private static func verifier(_ provider: ProviderName) throws -> KeyVerifier {
        try #require(KeyVerifier.all.first { $0.provider == provider })
    }

    private static func facts(_ platform: Platform, _ reach: Issuer.Reach) -> PlatformFacts {
        PlatformFacts(platform: platform, issuer: Issuer(url: "https://issuer.example", reach: reach))
    }

    @Test(
        "who fetches the keys, and to whom they are uploaded",
        arguments: [
            ("aws-bedrock", Platform.selfManaged, Issuer.Reach.private, KeySource.fetched),
            ("azure-openai", .aks, .publicIfEnabled, .fetched),
            ("alibaba-modelstudio", .ack, .publicIfEnabled, .fetched),
            ("google-vertex", .eks, .public, .fetched), ("google-vertex", .aks, .publicIfEnabled, .fetched),
            ("google-vertex", .selfManaged, .private, .uploaded), ("google-vertex", .selfManaged, .unknown, .uploaded),
            ("anthropic", .oke, .publicIfEnabled, .fetched), ("anthropic", .iks, .private, .uploaded),
            ("openai", .eks, .public, .fetched), ("openai", .selfManaged, .public, .uploaded),
            ("openai", .oke, .publicIfEnabled, .uploaded),
        ])
    func source(provider: String, platform: Platform, reach: Issuer.Reach, source: KeySource) throws {
        let verifier = try Self.verifier(ProviderName(rawValue: provider))
        #expect(verifier.source(on: Self.facts(platform, reach)) == source)
        for mechanism in verifier.mechanisms { #expect(KeyVerifier.of(mechanism) == verifier) }
    }

    @Test("no token is verified by the issuer's keys where the platform, IBM, OKE or Vault does it")
    func others() {
        let with = Set(KeyVerifier.all.flatMap(\.mechanisms))
        for mechanism in Mechanism.allCases where !with.contains(mechanism) {
            #expect(mechanism.keySource(on: Self.facts(.selfManaged, .private)) == nil, "\(mechanism)")
            #expect(KeyVerifier.of(mechanism) == nil)
        }
    }

    struct Case: Sendable {
        var provider: ProviderName
        var keys: [String]
        var noted: [String]?
        var reach: Issuer.Reach = .private
        var reasons: [Problem.Reason]
    }

    @Test(
        "a copy is stale when the cluster has a key that is not in it, and only then",
        arguments: [
            Case(provider: "google-vertex", keys: ["old"], noted: ["old"], reasons: []),
            Case(provider: "google-vertex", keys: ["old", "new"], noted: ["old"], reasons: [.uploadedKeysStale]),
            Case(provider: "google-vertex", keys: ["old", "new"], noted: ["old", "new"], reasons: []),
            // The old key has gone.
            Case(provider: "google-vertex", keys: ["new"], noted: ["old", "new"], reasons: []),
            Case(provider: "google-vertex", keys: ["old"], noted: [], reasons: [.uploadedKeysStale]),
            Case(provider: "google-vertex", keys: ["old"], noted: nil, reasons: [.uploadedKeysNotNoted]),
            Case(provider: "anthropic", keys: ["old"], noted: nil, reasons: [.uploadedKeysNotNoted]),
            Case(provider: "openai", keys: ["old"], noted: nil, reach: .public, reasons: [.uploadedKeysNotNoted]),
            // It fetches them, unless somebody noted that they were uploaded.
            Case(provider: "google-vertex", keys: ["old"], noted: nil, reach: .public, reasons: []),
            Case(
                provider: "anthropic", keys: ["old", "new"], noted: ["old"], reach: .public,
                reasons: [.uploadedKeysStale]),
            Case(provider: "aws-bedrock", keys: ["old", "new"], noted: nil, reasons: []),
        ])
    func staleness(of example: Case) throws {
        let verifier = try Self.verifier(example.provider)
        let noted = example.noted.map { names in
            [example.provider.rawValue: UploadedKeys.note(of: IssuerKeySet(names.map { Keys.key($0) }))]
        }
        let review = KeyReview(
            keys: IssuerKeySet(example.keys.map { Keys.key($0) }), uploaded: UploadedKeys(noted ?? [:]),
            facts: Self.facts(.selfManaged, example.reach))
        let problems = review.problems(for: verifier)
        #expect(problems.map(\.reason) == example.reasons)
        for problem in problems {
            #expect(problem.message.contains("lanyard keys --provider \(example.provider)"))
            #expect((problem.severity == .note) == (problem.reason == .uploadedKeysNotNoted))
        }
        if example.reasons == [.uploadedKeysStale], example.noted == ["old"] {
            #expect(problems.first?.message.contains("new") == true)
        }
    }

    @Test(
        "a key that a provider does not take is told of that provider, by a reason",
        arguments: [
            ("azure-openai", Keys.key("k", algorithm: "ES256"), Problem.Reason.keyAlgorithmNotTaken),
            ("google-vertex", Keys.key("k", algorithm: "ES384"), .keyAlgorithmNotTaken),
            ("google-vertex", Keys.key("k", algorithm: "ES256"), nil),
            ("aws-bedrock", Keys.key("k", algorithm: "ES384"), nil),
            ("anthropic", Keys.key("k", algorithm: "ES512"), nil),
            ("anthropic", Keys.key("k", algorithm: "EdDSA"), .keyAlgorithmNotTaken),
            // Not documented, so nothing is claimed.
            ("openai", Keys.key("k", algorithm: "ES512"), nil),
            ("alibaba-modelstudio", Keys.key("k", algorithm: "ES512"), nil),
            ("aws-bedrock", Keys.key("k", bits: 1024), .keyTooShort), ("azure-openai", Keys.key("k", bits: 2048), nil),
            ("openai", Keys.key("k", id: false), .keyIDMissing), ("anthropic", Keys.key("k", id: false), .keyIDMissing),
            ("aws-bedrock", Keys.key("k", id: false), nil),
        ])
    func notTaken(provider: String, key: IssuerKey, reason: Problem.Reason?) throws {
        let problems = try Self.verifier(ProviderName(rawValue: provider)).problems(with: IssuerKeySet([key]))
        #expect(problems.map(\.reason) == [reason].compactMap { $0 })
        #expect(problems.allSatisfy { $0.message.hasPrefix("\(provider): ") && $0.severity == .error })
    }

    @Test("a ConfigMap that says what no program wrote says nothing, or that a key is lacking")
    func foreignNotes() {
        let uploaded = UploadedKeys(["openai": " a\r\nb\t", "ibm-watsonx": "a", "": "a"])
        #expect(uploaded["openai"] == ["a", "b"])
        #expect(uploaded["ibm-watsonx"] == nil && uploaded["anthropic"] == nil)
    }
}

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
        #expect(script.contains("there is nothing to do when they change"))
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
