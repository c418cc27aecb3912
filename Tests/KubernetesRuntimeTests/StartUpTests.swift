import KubernetesClient
import KubernetesModel
import KubernetesRuntime
import Logging
import Synchronization
import Testing

@Suite("Start-up", .timeLimit(.minutes(5)))
struct StartUpTests {
    let clock = ManualClock()

    /// Lets time pass while nothing is asked.
    ///
    /// - Parameter hanging: how many requests get no answer. While they wait, time passes, too.
    func start(_ transport: FakeTransport, hanging: Int = 0) async -> Result<[UInt8], any Error> {
        let asking = Asking()
        let client = transport.client
        let startUp = StartUp(limit: .seconds(45), logger: Logger(label: "test"), clock: clock)
        return await withTaskGroup(of: Result<[UInt8], any Error>?.self) { group in
            group.addTask {
                do {
                    let answer = try await startUp.answer {
                        asking.add(1)
                        defer { asking.add(-1) }
                        return try await client.send(.nonResource("/version"))
                    }
                    return .success(answer)
                } catch {
                    return .failure(error)
                }
            }
            group.addTask { [clock] in
                // For how many turns nothing has been asked: an attempt may be about to.
                var quiet = 0
                while !Task.isCancelled {
                    await Task.yield()
                    quiet = asking.count == 0 && clock.sleeperCount == 1 ? quiet + 1 : 0
                    let isWaiting = quiet > 20
                    let hangs = (1...max(1, hanging)).contains(transport.requests.count) && hanging > 0
                    guard isWaiting || hangs, let deadline = clock.earliestDeadline else { continue }
                    clock.advance(by: deadline)
                }
                return nil
            }
            defer { group.cancelAll() }
            return await group.next().flatMap { $0 } ?? .failure(CancellationError())
        }
    }

    @Test("goes on asking while what is wrong may pass")
    func weather() async throws {
        let transport = FakeTransport(
            .status(429), .status(500), .failure(message: "reset"), .status(503), .status(504), .body("{}"))
        #expect(try await start(transport).get() == Array("{}".utf8))
        #expect(transport.requests.count == 6)
    }

    @Test("goes on asking a server that has not read its roles yet")
    func rolesNotRead() async throws {
        let transport = FakeTransport(.status(503), .status(403), .status(403), .status(403), .body("{}"))
        #expect(try await start(transport).get() == Array("{}".utf8))
    }

    @Test("counts the time of a 403 from the server's last start")
    func startedTwice() async throws {
        let transport = FakeTransport(
            .status(403), .status(503, retryAfter: .seconds(20)), .status(403), .body("{}"))
        #expect(try await start(transport).get() == Array("{}".utf8))
        #expect(clock.now.offset > .seconds(20))
    }

    @Test("a 403 that lasts ends it as what it is, long before the time is over")
    func forbidden() async {
        let result = await start(FakeTransport { _ in .status(403) })
        let error = #expect(throws: KubernetesError.self) { try result.get() }
        #expect(error?.isForbidden == true)
        #expect(clock.now.offset < .seconds(15))
    }

    @Test("waits for as long as the server asks to")
    func retryAfter() async throws {
        let transport = FakeTransport(.status(429, retryAfter: .seconds(7)), .body("{}"))
        _ = try await start(transport).get()
        #expect(clock.now.offset >= .seconds(7))
    }

    @Test("asks again when there is no answer for too long")
    func slow() async throws {
        let asked = Mutex(0)
        let transport = FakeTransport { _ in
            let isSlow = asked.withLock { asked in
                asked += 1
                return asked <= 2
            }
            return isSlow ? .stream(LiveStream()) : .body("{}")
        }
        _ = try await start(transport, hanging: 2).get()
        #expect(transport.requests.count >= 3)
        #expect(clock.now.offset >= .seconds(15))
    }

    @Test("a definite answer ends it at once", arguments: [400, 401, 404])
    func definite(code: Int) async {
        let transport = FakeTransport { _ in .status(code) }
        let result = await start(transport)
        #expect(throws: KubernetesError.self) { try result.get() }
        #expect(transport.requests.count == 1)
    }

    @Test("is over after its time, and says what was wrong last")
    func over() async {
        let result = await start(FakeTransport { _ in .failure(message: "connection refused") })
        let error = #expect(throws: StartUp.TimeOver.self) { try result.get() }
        #expect(
            error?.description
                == "the API server could not be worked with within 45.0 seconds: get /version: connection refused")
        #expect(clock.now.offset <= .seconds(45))
    }
}

/// How many requests are under way.
private final class Asking: Sendable {
    private let number = Mutex(0)

    var count: Int { number.withLock { $0 } }

    func add(_ change: Int) { number.withLock { $0 += change } }
}
