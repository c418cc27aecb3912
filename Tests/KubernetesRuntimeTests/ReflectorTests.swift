import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import Testing

@testable import KubernetesRuntime

@Suite("Reflector", .timeLimit(.minutes(5)))
struct ReflectorTests {
    let clock = ManualClock()
    let metrics = TestMetrics()

    func names(_ store: Store<ServiceAccount>) -> [String] {
        store.keys.map(\.name).sorted()
    }

    /// Runs a reflector against a server that gives these answers, while `body` looks on.
    func following(
        _ transport: FakeTransport, _ configuration: ReflectorConfiguration<ServiceAccount> = .init(),
        _ body: (Store<ServiceAccount>) async throws -> Void
    ) async throws {
        let reflector = Reflector(
            client: transport.client, configuration: configuration, metrics: metrics, logger: Logger(label: "test"),
            clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await reflector.run() }
            try await body(reflector.store)
            group.cancelAll()
        }
    }

    @Test("lists, then follows what changes")
    func follows() async throws {
        let watch = LiveStream()
        let transport = FakeTransport(
            .list("a", version: 5, next: "more"), .list("b", version: 5), .stream(watch))
        try await following(transport) { store in
            try await store.waitUntilSynced()
            #expect(names(store) == ["a", "b"])
            watch.send("ADDED", "c", version: 6)
            watch.send("DELETED", "a", version: 7)
            watch.send("MODIFIED", "b", version: 8)
            await eventually { store[ObjectKey(namespace: "n", name: "b")]?.metadata.resourceVersion == "8" }
            #expect(names(store) == ["b", "c"])
        }
        #expect(transport.requests.map(\.isWatch) == [false, false, true])
        #expect(transport.requests.last?.target.contains("resourceVersion=5&") == true)
    }

    @Test("is not complete before the last page")
    func lastPage() async throws {
        let transport = FakeTransport(.list("a", version: 5, next: "more"))
        try await following(transport) { store in
            await eventually { transport.requests.count == 2 }
            #expect(!store.isSynced)
            #expect(store.count == 0)
        }
    }

    @Test("goes on with what it knows while the server is away, and then where it stopped")
    func serverAway() async throws {
        let (first, second) = (LiveStream(), LiveStream())
        let transport = FakeTransport(
            .list("a", version: 5), .stream(first), .failure(message: "connection refused"),
            .status(503), .stream(second))
        try await following(transport) { store in
            try await store.waitUntilSynced()
            first.send("ADDED", "b", version: 6)
            await eventually { store.count == 2 }
            first.breakOff()
            for requests in 3...5 {
                await clock.advanceUntil { transport.requests.count == requests }
                #expect(names(store) == ["a", "b"])
            }
            second.send("DELETED", "a", version: 7)
            await eventually { names(store) == ["b"] }
        }
        #expect(transport.requests[2..<5].allSatisfy { $0.target.contains("resourceVersion=6&") })
    }

    @Test(
        "lists again when the server has forgotten where it stopped, and notices what was deleted",
        arguments: [true, false])
    func gone(isInsideWatch: Bool) async throws {
        let watch = LiveStream()
        let gone = FakeTransport.Answer.status(410, reason: "Expired")
        let transport = FakeTransport(
            .list("a", "b", version: 5), isInsideWatch ? .stream(watch) : gone, .list("b", "c", version: 9))
        if isInsideWatch { watch.sendError(code: 410, reason: "Expired") }
        try await following(transport) { store in
            await eventually { names(store) == ["b", "c"] }
            await eventually { transport.requests.count == 4 }
        }
        #expect(transport.requests[2].target == "/api/v1/serviceaccounts?resourceVersion=5")
        #expect(transport.requests[3].target.contains("resourceVersion=9&"))
    }

    @Test("begins the list again when a page is not to be had any more")
    func expiredPage() async throws {
        let transport = FakeTransport(
            .list("old", version: 5, next: "more"), .status(410, reason: "Expired"), .list("new", version: 9))
        try await following(transport) { store in
            await clock.advanceUntil { store.isSynced }
            #expect(names(store) == ["new"])
        }
    }

    @Test("gives up a watch in which nothing is heard, asks whether the server answers, and watches again")
    func silence() async throws {
        let transport = FakeTransport(.list("a", version: 5), .stream(LiveStream()), .list("a", version: 5))
        try await following(transport) { _ in
            await eventually { transport.requests.count == 2 }
            let patience = await clock.nextDeadline()
            #expect((Duration.seconds(95)...(.seconds(180))).contains(patience))
            clock.advance(by: patience)
            await clock.advanceUntil { transport.requests.count == 4 }
        }
        #expect(transport.requests.map(\.isWatch) == [false, true, false, true])
        #expect(transport.requests[2].target == "/api/v1/serviceaccounts?limit=1")
    }

    @Test(
        "ends when watches are dead though the server answers, and goes on while it does not", arguments: [true, false])
    func deadWatch(isAnswered: Bool) async throws {
        let transport = FakeTransport { request in
            if request.isWatch { return .stream(LiveStream()) }
            return isAnswered || !request.target.hasSuffix("limit=1")
                ? .list("a", version: 5) : .failure(message: "connection refused")
        }
        let reflector = Reflector(
            ServiceAccount.self, client: transport.client, metrics: metrics, logger: Logger(label: "test"), clock: clock
        )
        let hasGivenUp = await withTaskGroup(of: Bool.self) { group in
            group.addTask {
                do { try await reflector.run() } catch { return error is WatchNotWorking }
                return false
            }
            group.addTask {
                await clock.advanceUntil { Task.isCancelled || transport.requests.count >= 40 }
                return false
            }
            defer { group.cancelAll() }
            return await group.next() == true
        }
        #expect(hasGivenUp == isAnswered)
        // By chance the second or the third dead watch is the last.
        let watches = transport.requests.count(where: \.isWatch)
        #expect(isAnswered ? (2...3).contains(watches) : watches >= 20)
    }

    @Test("shows when it was last heard of: at the list, at an event, and when a watch ends as it should")
    func lastHeard() async throws {
        let watch = LiveStream()
        let transport = FakeTransport(.list("a", version: 5), .stream(watch), .failure(message: "connection refused"))
        try await following(transport) { store in
            let gauge = try metrics.expectGauge(
                "kubernetes_watch_last_heard_timestamp_seconds", [("resource", "serviceaccounts"), ("selector", "")])
            try await store.waitUntilSynced()
            #expect(gauge.values.count == 2)
            watch.send("ADDED", "b", version: 6)
            await eventually { gauge.values.count == 3 }
            watch.end()
            await eventually { gauge.values.count == 4 }
            await eventually { transport.requests.count == 3 }
            #expect(gauge.values.count == 4)
            #expect(gauge.values.allSatisfy { $0 > 1_700_000_000 })
        }
    }

    @Test("leaves the server alone for as long as it asks")
    func tooManyRequests() async throws {
        let transport = FakeTransport(.status(429, retryAfter: .seconds(120)), .list("a", version: 5))
        try await following(transport) { store in
            await eventually { transport.requests.count == 1 }
            #expect(await clock.nextDeadline() == .seconds(120))
            clock.advance(by: .seconds(120))
            try await store.waitUntilSynced()
        }
    }

    @Test("keeps asking when it may not list")
    func forbidden() async throws {
        let transport = FakeTransport(.status(403), .status(403), .list("a", version: 5))
        try await following(transport) { store in
            await clock.advanceUntil { store.isSynced }
        }
    }

    @Test("survives an answer that is not what Kubernetes answers")
    func garbage() async throws {
        let watch = LiveStream()
        let transport = FakeTransport(
            .body("<html>"), .body(#"{"items":[{"metadata":7}]}"#), .list("a", version: 5), .stream(watch),
            .body("no\njson\n"))
        try await following(transport) { store in
            await clock.advanceUntil { store.isSynced }
            watch.end()
            await clock.advanceUntil { transport.requests.count == 6 }
            #expect(names(store) == ["a"])
        }
    }

    @Test("asks for what it was told to follow, and keeps what it was told to keep")
    func configured() async throws {
        var configuration = ReflectorConfiguration<ServiceAccount>(
            namespace: "n", labelSelector: "a=b", fieldSelector: "metadata.name!=x"
        ) { account in
            account.metadata.uid = "stripped"
        }
        configuration.resourceType.version = "v2"
        let watch = LiveStream()
        let transport = FakeTransport(.list("a", version: 5), .stream(watch))
        try await following(transport, configuration) { store in
            watch.send("ADDED", "b", version: 6)
            await eventually { store.count == 2 }
            #expect(store.resources.map(\.metadata.uid) == ["stripped", "stripped"])
        }
        for request in transport.requests {
            #expect(request.path == "/api/v2/namespaces/n/serviceaccounts")
            #expect(request.target.contains("labelSelector=a%3Db"))
            #expect(request.target.contains("fieldSelector=metadata.name%21%3Dx"))
        }
    }
}
