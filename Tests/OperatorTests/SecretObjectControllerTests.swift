import JSON
import KubernetesClient
import KubernetesModel
import NIOCore
import Synchronization
import Testing
import WorkloadIdentity

@testable import Operator

@Suite(.timeLimit(.minutes(5))) struct SecretObjectControllerTests {
    private static let object = SecretObject(
        kind: .externalSecret, name: "lanyard-llm-openai-1",
        spec: ["target": ["name": "x"], "data": [["remoteRef": ["key": "secret/data/ai/openai"]]]])
    private static let synced: JSONValue = ["conditions": [["type": "Ready", "status": "True"]]]

    private static func owner() throws -> WorkloadIdentityObject {
        try WorkloadIdentityObject(
            parsing: Array(#"{"metadata": {"name": "llm", "namespace": "ai", "uid": "owner"}}"#.utf8))
    }

    private static func present(_ spec: JSONValue, owner: String = "owner") -> JSONValue {
        [
            "metadata": [
                "name": "lanyard-llm-openai-1", "uid": "u", "resourceVersion": "7",
                "ownerReferences": [
                    [
                        "apiVersion": "lanyard.dev/v1alpha1", "kind": "WorkloadIdentity", "name": "llm",
                        "uid": .string(owner),
                    ]
                ],
            ],
            "spec": spec, "status": synced,
        ]
    }

    private func keep(_ server: Server) async throws -> SecretObjectController.Failure? {
        let keeper = SecretObjectController(client: KubernetesClient(transport: server, fieldManager: "test"))
        let need = SecretObjectController.Need(provider: "openai", object: Self.object)
        return try await keeper.keep([need], owner: Self.owner()).failures["openai"]
    }

    @Test("what is not there is created, and not applied over what may come in between")
    func creates() async throws {
        let server = Server {
            $0.method == .get
                ? (404, ["kind": "Status", "code": 404, "reason": "NotFound"]) : (201, Self.present(Self.object.spec))
        }
        #expect(try await keep(server) == nil)
        #expect(server.requests.map(\.method) == [.get, .post])
        let made = try JSONValue(parsing: try #require(server.requests.last).body)
        #expect(made["metadata"]?["ownerReferences"]?.array?.first?["uid"] == "owner")
        #expect(made["spec"] == Self.object.spec)
    }

    @Test(
        "when the key was fetched last is known as the External Secrets Operator says it, also while it cannot be now",
        arguments: [
            ("2026-01-01T00:00:00Z", "True", 1_767_225_600), ("2026-01-01T00:00:00Z", "False", 1_767_225_600),
            ("soon", "True", nil), (nil, "True", nil),
        ] as [(String?, String, Int64?)])
    func refreshTime(time: String?, ready: String, expected: Int64?) async throws {
        var present = Self.present(Self.object.spec)
        present["status"] = ["conditions": [["type": "Ready", "status": .string(ready)]]]
        present["status"]?["refreshTime"] = time.map { .string($0) }
        let server = Server { [present] _ in (200, present) }
        let keeper = SecretObjectController(client: KubernetesClient(transport: server, fieldManager: "test"))
        let outcome = try await keeper.keep(
            [.init(provider: "openai", object: Self.object)], owner: try Self.owner())
        #expect(outcome.refreshes.map(\.value.seconds) == [expected].compactMap { $0 })
        #expect(outcome.failures.isEmpty == (ready == "True"))
    }

    /// Attack D5.
    @Test("what somebody else made is left alone, and told", arguments: ["", "another"])
    func leavesForeign(owner: String) async throws {
        var foreign = Self.present(Self.object.spec, owner: owner)
        if owner.isEmpty { foreign["metadata"]?["ownerReferences"] = nil }
        let server = Server { [foreign] _ in (200, foreign) }
        let failure = try #require(try await keep(server))
        #expect(failure.reason == "ObjectNotOurs")
        #expect(
            failure.message == """
                ExternalSecret lanyard-llm-openai-1 was made by somebody else, so Lanyard leaves it alone, and what it \
                brings is not known; remove it, and Lanyard makes its own: kubectl delete externalsecret \
                lanyard-llm-openai-1 -n ai
                """)
        #expect(server.requests.map(\.method) == [.get])
    }

    @Test("what others add to our object is removed, by an update of the version that was read")
    func removesForeignMembers() async throws {
        for (member, value) in [
            ("dataFrom", [["extract": ["key": "admin"]]]), ("target", ["name": "x", "template": ["data": ["a": "b"]]]),
            ("data", [["remoteRef": ["key": "secret/data/ai/openai", "version": "1"]]]),
        ] as [(String, JSONValue)] {
            var spec = Self.object.spec
            spec[member] = value
            let server = Server { [spec] in
                (200, $0.method == .get ? Self.present(spec) : Self.present(Self.object.spec))
            }
            #expect(try await keep(server) == nil, "\(member)")
            #expect(server.requests.map(\.method) == [.get, .put], "\(member)")
            let written = try JSONValue(parsing: try #require(server.requests.last).body)
            #expect(written["spec"] == Self.object.spec, "\(member)")
            #expect(written["metadata"]?["resourceVersion"] == "7", "\(member)")
        }
    }

    @Test("what the definition adds by default costs no write")
    func acceptsDefaults() async throws {
        let spec: JSONValue = [
            "target": ["name": "x", "deletionPolicy": "Retain"],
            "data": [
                [
                    "remoteRef": [
                        "key": "secret/data/ai/openai", "conversionStrategy": "Default", "decodingStrategy": "None",
                        "metadataPolicy": "None",
                    ]
                ]
            ],
        ]
        let server = Server { _ in (200, Self.present(spec)) }
        #expect(try await keep(server) == nil)
        #expect(server.requests.map(\.method) == [.get])
    }

    @Test("a late write is a conflict, and looked at again")
    func meetsConflict() async throws {
        let server = Server {
            $0.method == .get
                ? (200, Self.present(["dataFrom": []])) : (409, ["code": 409, "reason": "Conflict", "kind": "Status"])
        }
        let error = await #expect(throws: KubernetesError.self) { try await keep(server) }
        #expect(error?.isConflict == true)
    }

    @Test("a right that is missing names the chart's switch")
    func namesSwitch() async throws {
        let server = Server { _ in
            (403, ["kind": "Status", "code": 403, "reason": "Forbidden", "message": "cannot get resource"])
        }
        let failure = try #require(try await keep(server))
        #expect(failure.reason == "SecretNotSynced")
        #expect(failure.message.contains("secretDelivery.externalSecret.enabled=true"))
        #expect(failure.message.contains("manifests/secret-delivery.yaml"))
    }

    @Test("ours is removed as it was seen, another's never, and what may not be removed is left")
    func removes() async throws {
        let reference = SecretObjectReference(Self.object)
        func remove(_ server: Server) async throws -> Set<SecretObjectReference> {
            try await SecretObjectController(client: KubernetesClient(transport: server, fieldManager: "test"))
                .remove([reference], owner: Self.owner())
        }
        let ours = Server { _ in (200, Self.present([:])) }
        #expect(try await remove(ours) == [])
        let options = try JSONValue(parsing: try #require(ours.requests.last { $0.method == .delete }).body)
        #expect(options["preconditions"] == ["uid": "u", "resourceVersion": "7"])

        let foreign = Server { _ in (200, Self.present([:], owner: "another")) }
        #expect(try await remove(foreign) == [])
        #expect(foreign.requests.map(\.method) == [.get])

        let denied = Server { _ in (403, ["kind": "Status", "code": 403, "reason": "Forbidden"]) }
        #expect(try await remove(denied) == [reference])
    }
}

/// An API server that answers as it is told.
private final class Server: KubernetesTransport {
    private let received = Mutex<[KubernetesRequest]>([])
    private let answer: @Sendable (KubernetesRequest) -> (Int, JSONValue)

    init(_ answer: @escaping @Sendable (KubernetesRequest) -> (Int, JSONValue)) {
        self.answer = answer
    }

    var requests: [KubernetesRequest] { received.withLock { $0 } }

    func withResponse<Result: Sendable>(
        to request: KubernetesRequest, _ body: (inout KubernetesResponse) async throws -> Result
    ) async throws -> Result {
        received.withLock { $0.append(request) }
        let (status, json) = answer(request)
        var chunks = [ByteBuffer(bytes: json.serialized())]
        var response = KubernetesResponse(statusCode: status, retryAfter: nil) { chunks.popLast() }
        return try await body(&response)
    }
}
