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
            ("aws-bedrock", .selfManaged, .private, .fetched),
            ("azure-openai", .aks, .publicIfEnabled, .fetched),
            ("alibaba-modelstudio", .ack, .publicIfEnabled, .fetched),
            ("google-vertex", .eks, .public, .fetched), ("google-vertex", .aks, .publicIfEnabled, .fetched),
            ("google-vertex", .selfManaged, .private, .uploaded), ("google-vertex", .selfManaged, .unknown, .uploaded),
            ("anthropic", .oke, .publicIfEnabled, .fetched), ("anthropic", .iks, .private, .uploaded),
            ("openai", .eks, .public, .fetched), ("openai", .selfManaged, .public, .uploaded),
            ("openai", .oke, .publicIfEnabled, .uploaded),
        ] as [(String, Platform, Issuer.Reach, KeySource)])
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
            ("azure-openai", Keys.key("k", algorithm: "ES256"), .keyAlgorithmNotTaken),
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
        ] as [(String, IssuerKey, Problem.Reason?)])
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
