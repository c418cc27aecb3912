import JSON
import Testing

@testable import WorkloadIdentity

@Suite("Verification")
struct VerificationTests {
    static let token = SecretText("eyJhbGciOiJSUzI1NiJ9.secret-payload.secret-signature")
    static let claims = TokenClaims(
        issuer: "https://oidc.example.com/c1", subject: "system:serviceaccount:ai:llm", audiences: ["aud-1"])

    static let vaultConfiguration: Configuration = {
        var configuration = Configuration()
        configuration.vault.address = "https://vault.example.com:8200/"
        configuration.vault.audience = "vault"
        return configuration
    }()

    enum Way: CaseIterable {
        case aws, secondRole, entra, google, impersonation, ibm, alibaba, vault, openAI, anthropic

        var exchange: Exchange {
            get throws {
                let impersonated = ["cloud.google.com/service-account-email": "sa@my-project.iam.gserviceaccount.com"]
                switch self {
                case .aws: return try VerificationTests.exchange(Fixture.aws, "aws-bedrock")
                case .secondRole:
                    let first = try VerificationTests.exchange(VerificationTests.twoRoles, "aws-bedrock")
                    return try #require(first.next(after: VerificationTests.session)).exchange
                case .ibm: return try VerificationTests.exchange(Fixture.ibm, "ibm-watsonx", on: .iks)
                case .alibaba: return try VerificationTests.exchange(Fixture.alibaba, "alibaba-modelstudio")
                case .entra: return try VerificationTests.exchange(Fixture.azure, "azure-openai")
                case .google: return try VerificationTests.exchange(Fixture.google, "google-vertex")
                case .impersonation:
                    let first = try VerificationTests.exchange(
                        Fixture.google.merging(impersonated) { $1 }, "google-vertex")
                    let answer = ExchangeAnswer(status: 200, body: Array(#"{"access_token":"ya29.secret"}"#.utf8))
                    return try #require(first.next(after: answer)).exchange
                case .vault:
                    return try VerificationTests.exchange(
                        Fixture.vaultOpenAI, "openai", VerificationTests.vaultConfiguration)
                case .openAI: return try VerificationTests.exchange(Fixture.openAI, "openai")
                case .anthropic: return try VerificationTests.exchange(Fixture.anthropic, "anthropic")
                }
            }
        }
    }

    static let twoRoles = Fixture.aws.merging([
        "lanyard.dev/aws-assume-role-arn": "arn:aws:iam::222233334444:role/models",
        "lanyard.dev/aws-external-id": "id-1",
        "lanyard.dev/aws-region": "eu-central-1",
    ]) { $1 }

    static let session = ExchangeAnswer(
        status: 200,
        body: Array(
            """
            <Credentials><AccessKeyId>ASIAFIRST</AccessKeyId><SecretAccessKey>secret-key</SecretAccessKey>\
            <SessionToken>secret-session</SessionToken></Credentials>
            """.utf8))

    static func exchange(
        _ annotations: [String: String], _ provider: ProviderName, _ configuration: Configuration = Configuration(),
        on platform: Platform = .selfManaged
    ) throws -> Exchange {
        let plan = Fixture.plan(annotations, on: platform, configuration: configuration)
        let trial = try #require(plan.outcome(provider)).trials(for: provider, configuration).first
        guard case .exchange(let exchange)? = trial else { throw Missing() }
        return exchange
    }

    struct Missing: Error {}

    @Test(
        "each documented failure has its cause",
        arguments: [
            (
                Way.aws, 403, aws("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity"),
                "TrustPolicyMismatch"
            ),
            (
                .aws, 400, aws("InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://x"),
                "IssuerNotTrusted"
            ),
            (.aws, 400, aws("InvalidIdentityToken", "Incorrect token audience"), "AudienceNotTrusted"),
            (
                .aws, 400,
                aws("InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider"),
                "IssuerUnreachable"
            ),
            (.aws, 400, aws("InvalidIdentityToken", "The ID Token provided is not a valid JWT"), "TokenRejected"),
            (
                .aws, 400,
                aws(
                    "InvalidIdentityToken",
                    "OpenIDConnect provider's HTTPS certificate doesn't match configured thumbprint"),
                "FingerprintMismatch"
            ),
            (.aws, 400, aws("IDPCommunicationError", ""), "IssuerUnreachable"),
            (.aws, 403, aws("IDPRejectedClaim", ""), "TokenRejected"),
            (.aws, 400, aws("ExpiredTokenException", "Token expired"), "ClockSkew"),
            (.aws, 403, aws("RegionDisabledException", ""), "RegionDisabled"),
            (.aws, 400, aws("ValidationError", "roleArn"), "InvalidConfiguration"),
            (.aws, 400, aws("Throttling", "Rate exceeded"), "Throttled"),
            (.secondRole, 403, aws("AccessDenied", "is not authorized to perform: sts:AssumeRole"), "SecondRoleDenied"),
            (.secondRole, 403, aws("SignatureDoesNotMatch", "Signature expired"), "ClockSkew"),
            (.secondRole, 403, aws("InvalidClientTokenId", ""), "ClockSkew"),
            (.secondRole, 403, aws("RegionDisabledException", ""), "RegionDisabled"),
            (.secondRole, 400, aws("ValidationError", "DurationSeconds"), "InvalidConfiguration"),
            (.secondRole, 400, aws("Throttling", ""), "Throttled"),
            (.ibm, 400, #"{"errorCode":"BXNIM0398E"}"#, "SubjectNotTrusted"),
            (.ibm, 400, #"{"errorCode":"BXNIM0407E"}"#, "TokenRejected"),
            (.ibm, 400, #"{"errorCode":"BXNIM0109E"}"#, "InvalidConfiguration"),
            (.ibm, 400, #"{"errorCode":"BXNIM9999E"}"#, "TokenRejected"),
            (.alibaba, 401, alibaba("AuthenticationFail.NoPermission"), "TrustPolicyMismatch"),
            (
                .alibaba, 401, alibaba("AuthenticationFail.NoPermission", "No such OIDC Provider registered."),
                "IssuerNotTrusted"
            ),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.IssuerNotMatch"), "IssuerNotTrusted"),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.AudienceNotMatch"), "AudienceNotTrusted"),
            (.alibaba, 401, alibaba("AuthenticationFail.IssuerConfigurationBroken"), "IssuerUnreachable"),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.HttpsUrlInvalid"), "IssuerUnreachable"),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.Expired"), "ClockSkew"),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.Invalid"), "TokenRejected"),
            (.alibaba, 401, alibaba("AuthenticationFail.OIDCToken.InvalidSignature"), "TokenRejected"),
            (.alibaba, 401, alibaba("AuthenticationFail.PublicKeyFingerprintMismatch"), "FingerprintMismatch"),
            (.alibaba, 404, alibaba("EntityNotExist.Role"), "RoleNotFound"),
            (.alibaba, 400, alibaba("Throttling.User"), "Throttled"),
            (.entra, 400, entra(70021), "TrustMismatch"), (.entra, 401, entra(700211), "IssuerNotTrusted"),
            (.entra, 401, entra(700212), "AudienceNotTrusted"), (.entra, 401, entra(700213), "SubjectNotTrusted"),
            (.entra, 401, entra(70025), "NoFederatedCredential"), (.entra, 401, entra(700024), "ClockSkew"),
            (.entra, 401, entra(700027), "SignatureInvalid"), (.entra, 401, entra(50013), "SignatureInvalid"),
            (.entra, 400, entra(90061), "IssuerUnreachable"), (.entra, 400, entra(50166), "IssuerUnreachable"),
            (.entra, 400, entra(501661), "IssuerUnreachable"), (.entra, 400, entra(700016), "ClientIdNotFound"),
            (.entra, 400, entra(90002), "TenantNotFound"), (.entra, 400, entra(90014), "InvalidConfiguration"),
            (.entra, 400, entra(900144), "InvalidConfiguration"), (.entra, 400, entra(1), "TokenRejected"),
            (.google, 400, oauth("invalid_request", "Invalid value for \\\"audience\\\"."), "InvalidConfiguration"),
            (.google, 400, oauth("invalid_target", "The target service is disabled"), "InvalidConfiguration"),
            (
                .google, 400,
                oauth("invalid_grant", "The audience in ID Token [x] does not match the expected audience."),
                "AudienceNotTrusted"
            ),
            (
                .google, 400, oauth("invalid_grant", "The issuer in ID Token x does not match the expected ones: y"),
                "IssuerNotTrusted"
            ),
            (
                .google, 400, oauth("invalid_grant", "Error connecting to the given credential's issuer."),
                "IssuerUnreachable"
            ),
            (
                .google, 400, oauth("invalid_grant", "The size of mapped attribute exceeds the 127 bytes limit."),
                "SubjectTooLong"
            ),
            (.google, 400, oauth("invalid_grant", "ID Token is stale to sign-in."), "ClockSkew"),
            (.google, 400, oauth("invalid_grant", "Invalid JWT signature."), "SignatureInvalid"),
            (
                .google, 400,
                oauth("unauthorized_client", "The given credential is rejected by the attribute condition."),
                "SubjectNotTrusted"
            ),
            (.impersonation, 403, #"{"error":{"code":403,"status":"PERMISSION_DENIED"}}"#, "ImpersonationDenied"),
            (.impersonation, 404, #"{"error":{"code":404,"status":"NOT_FOUND"}}"#, "ServiceAccountNotFound"),
            (.vault, 400, vault(#"invalid role name \"llm\""#), "RoleNotFound"),
            (.vault, 403, vault("service account name not authorized"), "SubjectNotTrusted"),
            (.vault, 403, vault("namespace not authorized"), "NamespaceNotTrusted"),
            (.vault, 403, vault("error validating token: invalid audience (aud) claim"), "AudienceNotTrusted"),
            (.vault, 500, vault("could not load backend configuration"), "InvalidConfiguration"),
            (.vault, 404, vault("no handler for route \\\"auth/x/login\\\""), "AuthMethodNotFound"),
            (.vault, 403, vault("permission denied"), "TokenRejected"),
            (.vault, 503, vault("Vault is sealed"), "Unreachable"),
            (.openAI, 401, oauth("invalid_subject_token", ""), "TokenRejected"),
            (.openAI, 400, oauth("invalid_grant", ""), "MappingNotFound"),
            (.openAI, 400, oauth("invalid_request", ""), "InvalidConfiguration"),
            (
                .anthropic, 401,
                #"{"type":"error","error":{"type":"authentication_error","message":"Authentication failed"}}"#,
                "TrustRejectedOpaque"
            ),
            (.anthropic, 400, oauth("invalid_grant", ""), "TrustRejectedOpaque"),
            (.anthropic, 400, #"{"error":{"type":"invalid_request_error"}}"#, "InvalidConfiguration"),
            (.google, 200, "<html>Log in to the network</html>", "UnexpectedAnswer"),
            (.anthropic, 401, "<html>Sign in</html>", "UnexpectedAnswer"),
            (.impersonation, 403, "<html>Blocked</html>", "UnexpectedAnswer"),
            (.vault, 404, "<html>Not here</html>", "UnexpectedAnswer"), (.openAI, 403, "", "UnexpectedAnswer"),
            (.google, 407, "", "ProxyDenied"), (.anthropic, 429, "", "Throttled"), (.entra, 502, "", "Unreachable"),
        ] as [(Way, Int, String, String)])
    func cause(way: Way, status: Int, body: String, reason: String) throws {
        let answer = ExchangeAnswer(status: status, body: Array(body.utf8))
        let verdict = try way.exchange.verdict(on: answer, presenting: Self.claims, for: "aws-bedrock")
        #expect(verdict.reason == reason)
        #expect(verdict.outcome == .failed)
        #expect(!verdict.message.isEmpty)
        let others = ["Throttled", "Unreachable", "UnexpectedAnswer", "ProxyDenied"]
        #expect(verdict.isDenial == !others.contains(reason))
    }

    @Test("what stands between denies in its own words, which is no denial of the provider's", arguments: Way.allCases)
    func between(way: Way) throws {
        for (status, body) in [(403, "<html>Blocked</html>"), (401, ""), (403, "{}"), (400, #"{"message": "no"}"#)] {
            let verdict = try way.exchange.verdict(
                on: ExchangeAnswer(status: status, body: Array(body.utf8)), presenting: Self.claims, for: "x")
            #expect(verdict.reason == "UnexpectedAnswer" && !verdict.isDenial)
        }
    }

    @Test(
        "a mismatch names the string that the trust must have",
        arguments: [
            (Way.aws, 403, aws("AccessDenied", ""), "system:serviceaccount:ai:llm"),
            (.entra, 401, entra(700211), "https://oidc.example.com/c1"), (.entra, 401, entra(700212), "aud-1"),
            (.entra, 401, entra(700213), "system:serviceaccount:ai:llm"),
            (.vault, 403, vault("namespace not authorized"), "ai"),
        ] as [(Way, Int, String, String)])
    func naming(way: Way, status: Int, body: String, text: String) throws {
        let answer = ExchangeAnswer(status: status, body: Array(body.utf8))
        let verdict = try way.exchange.verdict(on: answer, presenting: Self.claims, for: "x")
        #expect(verdict.message.contains(text))
        #expect(verdict.fix != nil)
    }

    @Test(
        "a credential proves the trust, and is in no word of the verdict",
        arguments: [
            (
                Way.aws,
                """
                <Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>\
                <SessionToken>s3cret</SessionToken></Credentials>
                """
            ),
            (
                .secondRole,
                """
                <Credentials><AccessKeyId>A</AccessKeyId><SecretAccessKey>s3cret</SecretAccessKey>\
                <SessionToken>s3cret</SessionToken></Credentials>
                """
            ),
            (.ibm, #"{"access_token":"s3cret"}"#), (.alibaba, #"{"Credentials":{"SecurityToken":"s3cret"}}"#),
            (.entra, #"{"access_token":"s3cret"}"#), (.google, #"{"access_token":"s3cret"}"#),
            (.impersonation, #"{"accessToken":"s3cret"}"#), (.vault, #"{"auth":{"client_token":"s3cret"}}"#),
            (.openAI, #"{"access_token":"s3cret"}"#), (.anthropic, #"{"access_token":"s3cret"}"#),
        ] as [(Way, String)])
    func success(way: Way, body: String) throws {
        let answer = ExchangeAnswer(status: 200, body: Array(body.utf8))
        let verdict = try way.exchange.verdict(on: answer, presenting: Self.claims, for: "x")
        #expect(verdict.outcome == .verified)
        #expect(!"\(verdict)\(answer)\(String(reflecting: answer))".contains("s3cret"))
    }

    @Test("a request carries the token and never shows it", arguments: Way.allCases)
    func secrecy(way: Way) throws {
        let keys = try #require(AWSKeys(Self.session))
        let presentation = way == .secondRole ? Exchange.Presentation.awsKeys(keys) : .token(Self.token)
        let carried = way == .secondRole ? "secret-session" : Self.token.revealed
        let request = try way.exchange.request(presenting: presentation, at: "2015-08-30T12:36:00Z")
        let sent = ([request.body] + request.headers.map(\.value)).map(\.revealed)
        #expect(sent.contains { $0.contains(carried) })
        var dumped = ""
        dump(request, to: &dumped)
        dump(presentation, to: &dumped)
        let shown = ["\(request)", String(reflecting: request), "\(presentation)", dumped]
        for text in shown { #expect(!text.contains("secret-")) }
        #expect(!request.url.contains("secret-"))
    }

    @Test("a second role is asked for with the first one's keys, signed for the region")
    func secondRole() throws {
        let keys = try #require(AWSKeys(Self.session))
        let request = try Way.secondRole.exchange.request(presenting: .awsKeys(keys), at: "2015-08-30T12:36:00Z")
        #expect(request.url == "https://sts.eu-central-1.amazonaws.com/")
        #expect(request.body.revealed.contains("ExternalId=id-1"))
        #expect(request.body.revealed.contains("RoleArn=arn%3Aaws%3Aiam%3A%3A222233334444%3Arole%2Fmodels"))
        let authorization = try #require(request.headers.first { $0.name == "Authorization" }?.value.revealed)
        #expect(authorization.contains("Credential=ASIAFIRST/20150830/eu-central-1/sts/aws4_request"))
        #expect(authorization.contains("SignedHeaders=content-type;host;x-amz-date;x-amz-security-token"))
    }

    /// Of AWS's own test suite for Signature Version 4: post-x-www-form-urlencoded and post-sts-header-before.
    @Test(
        "a signature is that of AWS's published examples",
        arguments: [
            (
                nil, [("Content-Type", "application/x-www-form-urlencoded"), ("Host", "example.amazonaws.com")],
                "Param1=value1", "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a"
            ),
            (
                """
                AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YU\
                uwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8Y\
                QcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR\
                /oLxBA==
                """, [("Host", "example.amazonaws.com")], "",
                "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead"
            ),
        ] as [(String?, [(String, String)], String, String)])
    func signature(session: String?, headers: [(String, String)], body: String, expected: String) throws {
        let keys = AWSKeys(
            id: "AKIDEXAMPLE", secret: SecretText("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"),
            sessionToken: session.map { SecretText($0) })
        let signature = AWSSignature(by: keys, region: "us-east-1", service: "service", at: "2015-08-30T12:36:00Z")
        let added = signature.headers(for: "POST", headers.map { (name: $0.0, value: $0.1) }, body: body)
        #expect(added.last?.value.revealed.hasSuffix("Signature=\(expected)") == true)
    }

    @Test(
        "an endpoint of the configuration takes the place of the vendor's host, in every step",
        arguments: [
            (Fixture.aws, "aws-bedrock", ["http://127.0.0.1:1/"]),
            (
                Fixture.google.merging(["cloud.google.com/service-account-email": "sa@p.iam.gserviceaccount.com"]) {
                    $1
                },
                "google-vertex",
                [
                    "http://127.0.0.1:1/v1/token",
                    "http://127.0.0.1:1/v1/projects/-/serviceAccounts/sa@p.iam.gserviceaccount.com:generateAccessToken",
                ]
            ),
            (Fixture.openAI, "openai", ["http://127.0.0.1:1/oauth/token"]),
        ] as [([String: String], ProviderName, [String])])
    func moved(annotations: [String: String], provider: ProviderName, urls: [String]) throws {
        var configuration = Configuration()
        configuration.verify.endpoints[provider] = "http://127.0.0.1:1"
        let first = try Self.exchange(annotations, provider, configuration)
        let answer = ExchangeAnswer(status: 200, body: Array(#"{"access_token":"ya29.secret"}"#.utf8))
        #expect([first.url] + (first.next(after: answer).map { [$0.exchange.url] } ?? []) == urls)
    }

    @Test("an answer that repeats the token does not bring it into the verdict", arguments: Way.allCases)
    func repeated(way: Way) throws {
        let body = #"{"error":"odd","error_description":"\#(Self.token.revealed)"}"#
        let verdict = try way.exchange.verdict(
            on: ExchangeAnswer(status: 400, body: Array(body.utf8)), presenting: Self.claims, for: "x")
        #expect(!"\(verdict)".contains("secret-"))
    }

    @Test(
        "requests go where the SDK's go",
        arguments: [
            (Way.aws, "https://sts.amazonaws.com/"),
            (.secondRole, "https://sts.eu-central-1.amazonaws.com/"),
            (.ibm, "https://iam.cloud.ibm.com/identity/token"),
            (.alibaba, "https://sts.aliyuncs.com/"),
            (.entra, "https://login.microsoftonline.com/aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee/oauth2/v2.0/token"),
            (.google, "https://sts.googleapis.com/v1/token"),
            (
                .impersonation,
                "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/sa@my-project.iam.gserviceaccount.com:generateAccessToken"
            ),
            (.vault, "https://vault.example.com:8200/v1/auth/kubernetes/login"),
            (.openAI, "https://auth.openai.com/oauth/token"), (.anthropic, "https://api.anthropic.com/v1/oauth/token"),
        ] as [(Way, String)])
    func endpoint(way: Way, url: String) throws {
        #expect(try way.exchange.url == url)
    }

    @Test(
        "STS is asked in the role's partition",
        arguments: [
            ("aws-cn", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn/"),
            ("aws-us-gov", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com/"),
            ("aws", "eu-central-1", "https://sts.eu-central-1.amazonaws.com/"),
        ])
    func partition(partition: String, region: String, url: String) throws {
        let annotations = [
            "eks.amazonaws.com/role-arn": "arn:\(partition):iam::111122223333:role/bedrock",
            "lanyard.dev/aws-region": region,
        ]
        #expect(try Self.exchange(annotations, "aws-bedrock").url == url)
    }

    @Test(
        "what can be tried in a pod alone is never claimed",
        arguments: [
            (Platform.gke, ["lanyard.dev/providers": "google-vertex"], "google-vertex"),
            (.oke, Fixture.oracle, "oracle-genai"),
            (
                .eks, Fixture.aws.merging(["lanyard.dev/mechanism.aws-bedrock": "eks-pod-identity"]) { $1 },
                "aws-bedrock"
            ),
        ] as [(Platform, [String: String], ProviderName)])
    func unknown(platform: Platform, annotations: [String: String], provider: ProviderName) throws {
        let outcome = try #require(Fixture.plan(annotations, on: platform).outcome(provider))
        guard case .verdict(let verdict)? = outcome.trials(for: provider, Configuration()).first else {
            Issue.record("\(provider) was to be exchanged")
            return
        }
        #expect(verdict.outcome == .unknown)
        #expect(verdict.reason == "OnlyInPod")
    }

    // MARK: In the providers' words

    static func aws(_ code: String, _ message: String) -> String {
        "<ErrorResponse><Error><Type>Sender</Type><Code>\(code)</Code><Message>\(message)</Message></Error></ErrorResponse>"
    }

    static func entra(_ code: Int) -> String {
        #"{"error":"invalid_client","error_description":"AADSTS\#(code): it failed.","error_codes":[\#(code)]}"#
    }

    static func oauth(_ error: String, _ description: String) -> String {
        #"{"error":"\#(error)","error_description":"\#(description)"}"#
    }

    static func alibaba(_ code: String, _ message: String = "There is no permission.") -> String {
        #"{"RequestId":"1","Code":"\#(code)","Message":"\#(message)"}"#
    }

    static func vault(_ error: String) -> String { #"{"errors":["\#(error)"]}"# }
}
