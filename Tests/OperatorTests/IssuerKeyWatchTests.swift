import InMemoryLogging
import JSON
import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import MetricsTestKit
import Testing
import WorkloadIdentity

@testable import Operator

@Suite struct IssuerKeyWatchTests {
    fileprivate static let keySet = "/openid/v1/jwks"
    private static let configMap = "/api/v1/namespaces/lanyard-system/configmaps/lanyard-uploaded-keys"

    private static func key(_ name: String) -> JSONValue {
        ["kty": "EC", "crv": "P-256", "x": .string(name), "y": "AA", "alg": "ES256", "kid": .string(name)]
    }

    private static func note(_ names: String...) -> String {
        UploadedKeys.note(of: IssuerKeySet(names.compactMap { IssuerKey(key($0)) }))
    }

    /// A watch, and what it says.
    private struct Fixture {
        let server = FakeAPIServer()
        let metrics = TestMetrics()
        let log = InMemoryLogHandler()
        var recent = RecentIssuerKeys()

        func watch(inUse: Set<ProviderName> = ["openai", "aws-bedrock"]) -> IssuerKeyWatch {
            IssuerKeyWatch(
                client: server.client, namespace: "lanyard-system",
                facts: { PlatformFacts(platform: .selfManaged, issuer: Issuer(reach: .private)) },
                providersInUse: { inUse }, metrics: metrics, logger: Logger(label: "test") { [log] _ in log })
        }

        func publish(_ names: String...) {
            server.put(IssuerKeyWatchTests.keySet, ["keys": .array(names.map(IssuerKeyWatchTests.key))])
        }

        func upload(_ providers: [String: String]) {
            server.put(IssuerKeyWatchTests.configMap, ["data": .object(JSONObject(providers))])
        }

        var lines: [String] { log.entries.map { "\($0.message)" } }

        func gauge(_ provider: String) -> Double? {
            try? metrics.expectGauge("lanyard_issuer_keys_stale", [("provider", provider)]).lastValue
        }
    }

    @Test("a key that is added makes the copies stale, which is told once, until it is noted as uploaded")
    func rotation() async throws {
        var fixture = Fixture()
        let watch = fixture.watch()
        fixture.publish("old")
        fixture.upload(["openai": Self.note("old"), "anthropic": Self.note("other")])
        await watch.look(&fixture.recent, at: .zero)
        #expect(fixture.gauge("openai") == 0)
        // Nobody uses it.
        #expect(fixture.gauge("anthropic") == nil && fixture.lines.isEmpty)

        fixture.publish("old", "new")
        for second in [15, 30] { await watch.look(&fixture.recent, at: .seconds(second)) }
        #expect(fixture.gauge("openai") == 1)
        #expect(fixture.lines == ["the uploaded keys are stale"])
        #expect(
            fixture.log.entries.last?.metadata == [
                "provider": "openai", "missing": "new", "remedy": "lanyard keys --provider openai",
            ])

        fixture.upload(["openai": Self.note("old", "new")])
        await watch.look(&fixture.recent, at: .seconds(45))
        #expect(fixture.gauge("openai") == 0)
        #expect(fixture.lines == ["the uploaded keys are stale", "the uploaded keys are current again"])

        fixture.publish("new")
        for second in [60, 3600] { await watch.look(&fixture.recent, at: .seconds(second)) }
        #expect(fixture.gauge("openai") == 0 && fixture.lines.count == 2)
        #expect(watch.review?.keys.keys.map(\.id) == ["new"])
    }

    @Test("an API server that does not show the new key yet does not take the news back")
    func differingServers() async {
        var fixture = Fixture()
        let watch = fixture.watch()
        fixture.upload(["openai": Self.note("old")])
        for (second, names) in [["old", "new"], ["old"], ["old", "new"], ["old"]].enumerated() {
            fixture.server.put(Self.keySet, ["keys": .array(names.map(Self.key))])
            await watch.look(&fixture.recent, at: .seconds(second))
        }
        #expect(fixture.gauge("openai") == 1 && fixture.lines == ["the uploaded keys are stale"])
    }

    @Test("the reports are written again when what is known of the keys changes, and only then")
    func tellsOfChange() async {
        var fixture = Fixture()
        let watch = fixture.watch()
        let changes = Recorded()
        watch.observe { changes.add("changed") }
        fixture.publish("old")
        for second in 0..<3 { await watch.look(&fixture.recent, at: .seconds(second)) }
        #expect(changes.all.count == 1)
        fixture.upload(["openai": Self.note("old")])
        for second in 3..<5 { await watch.look(&fixture.recent, at: .seconds(second)) }
        #expect(changes.all.count == 2)
    }

    @Test("keys that may not be read are told of once, and nothing is claimed")
    func forbidden() async {
        var fixture = Fixture()
        let watch = fixture.watch()
        fixture.publish("old", "new")
        fixture.upload(["openai": Self.note("old")])
        await watch.look(&fixture.recent, at: .zero)
        #expect(fixture.gauge("openai") == 1)
        fixture.server.refuse { $0.path == Self.configMap ? (403, "Forbidden") : nil }
        for second in 1...2 { await watch.look(&fixture.recent, at: .seconds(second)) }
        #expect(fixture.lines == ["the uploaded keys are stale", "the cluster's signing keys are not known"])
        #expect(watch.review?.keys.keys.isEmpty == true)
        #expect(fixture.gauge("openai") == nil)
    }

    @Test("while the API server is away, what was seen last stands")
    func away() async {
        var fixture = Fixture()
        let watch = fixture.watch()
        fixture.publish("old", "new")
        fixture.upload(["openai": Self.note("old")])
        await watch.look(&fixture.recent, at: .zero)
        let review = watch.review
        fixture.server.refuse { _ in (503, "ServiceUnavailable") }
        await watch.look(&fixture.recent, at: .seconds(1))
        #expect(watch.review == review && fixture.gauge("openai") == 1 && fixture.lines.count == 1)
    }

    // MARK: In a status

    private static let annotations = [
        "lanyard.dev/openai-identity-provider-id": "idp-123", "lanyard.dev/openai-service-account-id": "sa-456",
    ]
    private static let account = ObjectReference(apiVersion: "v1", kind: "ServiceAccount", namespace: "ai", name: "llm")

    private static func status(keys: [String], noted: [String]?, _ annotations: [String: String] = Self.annotations)
        -> WorkloadIdentityStatus
    {
        let facts = PlatformFacts(platform: .selfManaged, issuer: Issuer(url: "https://i.example", reach: .public))
        let plan = StatusFixture.plan(annotations, facts: facts)
        var status = WorkloadIdentityStatus(
            of: StatusFixture.subject, facts: facts, plans: [plan], workloads: [], pods: StatusFixture.report([], plan))
        let set = IssuerKeySet(keys.compactMap { IssuerKey(key($0)) })
        let note = noted.map { UploadedKeys.note(of: IssuerKeySet($0.compactMap { IssuerKey(key($0)) })) }
        status.keys = KeyReview(keys: set, uploaded: UploadedKeys(note.map { ["openai": $0] } ?? [:]), facts: facts)
        return status
    }

    @Test(
        "the condition says whether the copy is complete, and Ready does not depend on it",
        arguments: [
            (["old"], ["old"], "True KeysCurrent"), (["old", "new"], ["old"], "False UploadedKeysStale"),
            (["new"], ["old", "new"], "True KeysCurrent"), (["old"], nil, "Unknown UploadedKeysNotNoted"),
            ([], ["old"], nil),
        ] as [([String], [String]?, String?)])
    func condition(keys: [String], noted: [String]?, expected: String?) throws {
        let status = Self.status(keys: keys, noted: noted)
        #expect(status.keysTrusted.map { "\($0.status.rawValue) \($0.reason)" } == expected)
        #expect(status.ready.status == .true)
        let stale = Condition(type: "KeysTrusted", status: .false, reason: "UploadedKeysStale")
        let written = try (status.json(replacing: [stale], at: Timestamp(seconds: 1))["conditions"]?.array ?? [])
            .map { try Condition(parsing: $0.serialized()) }
        #expect(written["KeysTrusted"].map { "\($0.status.rawValue) \($0.reason)" } == expected)
    }

    @Test("a report of whoever fetches the keys has no such condition, and before the first look it stays as it was")
    func noCondition() throws {
        #expect(Self.status(keys: ["old"], noted: ["old"], StatusFixture.aws).keysTrusted == nil)
        var status = Self.status(keys: ["old"], noted: nil)
        status.keys = nil
        let before = Condition(type: "KeysTrusted", status: .false, reason: "UploadedKeysStale")
        let json = status.json(replacing: [before], at: Timestamp(seconds: 1))
        #expect(json["conditions"]?.array?.contains { $0["type"] == "KeysTrusted" && $0["status"] == "False" } == true)
    }

    @Test("a stale copy is told by an event, and so is its end; what is not known is none")
    func events() throws {
        let (unknown, good, stale) = (
            Self.status(keys: ["old"], noted: nil), Self.status(keys: ["old"], noted: ["old"]),
            Self.status(keys: ["old", "new"], noted: ["old"])
        )
        func told(_ before: WorkloadIdentityStatus, _ now: WorkloadIdentityStatus) throws -> [String] {
            let json: JSONValue = [
                "metadata": ["name": "llm", "namespace": "ai"],
                "status": before.json(replacing: [], at: Timestamp(seconds: 1)),
            ]
            let present = try WorkloadIdentityObject(parsing: json.serialized())
            return now.events(since: present, about: Self.account).map { "\($0.severity.rawValue) \($0.reason)" }
        }
        #expect(try told(good, stale) == ["Warning UploadedKeysStale"])
        #expect(try told(unknown, stale) == ["Warning UploadedKeysStale"])
        #expect(try told(stale, good) == ["Normal KeysCurrent"])
        for (before, now) in [(unknown, good), (good, unknown), (stale, stale), (good, good)] {
            #expect(try told(before, now).isEmpty)
        }
    }
}

extension IssuerKeyWatchTests {
    @Test("the report on a ServiceAccount has the condition, and an event tells of it", .timeLimit(.minutes(5)))
    func reports() async throws {
        var cluster = RunningControllers()
        cluster.facts = PlatformFacts(platform: .selfManaged, issuer: Issuer(url: "https://i.example", reach: .public))
        cluster.put(Self.keySet, ["keys": [Self.key("old"), Self.key("new")]])
        cluster.put(Self.configMap, ["data": ["openai": .string(Self.note("old"))]])
        cluster.add(serviceAccount: "llm", Self.annotations)
        cluster.add(serviceAccount: "other", RunningControllers.role)
        try await cluster.running { [cluster] _ in
            await eventually {
                cluster.condition("KeysTrusted", of: RunningControllers.identityPath("llm"))
                    == ["False", "UploadedKeysStale"]
                    && cluster.server.events.contains("UploadedKeysStale ServiceAccount llm")
            }
            await eventually { cluster.ready("llm")?.first == "True" && cluster.ready("other") != nil }
        }
        #expect(cluster.condition("KeysTrusted", of: RunningControllers.identityPath("other")) == nil)
    }
}
