import Foundation
import JSON
import Testing

@testable import WorkloadIdentity

@Suite struct PodTrialTests {
    private static let podIdentity = Fixture.aws.merging(["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]) {
        $1
    }

    private static let impersonation = Fixture.google.merging([
        "cloud.google.com/service-account-email": "a@p.iam.gserviceaccount.com"
    ]) { $1 }

    private static let googleAccount = ["iam.gke.io/gcp-service-account": "a@p-1234.iam.gserviceaccount.com"]

    private static let vault: Configuration = {
        var configuration = VerificationTests.vaultConfiguration
        configuration.vault.namespace = "team"
        configuration.vault.caSecret = "vault-ca"
        return configuration
    }()

    private static func trial(
        _ annotations: [String: String], on platform: Platform = .eks, _ configuration: Configuration = Configuration()
    ) throws -> PodTrial {
        try #require(
            PodTrial(
                of: Fixture.plan(annotations, on: platform, configuration: configuration), configuration,
                onNodeNetwork: false))
    }

    @Test(
        "what the variable holds is read back as it was, whatever is exchanged",
        arguments: [
            (.eks, Fixture.aws), (.eks, VerificationTests.twoRoles), (.eks, podIdentity), (.eks, Fixture.azure),
            (.eks, Fixture.google),
            (.eks, impersonation),
            (.gke, ["lanyard.dev/providers": "google-vertex"]), (.gke, googleAccount), (.iks, Fixture.ibm),
            (.ack, Fixture.alibaba),
            (.eks, Fixture.openAI), (.eks, Fixture.anthropic), (.eks, Fixture.vaultOpenAI),
            (.eks, Fixture.aws.merging(Fixture.anthropic) { $1 }.merging(Fixture.azure) { $1 }),
        ] as [(Platform, [String: String])])
    func roundTrips(platform: Platform, annotations: [String: String]) throws {
        let trial = try Self.trial(annotations, on: platform, Self.vault)
        #expect(PodTrial(trial.text) == trial)
        #expect(!trial.text.contains("$"))
    }

    @Test("a dollar sign starts no variable of Kubernetes', and is read back")
    func escapesDollars() throws {
        let annotations = VerificationTests.twoRoles.merging(["lanyard.dev/anthropic-organization-id": "x"]) { $1 }
        var configuration = Configuration()
        configuration.verify.endpoints["aws-bedrock"] = "http://127.0.0.1:1"
        let plan = Fixture.plan(annotations, configuration: configuration)
        let trial = try #require(PodTrial(of: plan, configuration, onNodeNetwork: false))
        let text = trial.text.replacing("id-1", with: #"\u0024(HOME)"#)
        let read = try #require(PodTrial(text))
        #expect(read.text.contains(#"\u0024(HOME)"#) && !read.text.contains("$"))
    }

    @Test(
        "what is no such variable is none",
        arguments: [
            "", "null", "[]", "{}", "[{}]", #"[{"provider":"openai","mechanism":"magic","exchange":{}}]"#,
            #"[{"provider":"openai","mechanism":"irsa","exchange":{"service":"aws-sts","url":"u","identity":"i"}}]"#,
            #"[{"provider":"a","mechanism":"irsa","exchange":{"service":"google-impersonation","url":"u","identity":"i"}}]"#,
        ])
    func readsNothingElse(text: String) { #expect(PodTrial(text) == nil) }

    @Test("each audience has a token of its own, the API server's too, and who knows a pod by its address has none")
    func tokens() throws {
        let all = Fixture.aws.merging(Fixture.anthropic) { $1 }.merging(Fixture.openAI) { $1 }
        #expect(
            try Set(Self.trial(all).audiences)
                == ["sts.amazonaws.com", "https://api.anthropic.com", "https://api.openai.com/v1"])
        var open = Configuration()
        open.vault.address = "https://vault.example.com"
        let vault = try Self.trial(Fixture.vaultOpenAI, open)
        #expect(vault.audiences == [nil] && vault.caSecrets.isEmpty)
        #expect(try Self.trial(Fixture.vaultOpenAI, Self.vault).caSecrets == ["vault-ca"])
        let gke = try Self.trial(["lanyard.dev/providers": "google-vertex"], on: .gke)
        #expect(gke.audiences.isEmpty && gke.tokenFile(of: gke.entries[0].exchange) == nil)
        #expect(try Self.trial(Self.podIdentity).audiences == ["pods.eks.amazonaws.com"])
    }

    @Test("where nobody is asked there is no trial")
    func nothing() {
        for annotations in [[:], ["lanyard.dev/providers": "openai"], Fixture.vaultOpenAI] {
            #expect(PodTrial(of: Fixture.plan(annotations), Configuration(), onNodeNetwork: false) == nil)
        }
    }

    // MARK: The node's own services

    @Test(
        "what a node says is told from a credential",
        arguments: [
            (.eks, podIdentity, 200, #"{"AccessKeyId":"A","SecretAccessKey":"s","Token":"t"}"#, "Verified"),
            (
                .eks, podIdentity, 404, "[1]: (ResourceNotFoundException): No association found for it, fault: client",
                "AssociationNotFound"
            ),
            (.eks, podIdentity, 404, "404 page not found", "UnexpectedAnswer"),
            (.eks, podIdentity, 400, "[1]: (AccessDeniedException): no, fault: client", "TrustPolicyMismatch"),
            (.eks, podIdentity, 400, "[1]: (InvalidTokenException): no, fault: client", "TokenRejected"),
            (.eks, podIdentity, 400, "[1]: (ExpiredTokenException): no, fault: client", "ClockSkew"),
            (.eks, podIdentity, 400, "Service account token cannot be empty", "UnexpectedAnswer"),
            (.eks, podIdentity, 429, "Too Many Requests", "Throttled"),
            (.eks, podIdentity, 500, "oops", "Unreachable"), (.eks, podIdentity, 200, "{}", "UnexpectedAnswer"),
            (.gke, googleAccount, 200, #"{"access_token":"t"}"#, "Verified"),
            (.gke, googleAccount, 403, "denied", "ImpersonationDenied"),
            (.gke, googleAccount, 404, "none", "ServiceAccountNotFound"),
            (.gke, googleAccount, 400, "what?", "UnexpectedAnswer"), (.gke, googleAccount, 503, "", "Unreachable"),
            (.gke, ["lanyard.dev/providers": "google-vertex"], 200, "p-1.svc.id.goog", "Verified"),
            (.gke, ["lanyard.dev/providers": "google-vertex"], 200, "p-1.svc.id.goog\n", "Verified"),
            (
                .gke, ["lanyard.dev/providers": "google-vertex"], 200, "1-compute@developer.gserviceaccount.com",
                "UnexpectedAnswer"
            ),
            (.gke, ["lanyard.dev/providers": "google-vertex"], 200, "x@p-1.svc.id.goog", "UnexpectedAnswer"),
            (.gke, ["lanyard.dev/providers": "google-vertex"], 404, "none", "ServiceAccountNotFound"),
        ] as [(Platform, [String: String], Int, String, String)])
    func node(platform: Platform, annotations: [String: String], status: Int, body: String, reason: String) throws {
        let entry = try Self.trial(annotations, on: platform).entries[0]
        let request = entry.exchange.request(presenting: .token(VerificationTests.token), at: "2026-01-01T00:00:00Z")
        #expect(request.method == .get && request.body.revealed.isEmpty)
        let names = request.headers.map(\.name)
        #expect(names == [platform == .gke ? "Metadata-Flavor" : "Authorization"])
        let verdict = entry.exchange.verdict(
            on: ExchangeAnswer(status: status, body: Array(body.utf8)), presenting: VerificationTests.claims,
            for: entry.provider)
        #expect(verdict.reason == reason)
        #expect(verdict.isDenial == !["Verified", "UnexpectedAnswer", "Unreachable", "Throttled"].contains(reason))
    }

    @Test("GKE is asked for the account that the plan names; else a token is taken only of the pool's own")
    func gkeIdentity() throws {
        let named = try Self.trial(Self.googleAccount, on: .gke).entries[0].exchange
        #expect(named.url.hasSuffix("/service-accounts/a@p-1234.iam.gserviceaccount.com/token"))
        #expect(named.identity == "a@p-1234.iam.gserviceaccount.com")
        #expect(named.next(after: ExchangeAnswer(status: 200, body: Array(#"{"access_token":"t"}"#.utf8))) == nil)
        let unnamed = try Self.trial(["lanyard.dev/providers": "google-vertex"], on: .gke).entries[0].exchange
        #expect(unnamed.url.hasSuffix("/service-accounts/default/email"))
        let next = try #require(unnamed.next(after: ExchangeAnswer(status: 200, body: Array("p.svc.id.goog".utf8))))
        #expect(next.exchange.url.hasSuffix("/service-accounts/default/token") && !next.exchange.takesToken)
        let plan = Fixture.plan(Self.googleAccount, on: .gke)
        #expect(PodTrial(of: plan, Configuration(), onNodeNetwork: true) == nil)
    }

    @Test("what a pod alone can try is part of what a trial's scope is")
    func fingerprint() {
        let plan = Fixture.plan(Self.podIdentity)
        var other = Configuration()
        other.aws.podIdentity.credentialsURI = "http://127.0.0.1/v1/credentials"
        #expect(plan.trialFingerprint(Configuration()) != plan.trialFingerprint(other))
    }

    // MARK: Time

    @Test(
        "only where nobody answers as a provider does another attempt begins, and none so late that it could not end",
        arguments: [
            ("Unreachable", 0, true), ("UnexpectedAnswer", 0, true), ("Unreachable", 2, true),
            ("Unreachable", 3, false), ("UnexpectedAnswer", 7, false), ("TimedOut", 0, false),
            ("TrustPolicyMismatch", 0, false), ("Verified", 0, false), ("Throttled", 0, false),
        ])
    func attempts(reason: String, seconds: Int, isRepeated: Bool) {
        let verdict = Verdict.failed(reason, "")
        #expect((PodTrial.pause(after: verdict, at: .seconds(seconds)) != nil) == isRepeated)
    }

    @Test("of a peer that refuses, and then is silent, the last attempt has begun within three seconds")
    func silence() {
        var time = Duration.zero
        var attempts = 1
        while let pause = PodTrial.pause(after: .failed("Unreachable", ""), at: time) {
            time += pause + .milliseconds(100)
            attempts += 1
        }
        #expect(attempts == 3 && time <= .seconds(3))
        #expect(PodTrial.limit <= .seconds(8))
    }

    // MARK: The message

    private static let everything = Fixture.aws.merging(Fixture.azure) { $1 }.merging(Fixture.google) { $1 }
        .merging(Fixture.anthropic) { $1 }.merging(Fixture.openAI) { $1 }

    @Test("a message is read back: who was verified, and of the others the reason and what was said")
    func readsMessages() throws {
        let trial = try Self.trial(Self.everything)
        let verdicts = trial.entries.enumerated().map { index, entry -> Verdict in
            switch index % 3 {
            case 0: entry.exchange.verified
            case 1: .denied("TrustPolicyMismatch", "it says no\u{1B}[2J\nand no", fix: "rm -rf /")
            default: .failed("Unreachable", "nobody is there")
            }
        }
        let message = trial.message(of: verdicts)
        let read = try #require(trial.verdicts(inMessage: message, of: Fixture.subject))
        #expect(read.map(\.outcome) == verdicts.map(\.outcome) && read.map(\.isDenial) == verdicts.map(\.isDenial))
        #expect(read.map(\.reason) == verdicts.map(\.reason))
        #expect(read[0] == trial.entries[0].exchange.verified)
        #expect(read[1].message == "it says no [2J and no")
        #expect(read[1].fix == "lanyard explain \(trial.entries[1].provider) ai/llm")
    }

    @Test("the longest message of as many exchanges as there may be is bounded, and still says every reason")
    func isBounded() throws {
        let roles = (0..<12).map { "c\($0)=arn:aws:iam::111122223333:role/\(String(repeating: "r", count: 60))\($0)" }
        let trial = try Self.trial(
            ["lanyard.dev/aws-role-arns": roles.joined(separator: ","), "lanyard.dev/providers": "aws-bedrock"])
        #expect(trial.entries.count == PodTrial.mostEntries)
        let reason = try #require(PodTrial.reasons.max { $0.count < $1.count })
        let verdicts = trial.entries.map { _ in
            Verdict.denied(reason, String(repeating: "\u{1F512}\"", count: 2000), fix: "x")
        }
        let message = trial.message(of: verdicts)
        #expect(message.utf8.count <= PodTrial.longestMessage)
        let read = try #require(trial.verdicts(inMessage: message, of: Fixture.subject))
        #expect(read.map(\.reason) == verdicts.map(\.reason) && read.allSatisfy(\.isDenial))
        // The longest names that there are.
        let longest = try ["alibaba-modelstudio": Mechanism.gcpWorkloadIdentityFederation].map { provider, mechanism in
            var entry = trial.entries[0]
            entry.provider = ProviderName(rawValue: provider)
            entry.mechanism = mechanism
            return try #require(PodTrial(Array(repeating: entry, count: PodTrial.mostEntries)))
        }
        for trial in longest { #expect(trial.message(of: verdicts).utf8.count <= PodTrial.longestMessage) }
    }

    @Test(
        "a message that this release would not write is not believed",
        arguments: [
            "", "{}", #"{"results":[]}"#, #"{"results":{}}"#, "not JSON", #"{"results":[{}]}"#,
            result(#""provider":"openai","mechanism":"irsa","outcome":"Verified","reason":"Verified""#),
            result(#""provider":"aws-bedrock","mechanism":"vault-agent","outcome":"Verified","reason":"Verified""#),
            result(#""provider":"aws-bedrock","mechanism":"irsa","outcome":"Verified","reason":"Fine""#),
            result(#""provider":"aws-bedrock","mechanism":"irsa","outcome":"Failed","reason":"Verified""#),
            result(#""provider":"aws-bedrock","mechanism":"irsa","outcome":"Failed","reason":"Call 555-1234""#),
            result(#""provider":"aws-bedrock","mechanism":"irsa","outcome":"Unknown","reason":"NotTried""#),
            result(#""provider":"aws-bedrock","mechanism":"irsa","outcome":"Great","reason":"Verified""#),
            #"{"results":[\#(verified),\#(verified)]}"#, #"{"results":[[[[[[]]]]]]}"#,
            #"{"results":[\#(verified)]"# + String(repeating: " ", count: 4096) + "}",
            String(#"{"results":[\#(verified)]}"#.dropLast()),
        ])
    func forged(message: String) throws {
        let trial = try Self.trial(Fixture.aws)
        #expect(trial.verdicts(inMessage: #"{"results":[\#(Self.verified)]}"#, of: Fixture.subject)?.count == 1)
        #expect(trial.verdicts(inMessage: message, of: Fixture.subject) == nil)
    }

    private static let verified =
        #"{"provider":"aws-bedrock","mechanism":"irsa","outcome":"Verified","reason":"Verified"}"#
    private static func result(_ members: String) -> String { #"{"results":[{\#(members)}]}"# }

    @Test("all reasons that docs/command.md has for an exchange may stand in a message")
    func knowsReasons() throws {
        let text = try String(contentsOfFile: "docs/command.md", encoding: .utf8)
        let table =
            try #require(text.components(separatedBy: "| `reason` of a failure |").last)
            .components(separatedBy: "\n## ").first ?? ""
        let documented = Set(table.matches(of: /`([A-Z][A-Za-z]+)`/).map { String($0.output.1) })
        // Those of who tries it from outside.
        let ofOthers: Set<String> = ["NoUsableMechanism", "NotPermitted", "ClusterFailed"]
        #expect(documented.subtracting(ofOthers) == PodTrial.reasons)
    }
}

extension PodTrial {
    /// A trial of made-up entries.
    fileprivate init?(_ entries: [Entry]) {
        let texts = entries.compactMap { entry -> JSONValue? in
            [
                "provider": .string(entry.provider.rawValue), "mechanism": .string(entry.mechanism.rawValue),
                "exchange": entry.exchange.json,
            ]
        }
        self.init(JSONValue.array(texts).serializedString())
    }
}
