import JSON
import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycleTestKit
import Testing

@testable import KubernetesRuntime

enum Samples {
    static func event(_ note: String = "n", name: String = "web", namespace: String? = "shop") -> ObjectEvent {
        ObjectEvent(
            regarding: ObjectReference(
                apiVersion: "apps/v1", kind: "Deployment", namespace: namespace, name: name, uid: "u"),
            .warning, reason: "Blocked", action: "Judge", note: note)
    }
}

@Suite("Event aggregator")
struct EventAggregatorTests {
    var aggregator = EventAggregator(capacity: 3)

    @discardableResult
    mutating func record(_ event: ObjectEvent = Samples.event(), at seconds: Int = 0) -> Bool {
        let time = Timestamp(seconds: 1_709_210_096 + Int64(seconds))
        return aggregator.record(event, at: .seconds(seconds), time: time, identifier: UInt64(0xAB + seconds))
    }

    /// Takes the next write, which then counts as done.
    mutating func write(at seconds: Int = 0) -> EventAggregator.Write? {
        guard case .write(let write) = aggregator.next(at: .seconds(seconds)) else { return nil }
        aggregator.written(write, at: .seconds(seconds))
        return write
    }

    @Test("writes what is said once, once")
    mutating func once() throws {
        record()
        let first = try #require(write())
        let second = write()
        #expect(first.key == ObjectKey(namespace: "shop", name: "web.ab"))
        #expect(first.count == 1)
        #expect(!first.isRepetition)
        #expect(second == nil)
    }

    @Test("counts what is said again, and writes the count once a minute")
    mutating func again() throws {
        record()
        _ = write()
        record(at: 1)
        record(at: 2)
        let early = write(at: 3)
        let wait = aggregator.next(at: .seconds(3))
        let due = try #require(write(at: 60))
        #expect(early == nil)
        #expect(wait == .wait(.seconds(57)))
        #expect(due.isRepetition)
        #expect(due.count == 3)
        #expect(due.key.name == "web.ab")
        #expect(due.lastSeen.seconds == 1_709_210_098)
    }

    @Test("takes what is said after a long silence for something new")
    mutating func silence() throws {
        record()
        _ = write()
        record(at: 360)
        let new = try #require(write(at: 360))
        #expect(!new.isRepetition)
        #expect(new.key.name != "web.ab")
    }

    @Test("tells events apart by what they are about, why, and what they say")
    mutating func different() {
        record(Samples.event("a"))
        record(Samples.event("b"))
        record(Samples.event("a", name: "other"))
        let writes = [write(), write(), write(), write()].compactMap { $0 }
        #expect(writes.map(\.event.note) == ["a", "b", "a"])
    }

    @Test("drops what it has no room for, and has room again when events are old")
    mutating func bounded() {
        let recorded = ["a", "b", "c", "d"].map { record(Samples.event($0)) }
        #expect(recorded == [true, true, true, false])
        let repeated = record(Samples.event("a"))
        #expect(repeated)
        while write(at: 1) != nil {}
        let later = record(Samples.event("d"), at: 361)
        #expect(later)
    }

    @Test("forgets what is refused, and makes anew what has vanished")
    mutating func forgets() throws {
        record()
        let refused = try #require(write())
        aggregator.refused(refused)
        record(at: 1)
        let new = try #require(write(at: 1))
        #expect(!new.isRepetition)
    }

    @Test("writes events as Kubernetes 1.20 takes them")
    mutating func object() throws {
        record()
        record(at: 5)
        let object = try #require(write(at: 5)).object(reportedBy: "lanyard.dev/test", "pod-1")
        let expected: JSONValue = [
            "metadata": ["name": "web.ab", "namespace": "shop"],
            "eventTime": "2024-02-29T12:34:56.000000Z",
            "reportingController": "lanyard.dev/test", "reportingInstance": "pod-1",
            "action": "Judge", "reason": "Blocked", "type": "Warning",
            "regarding": [
                "apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "namespace": "shop", "uid": "u",
            ],
            "note": "n",
            "series": ["count": 2, "lastObservedTime": "2024-02-29T12:35:01.000000Z"],
        ]
        #expect(object == expected)
    }

    @Test("puts events about objects without a namespace where every version of Kubernetes takes them")
    mutating func clusterScoped() throws {
        record(Samples.event(namespace: nil))
        #expect(try #require(write()).key.namespace == "kube-system")
    }

    @Test("cuts off what is too long between two characters")
    mutating func longNote() throws {
        record(Samples.event(String(repeating: "é", count: 600)))
        let note = try #require(write()).object(reportedBy: "c", "i")["note"]?.string
        #expect(note == String(repeating: "é", count: 510) + "…")
    }
}

@Suite("Event recorder", .timeLimit(.minutes(1)))
struct EventRecorderTests {
    let clock = ManualClock()
    let metrics = TestMetrics()

    func recorder(_ transport: FakeTransport) -> EventRecorder {
        EventRecorder(
            client: transport.client, controller: "lanyard.dev/test", instance: "pod-1", metrics: metrics,
            logger: Logger(label: "test"), clock: clock)
    }

    func running(_ recorder: EventRecorder, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await recorder.run() }
            try await body()
            group.cancelAll()
        }
    }

    @Test("creates an event, and later patches its count")
    func series() async throws {
        let transport = FakeTransport { _ in .body("{}") }
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event())
            await eventually { transport.requests.count == 1 }
            recorder.record(Samples.event())
            await clock.advanceUntil { transport.requests.count == 2 }
        }
        #expect(transport.requests.map(\.method) == [.post, .patch])
        #expect(transport.requests[0].path == "/apis/events.k8s.io/v1/namespaces/shop/events")
        #expect(try JSONValue(parsing: transport.requests[1].body)["series"]?["count"] == 2)
    }

    @Test("keeps events while the server is away")
    func serverAway() async throws {
        let transport = FakeTransport(.failure(message: "connection refused"), .status(500), .body("{}"))
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event())
            await clock.advanceUntil { transport.requests.count == 3 }
        }
        #expect(Set(transport.requests.map(\.body)).count == 1)
    }

    @Test("goes on after an event that the server refuses")
    func refused() async throws {
        let transport = FakeTransport(.status(403), .body("{}"))
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event("a"))
            recorder.record(Samples.event("b"))
            await eventually { transport.requests.count == 2 }
        }
    }

    @Test("makes an event anew whose count can be written no more")
    func vanished() async throws {
        let transport = FakeTransport(.body("{}"), .status(404), .body("{}"))
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event())
            await eventually { transport.requests.count == 1 }
            recorder.record(Samples.event())
            await clock.advanceUntil { transport.requests.count == 2 }
            await eventually {
                recorder.record(Samples.event())
                return transport.requests.count >= 3
            }
        }
        #expect(transport.requests[2].method == .post)
    }

    @Test("writes what is left when it is shut down")
    func shutDown() async throws {
        let transport = FakeTransport { _ in .body("{}") }
        let recorder = recorder(transport)
        try await testGracefulShutdown { trigger in
            trigger.triggerGracefulShutdown()
            recorder.record(Samples.event("a"))
            recorder.record(Samples.event("b"))
            try await recorder.run()
        }
        #expect(transport.requests.count == 2)
    }

    @Test("counts what it drops")
    func drops() throws {
        let recorder = recorder(FakeTransport())
        for number in 1...1002 { recorder.record(Samples.event("\(number)")) }
        let dropped = try metrics.expectCounter(
            "kubernetes_events_dropped_total", [("controller", "lanyard.dev/test")])
        #expect(dropped.totalValue == 2)
    }
}
