import AsyncHTTPClient
import JSON
import KubernetesModel
import Testing
import WorkloadIdentity

@testable import lanyard

@Suite("Verification report")
struct VerificationReportTests {
    /// With the claims that a real one has, so that it can be searched for as a whole and by its parts.
    static let token: String = {
        let claims = #"{"iss":"https://oidc.example.com","sub":"system:serviceaccount:ai:llm","aud":["aud-1"]}"#
        let payload = Base64.encode(Array(claims.utf8)).filter { $0 != "=" }
        return "eyJhbGciOiJSUzI1NiJ9.\(payload).c2lnbmF0dXJlLXNlY3JldA"
    }()

    static let google = [
        "cloud.google.com/workload-identity-provider":
            "projects/123456789/locations/global/workloadIdentityPools/clusters/providers/prod",
        "cloud.google.com/service-account-email": "sa@my-project.iam.gserviceaccount.com",
    ]

    static func report(
        _ annotations: [String: String], on platform: Platform = .selfManaged, token: String? = token,
        answer: (ExchangeRequest) async throws -> ExchangeAnswer
    ) async throws -> VerificationReport {
        let plan = Plan(
            for: Subject(namespace: "ai", serviceAccount: "llm"), serviceAccount: annotations,
            facts: .offline(platform, isPublic: true), configuration: Configuration())
        return try await VerificationReport(
            of: plan, Configuration(), time: { "2026-01-01T00:00:00Z" }, token: { _ in token.map { SecretText($0) } },
            answer: { request, _ in try await answer(request) })
    }

    @Test("both steps of Google's exchange are made, and neither credential is shown")
    func twoSteps() async throws {
        var asked: [String] = []
        let report = try await Self.report(Self.google) { request in
            asked.append(request.url)
            let body =
                asked.count == 1 ? #"{"access_token":"ya29.first"}"# : #"{"accessToken":"ya29.second"}"#
            return ExchangeAnswer(status: 200, body: Array(body.utf8))
        }
        #expect(asked.count == 2)
        #expect(report.entries.map(\.verdict.outcome) == [.verified])
        #expect(!report.hasFailure)
        for output in [report.text(width: 100), report.json.prettySerializedString(), "\(report)"] {
            #expect(!output.contains("ya29."))
            #expect(!output.contains("eyJhbGciOiJSUzI1NiJ9"))
            #expect(output.contains("system:serviceaccount:ai:llm"))
        }
    }

    @Test("a second step that is denied is a failure, after a first one that was not")
    func secondStep() async throws {
        let report = try await Self.report(Self.google) { request in
            request.url.contains("sts.googleapis.com")
                ? ExchangeAnswer(status: 200, body: Array(#"{"access_token":"ya29.first"}"#.utf8))
                : ExchangeAnswer(status: 403, body: Array(#"{"error":{"code":403}}"#.utf8))
        }
        #expect(report.entries.map(\.verdict.reason) == ["ImpersonationDenied"])
        #expect(report.hasFailure)
    }

    @Test("what cannot be tried here is no failure")
    func unknown() async throws {
        let annotations = [
            "lanyard.dev/vault-path.openai": "secret/data/ai/openai", "lanyard.dev/vault-role": "llm",
        ]
        let report = try await Self.report(annotations) { _ in
            Issue.record("nobody was to be asked")
            return ExchangeAnswer(status: 500, body: [])
        }
        #expect(report.entries.map(\.verdict.reason) == ["VaultAddressUnknown"])
        #expect(!report.hasFailure)
    }

    @Test("a provider without a usable mechanism is a failure")
    func blocked() async throws {
        let report = try await Self.report(["lanyard.dev/providers": "anthropic"]) { _ in
            ExchangeAnswer(status: 500, body: [])
        }
        #expect(report.entries.map(\.verdict.reason) == ["NoUsableMechanism"])
        #expect(report.hasFailure)
    }

    @Test("both roles of AWS are assumed, and no key is shown")
    func twoRoles() async throws {
        var bodies: [String] = []
        let report = try await Self.report([
            "eks.amazonaws.com/role-arn": "arn:aws:iam::111122223333:role/first",
            "lanyard.dev/aws-assume-role-arn": "arn:aws:iam::222233334444:role/second",
            "lanyard.dev/aws-region": "eu-central-1",
        ]) { request in
            bodies.append(request.body.revealed)
            let keys = "<AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>"
            return ExchangeAnswer(
                status: 200, body: Array("\(keys)<SessionToken>s3cret-session</SessionToken>".utf8))
        }
        #expect(bodies.map { $0.prefix { $0 != "&" } } == ["Action=AssumeRoleWithWebIdentity", "Action=AssumeRole"])
        #expect(report.entries.map(\.verdict.outcome) == [.verified])
        #expect(report.entries.map(\.identity) == ["arn:aws:iam::222233334444:role/second"])
        for output in [report.text(width: 100), report.json.prettySerializedString(), "\(report)"] {
            #expect(!output.contains("s3cret"))
        }
    }

    @Test(
        "a token that Anthropic takes once is told, and one without an id is presented once",
        arguments: [(true, 401, "SingleUseToken", 2), (true, 200, "Verified", 2), (false, 401, "Verified", 1)])
    func singleUse(hasID: Bool, second: Int, reason: String, count: Int) async throws {
        let claims =
            #"{"iss":"https://i","sub":"system:serviceaccount:ai:llm","aud":["a"]\#(hasID ? #","jti":"1""# : "")}"#
        let payload = Base64.encode(Array(claims.utf8)).filter { $0 != "=" }
        var asked = 0
        let report = try await Self.report(
            [
                "lanyard.dev/anthropic-federation-rule-id": "fdrl_01Rule",
                "lanyard.dev/anthropic-organization-id": "22222222-2222-4333-8444-555555555555",
            ], token: "e30.\(payload).c2ln"
        ) { _ in
            asked += 1
            let status = asked == 1 ? 200 : second
            let body = status == 200 ? #"{"access_token":"sk-ant-oat01-s3cret"}"# : #"{"error":"invalid_grant"}"#
            return ExchangeAnswer(status: status, body: Array(body.utf8))
        }
        #expect(report.entries.map(\.verdict.reason) == [reason])
        #expect(asked == count)
    }

    @Test("what takes a token that names a pod is not tried without one")
    func noPod() async throws {
        let report = try await Self.report(
            ["lanyard.dev/ibm-trusted-profile": "models"], on: .iks, token: nil
        ) { _ in
            Issue.record("nobody was to be asked")
            return ExchangeAnswer(status: 500, body: [])
        }
        #expect(report.entries.map(\.verdict.reason) == ["NoPod"])
        #expect(report.entries.map(\.endpoint) == [nil])
        #expect(!report.hasFailure)
    }

    @Test("several reports are counted, and each says whose it is")
    func summary() async throws {
        let good = try await Self.report(["lanyard.dev/ibm-trusted-profile": "models"], on: .iks) { _ in
            ExchangeAnswer(status: 200, body: Array(#"{"access_token":"s3cret"}"#.utf8))
        }
        let bad = try await Self.report(["lanyard.dev/ibm-trusted-profile": "models"], on: .iks) { _ in
            ExchangeAnswer(status: 400, body: Array(#"{"errorCode":"BXNIM0398E"}"#.utf8))
        }
        let summary = VerificationSummary(reports: [good, bad])
        #expect(summary.hasFailure)
        #expect(summary.text(width: nil).hasPrefix("ai/llm: ibm-watsonx by ibm-trusted-profile: Verified"))
        #expect(summary.text(width: nil).hasSuffix("2 ServiceAccounts: 1 verified, 1 failed, 0 unknown"))
        #expect(summary.json["summary"] == ["verified": 1, "failed": 1, "unknown": 0])
    }

    @Test(
        "whose trust is tried",
        arguments: [
            ("ml/llm", nil, false, .serviceAccount(Subject(namespace: "ml", serviceAccount: "llm"))),
            ("llm", nil, false, .serviceAccount(Subject(namespace: "here", serviceAccount: "llm"))),
            ("llm", "ml", false, .serviceAccount(Subject(namespace: "ml", serviceAccount: "llm"))),
            ("ml/llm", "ml", false, .serviceAccount(Subject(namespace: "ml", serviceAccount: "llm"))),
            ("sa/llm", "ml", false, .serviceAccount(Subject(namespace: "ml", serviceAccount: "llm"))),
            ("Deployment/app", "ml", false, .workload(.deployment, ObjectKey(namespace: "ml", name: "app"))),
            ("sts/db", "ml", false, .workload(.statefulSet, ObjectKey(namespace: "ml", name: "db"))),
            ("cronjobs/c", "ml", false, .workload(.cronJob, ObjectKey(namespace: "ml", name: "c"))),
            // Without a namespace, what stands before the slash is one.
            ("deployment/app", nil, false, .serviceAccount(Subject(namespace: "deployment", serviceAccount: "app"))),
            (nil, "ml", false, .all(in: "ml")), (nil, nil, true, .all(in: nil)),
            (nil, nil, false, nil), ("ml/llm", nil, true, nil), ("ml/llm", "other", false, nil),
            ("a/b/c", nil, false, nil),
            (nil, "M L", false, nil), ("deployment/A", "ml", false, nil),
        ] as [(String?, String?, Bool, VerificationTarget?)])
    func target(word: String?, namespace: String?, isForAll: Bool, expected: VerificationTarget?) {
        let target = try? VerificationTarget(
            word, namespace: namespace, isForAll: isForAll, defaultNamespace: "here")
        #expect(target == expected)
    }

    @Test(
        "a proxy is asked for what NO_PROXY does not name",
        arguments: [
            ("https://sts.amazonaws.com/", "", true), ("http://vault.example.com/", "", false),
            ("https://sts.amazonaws.com/", "amazonaws.com", false),
            ("https://sts.amazonaws.com/", ".AMAZONAWS.com", false),
            ("https://sts.amazonaws.com/", "*.amazonaws.com", false),
            ("https://amazonaws.com/", ".amazonaws.com", true),
            ("https://sts.amazonaws.com/", "azonaws.com", true),
            ("https://sts.amazonaws.com/", "x, sts.amazonaws.com", false),
            ("https://sts.amazonaws.com/", "sts.amazonaws.com:8443", true), ("https://sts.amazonaws.com/", "*", false),
            ("https://h:8443/", "h:8443", false), ("https://10.0.0.1/", "10.0.0.1", false),
            ("https://127.0.0.1:8200/", "", false), ("https://localhost/", "", false),
            ("https://[::1]:8200/", "", false),
        ])
    func proxy(url: String, exceptions: String, isUsed: Bool) throws {
        let settings = try ProxySettings([
            "HTTPS_PROXY": "http://u:p%40ss@proxy.example.com:3128", "NO_PROXY": exceptions,
        ])
        let proxy = settings.proxy(for: url)
        #expect((proxy?.host == "proxy.example.com" && proxy?.port == 3128) == isUsed)
        #expect(proxy == nil || proxy?.authorization == .basic(username: "u", password: "p@ss"))
        #expect(try ProxySettings([:]).proxy(for: url) == nil)
        #expect(try ProxySettings(["https_proxy": "proxy:80"]).proxy(for: "https://a.example/")?.host == "proxy")
    }

    @Test(
        "a proxy that cannot be used is a mistake that is told without its password",
        arguments: ["https://u:s3cret@h", "http://"])
    func noProxy(url: String) {
        let problem = #expect(throws: UsageProblem.self) { try ProxySettings(["HTTPS_PROXY": url]) }
        #expect(problem.map { !"\($0)".contains("s3cret") } == true)
    }
}
