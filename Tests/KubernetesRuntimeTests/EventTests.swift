import JSON
import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycleTestKit
import Synchronization
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
    var aggregator = EventAggregator(capacity: 6, share: 3)

    /// - Returns: how many were dropped for it.
    @discardableResult
    mutating func record(_ event: ObjectEvent = Samples.event(), at seconds: Int = 0) -> Int {
        let time = Timestamp(seconds: 1_709_210_096 + Int64(seconds))
        return aggregator.record(event, at: .seconds(seconds), time: time)
    }

    /// Takes the next write, which then counts as done.
    mutating func write(at seconds: Int = 0) -> EventWrite? {
        guard case .write(let write) = aggregator.next(at: .seconds(seconds)) else { return nil }
        let count = (write.present?.count ?? 0) + write.added
        aggregator.written(
            write, EventWrite.Present(resourceVersion: "\(count)", count: count), at: .seconds(seconds))
        return write
    }

    @Test("writes what is said once, once")
    mutating func once() throws {
        record()
        let first = try #require(write())
        let second = write()
        #expect(first.key.namespace == "shop")
        #expect(first.key.name.wholeMatch(of: /web\.[0-9a-f]{16}/) != nil)
        #expect(first.count == 1)
        #expect(first.present == nil)
        #expect(second == nil)
    }

    @Test("counts what is said again, and writes the count once a minute")
    mutating func again() throws {
        record()
        let first = try #require(write())
        record(at: 1)
        record(at: 2)
        let early = write(at: 3)
        let wait = aggregator.next(at: .seconds(3))
        let due = try #require(write(at: 60))
        #expect(early == nil)
        #expect(wait == .wait(.seconds(57)))
        #expect(due.present == EventWrite.Present(resourceVersion: "1", count: 1))
        #expect(due.count == 3)
        #expect(due.added == 2)
        #expect(due.key == first.key)
        #expect(due.lastSeen.seconds == 1_709_210_098)
    }

    @Test("gives one name to what is said by whomever and whenever, and another to anything else")
    mutating func names() throws {
        var events = [Samples.event(), Samples.event("other"), Samples.event(name: "other"), Samples.event()]
        events[3].regarding.uid = "other"
        var other = EventAggregator()
        var names: Set<String> = []
        for event in events {
            record(event)
            let name = try #require(write()).key.name
            names.insert(name)
            _ = other.record(event, at: .seconds(500), time: Timestamp(seconds: 1))
            guard case .write(let write) = other.next(at: .seconds(500)) else {
                Issue.record("nothing to write")
                return
            }
            other.refused(write)
            #expect(write.key.name == name)
            aggregator.clear()
        }
        #expect(names.count == 4)
    }

    @Test("tells events apart by what they are about, why, and what they say")
    mutating func different() {
        record(Samples.event("a"))
        record(Samples.event("b"))
        record(Samples.event("a", name: "other"))
        let writes = [write(), write(), write(), write()].compactMap { $0 }
        #expect(writes.map(\.event.note) == ["a", "b", "a"])
    }

    @Test("drops what a namespace has no room for, and has room again when events are old")
    mutating func bounded() {
        let dropped = ["a", "b", "c", "d"].map { record(Samples.event($0)) }
        #expect(dropped == [0, 0, 0, 1])
        let repeated = record(Samples.event("a"))
        #expect(repeated == 0)
        while write(at: 1) != nil {}
        let full = record(Samples.event("d"), at: 300)
        let later = record(Samples.event("d"), at: 361)
        #expect(full == 1)
        #expect(later == 0)
    }

    @Test("a namespace that is full takes nothing from another, and each is written in turn")
    mutating func fair() {
        for note in ["a", "b", "c", "d"] { record(Samples.event(note, namespace: "loud")) }
        let quiet = record(Samples.event("q", namespace: "quiet"))
        #expect(quiet == 0)
        let writes = [write(), write(), write(), write()].compactMap { $0?.event.note }
        #expect(writes == ["a", "q", "b", "c"])
    }

    @Test("where all are full, what is written makes room, or else the loudest namespace does")
    mutating func room() {
        for namespace in ["x", "y"] {
            for note in ["a", "b", "c"] { record(Samples.event(note, namespace: namespace)) }
        }
        // Nothing is written yet: the last of a namespace with three is lost.
        let lost = record(Samples.event("q", namespace: "quiet"))
        #expect(lost == 1)
        _ = write()
        let free = record(Samples.event("r", namespace: "quiet"))
        #expect(free == 0)
        while write() != nil {}
        let after = ["1", "2", "3", "4"].map { record(Samples.event("n", namespace: $0)) }
        #expect(after == [0, 0, 0, 0])
    }

    @Test("forgets what is refused, and everything when it is told to")
    mutating func forgets() throws {
        record()
        let refused = try #require(write())
        aggregator.refused(refused)
        record(at: 1)
        let new = try #require(write(at: 1))
        #expect(new.present == nil)
        record(Samples.event("other"), at: 2)
        aggregator.clear()
        #expect(aggregator.next(at: .seconds(2)) == .wait(nil))
    }

    @Test("writes events as Kubernetes 1.20 takes them")
    mutating func object() throws {
        record()
        record(at: 5)
        let new = try #require(write(at: 5))
        let name = new.key.name
        let object = new.object(reportedBy: "lanyard.dev/test", "pod-1")
        let expected: JSONValue = [
            "metadata": ["name": .string(name), "namespace": "shop"],
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

@Suite("Event recorder", .timeLimit(.minutes(5)))
struct EventRecorderTests {
    let clock = ManualClock()
    let metrics = TestMetrics()

    func recorder(
        _ transport: FakeTransport, onlyWhile isLeading: @escaping @Sendable () -> Bool = { true }
    ) -> EventRecorder {
        EventRecorder(
            client: transport.client, controller: "lanyard.dev/test", instance: "pod-1", onlyWhile: isLeading,
            metrics: metrics, logger: Logger(label: "test"), clock: clock)
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

    @Test("makes an event again whose count can be written no more")
    func vanished() async throws {
        let transport = FakeTransport(.body("{}"), .status(404), .status(404), .body("{}"))
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event())
            await eventually { transport.requests.count == 1 }
            recorder.record(Samples.event())
            await clock.advanceUntil { transport.requests.count == 4 }
        }
        #expect(transport.requests.map(\.method) == [.post, .patch, .get, .post])
    }

    @Test("counts on the event that another replica has made, even if that one counts at the same time")
    func others() async throws {
        let present = { (version: Int, count: Int) in
            FakeTransport.Answer.body(
                #"{"metadata":{"name":"e","resourceVersion":"\#(version)"},"series":{"count":\#(count)}}"#)
        }
        let transport = FakeTransport(
            .status(409, reason: "AlreadyExists"), present(7, 3), .status(409, reason: "Conflict"), present(8, 4),
            present(9, 5))
        let recorder = recorder(transport)
        try await running(recorder) {
            recorder.record(Samples.event())
            await eventually { transport.requests.count == 5 }
        }
        #expect(transport.requests.map(\.method) == [.post, .get, .patch, .get, .patch])
        let patch = try JSONValue(parsing: transport.requests[4].body)
        #expect(patch["metadata"] == ["resourceVersion": "8"])
        #expect(patch["series"]?["count"] == 5)
    }

    @Test("says nothing while this replica does not lead, nor afterwards what it had not said when the lease was lost")
    func leaderOnly() async throws {
        let transport = FakeTransport { _ in .body("{}") }
        let isLeading = Mutex(false)
        let recorder = recorder(transport) { isLeading.withLock { $0 } }
        recorder.record(Samples.event("before"))
        isLeading.withLock { $0 = true }
        recorder.record(Samples.event("lost"))
        isLeading.withLock { $0 = false }
        try await running(recorder) {
            // It tries, may not, and forgets.
            await eventually { clock.sleeperCount == 0 && recorder.isEmpty }
            isLeading.withLock { $0 = true }
            recorder.record(Samples.event("now"))
            await eventually { transport.requests.count == 1 }
        }
        #expect(try JSONValue(parsing: transport.requests[0].body)["note"] == "now")
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
            await recorder.writeRest()
        }
        #expect(transport.requests.count == 2)
    }

    @Test("counts what it drops")
    func drops() throws {
        let recorder = recorder(FakeTransport())
        for number in 1...102 { recorder.record(Samples.event("\(number)")) }
        let dropped = try metrics.expectCounter(
            "kubernetes_events_dropped_total", [("controller", "lanyard.dev/test")])
        #expect(dropped.totalValue == 2)
    }
}
