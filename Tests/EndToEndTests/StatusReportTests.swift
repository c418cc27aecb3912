import JSON
import KubernetesModel
import Operator
import Testing

@testable import lanyard

/// What `lanyard status` prints, from plain values.
@Suite(.timeLimit(.minutes(5))) struct StatusReportTests {
    private static let lease = ObjectKey(namespace: "lanyard-system", name: "lanyard-controller")
    private static let alive = OperatorState.alive(holder: "lanyard-abc", renewed: Timestamp(seconds: 0))

    private static func identity(
        _ name: String, ready: String? = "True", reason: String = "Ready", _ message: String = "aws-bedrock by irsa",
        _ more: JSONValue = [:]
    ) throws -> WorkloadIdentityObject {
        var status = more
        status["platform"] = "eks"
        status["evidence"] = "configuration"
        status["summary"] = ["pods": "1/1"]
        if let ready {
            status["conditions"] = [
                [
                    "type": "Ready", "status": .string(ready), "reason": .string(reason), "message": .string(message),
                ]
            ]
        }
        let object: JSONValue = ["metadata": ["name": .string(name), "namespace": "ai"], "status": status]
        return try WorkloadIdentityObject(parsing: object.serialized())
    }

    private static func aws(ready: Bool = true, _ message: String = "") -> JSONValue {
        [
            "providers": [
                [
                    "name": "aws-bedrock", "ready": .bool(ready), "reason": "Ready", "mechanism": "irsa",
                    "reach": "sdk-default", "message": .string(message),
                ]
            ]
        ]
    }

    @Test("a report begins with the operator and the cluster, and ends with how many are ready")
    func prints() throws {
        let identities = [
            try Self.identity("z", ready: "Unknown", reason: "PodsOfEarlierRelease", "1 of 1 pod", Self.aws()),
            try Self.identity("llm", "aws-bedrock by irsa", Self.aws()), try Self.identity("new", ready: nil),
        ]
        #expect(
            StatusReport(identities, by: Self.alive).text(width: nil) == """
                operator: alive; lanyard-abc leads, and said so at 1970-01-01T00:00:00Z
                platform eks (configuration)

                NAMESPACE  SERVICEACCOUNT  READY    REASON                PODS  PROVIDER     MECHANISM  REACH        STATE
                ai         llm             True     Ready                 1/1   aws-bedrock  irsa       sdk-default  Ready
                ai         new             Unknown  NotReported           1/1   -            -          -            -
                ai         z               Unknown  PodsOfEarlierRelease  1/1   aws-bedrock  irsa       sdk-default  Ready

                ai/z may be not ready (PodsOfEarlierRelease): 1 of 1 pod

                1 of 3 identities ready
                """)
    }

    @Test("where trust is tried, what came of it stands beside each provider, of several exchanges the worst")
    func trust() throws {
        var status = Self.aws()
        func result(_ provider: String, _ status: String) -> JSONValue {
            ["provider": .string(provider), "status": .string(status)]
        }
        status["verification"] = [
            "results": [result("aws-bedrock", "True"), result("aws-bedrock", "Unknown"), result("openai", "False")]
        ]
        let identities = [
            try Self.identity("a", "aws-bedrock by irsa", status),
            try Self.identity("b", "aws-bedrock by irsa", Self.aws()), try Self.identity("c", ready: nil),
        ]
        let lines = StatusReport(identities, by: Self.alive).text(width: nil).split(separator: "\n")
        let last = lines.dropFirst(2).prefix(4).map { $0.split(separator: " ").last.map(String.init) }
        #expect(last == ["VERIFIED", "Unknown", "-", "-"])
    }

    @Test("what is wrong is said once, with the pods that it is about; what is only to be known stands below")
    func remarks() throws {
        var status = Self.aws(ready: false, "no model")
        status["pods"] = [
            "attention": [
                ["name": "app-1", "state": "NotInjected"],
                ["name": "app-2", "state": "Lacking", "providers": ["aws-bedrock"]],
            ], "others": 3,
        ]
        status["workloads"] = [
            [
                "kind": "Deployment", "name": "app",
                "problems": [["reason": "StaticCredential", "message": "aws-bedrock: remove it"]],
            ]
        ]
        status["warnings"] = ["a lifetime was clamped"]
        var broken = try Self.identity("llm", ready: "False", reason: "PodsNotInjected", "5 of 9 pods", status)
        let injected: JSONValue = ["type": "Injected", "status": "False", "reason": "R", "message": "see Ready"]
        let accepted: JSONValue = ["type": "Accepted", "status": "False", "reason": "R", "message": "a key"]
        broken.status["conditions"] = .array(
            [accepted, injected] + (broken.status["conditions"]?.array ?? []))
        let text = StatusReport([broken], by: Self.alive).text(width: nil)
        #expect(
            text.hasSuffix(
                """


                ai/llm is not ready (PodsNotInjected): 5 of 9 pods
                  Accepted is False: a key
                  aws-bedrock: no model
                  pods: app-1 (NotInjected), app-2 (Lacking aws-bedrock) and 3 more
                  Deployment app: StaticCredential: aws-bedrock: remove it
                  warning: a lifetime was clamped

                0 of 1 identity ready
                """))
        let ready = try Self.identity("llm", "m", ["warnings": ["w"]])
        #expect(StatusReport([ready], by: Self.alive).text(width: nil).contains("\n\nai/llm:\n  warning: w\n\n"))
    }

    @Test("it is said who injects, and why it is the webhook: once, if it is so of more than one")
    func injection() throws {
        func identity(_ name: String, _ reason: String?) throws -> WorkloadIdentityObject {
            var way: JSONValue = ["by": .string(reason == nil ? "policy" : "webhook")]
            way["reason"] = reason.map { .string($0) }
            return try Self.identity(name, "m", ["injection": way])
        }
        let identities = [
            try identity("a", nil), try identity("b", "no policy"), try identity("c", "no policy"),
            try identity("d", "a role"),
        ]
        let text = StatusReport(identities, by: Self.alive).text(width: nil)
        #expect(
            text.contains(
                """

                the API server itself injects into plain pods of 1 of 4
                left to the webhook, 2 of them: no policy

                """))
        #expect(text.contains("\n\nai/d:\n  left to the webhook: a role\n\n"))
        #expect(!text.contains("ai/b:"))
    }

    @Test(
        "all is ready only if somebody is there to say so; where that cannot be known, it does not count",
        arguments: [
            (.alive(holder: "h", renewed: Timestamp(seconds: 0)), true),
            (.silent(holder: "h", renewed: nil), false), (.resigned(lease), false), (.absent(lease), false),
            (.unknown(why: "no right"), true),
        ] as [(OperatorState, Bool)])
    private func counts(state: OperatorState, isReady: Bool) throws {
        let good = try Self.identity("llm")
        let report = StatusReport([good], by: state)
        #expect(report.isReady == isReady)
        #expect(
            report.text(width: nil).hasSuffix(
                "1 of 1 identity ready" + (isReady ? "" : ", as long as the operator was alive")))
        #expect(report.json["operator"]?["alive"]?.bool == state.isAlive)
        #expect(report.json["summary"] == ["identities": 1, "ready": 1])
        let bad = try Self.identity("bad", ready: "False")
        #expect(!StatusReport([good, bad], by: state).isReady)
    }

    @Test(
        "the operator is alive as long as its Lease is good, whichever clock is ahead",
        arguments: [(1_000, true), (1_008, true), (992, true), (1_009, false), (0, false), (Int64.min, false)]
            as [(Int64, Bool)])
    func judgesLease(now: Int64, isAlive: Bool) {
        var lease = Lease(metadata: ObjectMetadata(name: "lanyard-controller"))
        lease.holderIdentity = "lanyard_6d-abc_42"
        lease.leaseDurationSeconds = 8
        lease.renewTime = Timestamp(seconds: 1_000)
        let state = OperatorState(lease, at: Self.lease, now: Timestamp(seconds: now))
        #expect(
            state
                == (isAlive
                    ? .alive(holder: "lanyard_6d-abc", renewed: Timestamp(seconds: 1_000))
                    : .silent(holder: "lanyard_6d-abc", renewed: Timestamp(seconds: 1_000))))
        lease.holderIdentity = ""
        #expect(OperatorState(lease, at: Self.lease, now: Timestamp(seconds: now)) == .resigned(Self.lease))
        #expect(OperatorState(nil, at: Self.lease, now: Timestamp(seconds: now)) == .absent(Self.lease))
    }

    @Test(
        "lines end between words, and a word that is too long stays whole",
        arguments: [
            (nil, 2, "  one two three four"), (11, 0, "one two\n  three\n  four"),
            (12, 2, "  one two\n    three\n    four"),
            (100, 0, "one two three four"), (1, 0, "one\n  two\n  three\n  four"),
        ] as [(Int?, Int, String)])
    func wraps(width: Int?, indentation: Int, text: String) {
        #expect("one two three four".wrapped(at: width, indentation: indentation) == text)
    }
}
