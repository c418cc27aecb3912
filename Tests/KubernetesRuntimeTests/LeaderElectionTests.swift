import JSON
import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import KubernetesRuntime

@Suite("Leader election state machine")
struct LeaderElectionStateMachineTests {
    static let configuration = LeaderElectionConfiguration(
        lease: ObjectKey(namespace: "n", name: "l"), identity: "me")
    static let time = Timestamp(seconds: 1_709_210_096)

    var machine = LeaderElectionStateMachine(configuration)

    func lease(_ holder: String, version: Int = 1, transitions: Int = 3) -> Lease {
        var lease = Lease(metadata: ObjectMetadata(name: "l", namespace: "n"))
        lease.metadata.resourceVersion = String(version)
        lease.holderIdentity = holder
        lease.leaseDurationSeconds = 8
        lease.leaseTransitions = transitions
        return lease
    }

    func action(at seconds: Int) -> LeaderElectionStateMachine.Action {
        machine.action(at: .seconds(seconds), time: Self.time)
    }

    @Test("makes the lease if there is none")
    mutating func creates() {
        machine.saw(nil, at: .zero)
        let specification: JSONValue = [
            "holderIdentity": "me", "leaseDurationSeconds": 8, "renewTime": "2024-02-29T12:34:56.000000Z",
            "acquireTime": "2024-02-29T12:34:56.000000Z", "leaseTransitions": 0,
        ]
        #expect(action(at: 0) == .create(["spec": specification]))
    }

    @Test("waits for as long as it has seen another's lease unchanged, by its own clock")
    mutating func waits() {
        machine.saw(lease("other"), at: .seconds(100))
        machine.saw(lease("other"), at: .seconds(105))
        #expect(action(at: 107) == .wait)
        #expect(machine.waitingTime(at: .seconds(107)) == .seconds(1))
        #expect(action(at: 108) != .wait)
        machine.saw(lease("other", version: 2), at: .seconds(108))
        #expect(action(at: 115) == .wait)
    }

    @Test("takes over at once what nobody holds, and counts the change")
    mutating func takesOver() throws {
        machine.saw(lease("", version: 7), at: .zero)
        guard case .update(let patch) = action(at: 0) else {
            Issue.record("expected an update")
            return
        }
        #expect(patch["metadata"] == ["resourceVersion": "7"])
        #expect(patch["spec"]?["leaseTransitions"] == 4)
        #expect(patch["spec"]?["acquireTime"] != nil)
    }

    @Test("renews without reading, and leaves alone since when it leads")
    mutating func renews() {
        machine.wrote(lease("me", version: 8), at: .zero)
        #expect(!machine.needsLease)
        guard case .update(let patch) = action(at: 2) else {
            Issue.record("expected an update")
            return
        }
        #expect(patch["metadata"] == ["resourceVersion": "8"])
        #expect(patch["spec"]?["acquireTime"] == nil)
        #expect(patch["spec"]?["leaseTransitions"] == nil)
    }

    @Test("leads for five seconds after it last renewed")
    mutating func deadline() {
        #expect(machine.timeLeft(at: .zero) == .zero)
        machine.wrote(lease("me"), at: .seconds(100))
        #expect(machine.timeLeft(at: .seconds(101)) == .seconds(4))
        #expect(machine.timeLeft(at: .seconds(105)) == .zero)
    }

    @Test("leads on after a conflict, unless somebody else has taken the lease")
    mutating func conflict() {
        machine.wrote(lease("me"), at: .zero)
        machine.becameUncertain()
        #expect(machine.needsLease)
        machine.saw(lease("me", version: 2), at: .seconds(1))
        #expect(machine.timeLeft(at: .seconds(1)) == .seconds(4))
        machine.saw(lease("other", version: 3), at: .seconds(2))
        #expect(machine.timeLeft(at: .seconds(2)) == .zero)
    }

    @Test("gives back what it holds, and nothing else")
    mutating func releases() {
        let nothing = machine.release(time: Self.time)
        machine.saw(lease("other"), at: .zero)
        let others = machine.release(time: Self.time)
        machine.wrote(lease("me", version: 9), at: .zero)
        let own = machine.release(time: Self.time)
        #expect(nothing == nil)
        #expect(others == nil)
        #expect(own?["metadata"] == ["resourceVersion": "9"])
        #expect(own?["spec"]?["holderIdentity"] == "")
        #expect(machine.timeLeft(at: .zero) == .zero)
    }
}

@Suite("Leader elector", .timeLimit(.minutes(5)))
struct LeaderElectorTests {
    /// A server with one Lease, which takes a write only if it is of the Lease's last version.
    final class LeaseServer: Sendable {
        struct State {
            var lease: JSONValue?
            var version = 0
            var isAway = false
        }

        let state = Mutex(State())

        func setAway(_ isAway: Bool) {
            state.withLock { $0.isAway = isAway }
        }

        /// As `kubectl edit` would, or a contender that was lost since.
        func steal(by holder: String) {
            state.withLock { state in
                state.version += 1
                state.lease = [
                    "metadata": ["name": "l", "namespace": "n", "resourceVersion": .string("\(state.version)")],
                    "spec": ["holderIdentity": .string(holder), "leaseDurationSeconds": 8],
                ]
            }
        }

        var holder: String? { state.withLock { $0.lease?["spec"]?["holderIdentity"]?.string } }

        var transport: FakeTransport {
            FakeTransport { request in
                self.state.withLock { state in
                    guard !state.isAway else { return .failure(message: "connection refused") }
                    return Self.answer(request, &state)
                }
            }
        }

        static func answer(_ request: KubernetesRequest, _ state: inout State) -> FakeTransport.Answer {
            let body = try? JSONValue(parsing: request.body)
            switch request.method {
            case .get:
                guard let lease = state.lease else { return .status(404) }
                return .body(lease.serializedString())
            case .post:
                guard state.lease == nil else { return .status(409, reason: "AlreadyExists") }
                state.lease = ["spec": body?["spec"] ?? [:]]
            default:
                let version = body?["metadata"]?["resourceVersion"]?.string
                guard version == String(state.version) else { return .status(409) }
                var specification = state.lease?["spec"] ?? [:]
                for (key, value) in body?["spec"]?.object ?? [:] { specification[key] = value }
                state.lease?["spec"] = specification
            }
            state.version += 1
            state.lease?["metadata"] = ["name": "l", "namespace": "n", "resourceVersion": .string("\(state.version)")]
            return .body(state.lease?.serializedString() ?? "")
        }
    }

    let clock = ManualClock()
    let server = LeaseServer()
    let metrics = TestMetrics()

    func leadership(_ identity: String) -> Leadership {
        Leadership(
            LeaderElectionConfiguration(lease: ObjectKey(namespace: "n", name: "l"), identity: identity), clock: clock)
    }

    func elector(
        _ leadership: Leadership, whileLeading body: @escaping @Sendable () async throws -> Void
    ) -> LeaderElector {
        LeaderElector(
            client: server.transport.client, leadership: leadership, metrics: metrics, logger: Logger(label: "test"),
            whileLeading: body)
    }

    /// What the metric says.
    var leads: Double? {
        try? metrics.expectGauge("leader_election_master_status", [("name", "l")]).lastValue
    }

    @Test("lets one lead at a time, and the next one when the first is lost")
    func oneAtATime() async {
        let leaders = Mutex<[String]>([])
        let lead = { @Sendable (name: String) in
            leaders.withLock { $0.append(name) }
            try? await gracefulShutdown()
            leaders.withLock { leaders in leaders.removeAll { $0 == name } }
        }
        let first = elector(leadership("first")) { await lead("first") }
        let second = elector(leadership("second")) { await lead("second") }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await first.run() }
            await eventually { leaders.withLock { $0 } == ["first"] }
            group.addTask { try await second.run() }
            for _ in 0..<20 {
                // The leader waits for its next renewal and for its deadline, the other one for its next look.
                await eventually { clock.sleeperCount == 3 }
                await clock.advanceToNextDeadline()
                #expect(leaders.withLock { $0.count } <= 1)
            }
            #expect(server.holder == "first")
            group.cancelAll()
        }
    }

    @Test("stops what is led when the lease cannot be renewed, before another can lead")
    func lostLease() async {
        let isRunning = Mutex(false)
        let leadership = leadership("me")
        let elector = elector(leadership) {
            isRunning.withLock { $0 = true }
            try? await gracefulShutdown()
            isRunning.withLock { $0 = false }
        }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await elector.run() }
            await eventually { isRunning.withLock { $0 } }
            server.setAway(true)
            let start = clock.now
            await clock.advanceUntil { !isRunning.withLock { $0 } }
            #expect(start.duration(to: clock.now) <= .seconds(5))
            #expect(!leadership.isHeld)
            await eventually { leads == 0 }
            server.setAway(false)
            await clock.advanceUntil { isRunning.withLock { $0 } }
            #expect(leads == 1)
            group.cancelAll()
        }
    }

    @Test("gives the lease back when it is shut down, after what is led has ended")
    func release() async throws {
        let leadership = leadership("me")
        let elector = elector(leadership) { [server] in
            try? await gracefulShutdown()
            #expect(server.holder == "me")
        }
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await elector.run() }
                await eventually { leadership.isHeld }
                trigger.triggerGracefulShutdown()
                try await group.waitForAll()
            }
        }
        #expect(server.holder?.isEmpty == true)
        #expect(!leadership.isHeld)
        #expect(leads == 0)
    }

    @Test("gives the lease back and throws when what is led fails")
    func bodyFails() async throws {
        struct Failure: Error {}
        let elector = elector(leadership("me")) { throw Failure() }
        await #expect(throws: Failure.self) { try await elector.run() }
        #expect(server.holder?.isEmpty == true)
    }

    @Test("a leader that was stopped for longer than it may lead writes nothing when it goes on")
    func stopped() async {
        let leadership = leadership("me")
        let elector = elector(leadership) { try? await gracefulShutdown() }
        let written = FakeTransport { _ in .body("{}") }
        let writer = written.client.writing { leadership.isHeld }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await elector.run() }
            await eventually { leadership.isHeld }
            await #expect(throws: Never.self) {
                try await writer.send(.delete(Lease.resourceType, ObjectKey(name: "a")))
            }
            // The clock runs on, and nobody has had the time to notice.
            server.setAway(true)
            clock.advance(by: .seconds(22))
            let error = await #expect(throws: KubernetesError.self) {
                try await writer.send(.delete(Lease.resourceType, ObjectKey(name: "b")))
            }
            #expect(error?.code == .writingNotPermitted)
            await #expect(throws: Never.self) { try await writer.send(.get(Lease.resourceType, ObjectKey(name: "c"))) }
            group.cancelAll()
        }
        #expect(written.requests.map(\.path.last) == ["a", "c"])
    }

    @Test("a lease that somebody has taken by hand is noticed at the next renewal")
    func stolen() async {
        let leadership = leadership("me")
        let elector = elector(leadership) { try? await gracefulShutdown() }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await elector.run() }
            await eventually { leadership.isHeld && clock.sleeperCount == 2 }
            server.steal(by: "thief")
            await clock.advanceToNextDeadline()
            await eventually { !leadership.isHeld }
            #expect(clock.now.offset <= .seconds(2))
            group.cancelAll()
        }
        #expect(server.holder == "thief")
    }

    @Test("another leads as soon as the lease of one that has died is over")
    func failover() async {
        let dead = leadership("dead")
        let isStarted = Mutex(false)
        await withThrowingTaskGroup(of: Void.self) { group in
            let first = elector(dead) {
                isStarted.withLock { $0 = true }; try? await gracefulShutdown()
            }
            group.addTask { try await first.run() }
            await eventually { isStarted.withLock { $0 } }
            group.cancelAll()
        }
        // It never gave the lease back.
        server.steal(by: "dead")
        let other = leadership("other")
        let second = elector(other) { try? await gracefulShutdown() }
        await withThrowingTaskGroup(of: Void.self) { group in
            let start = clock.now
            group.addTask { try await second.run() }
            await clock.advanceUntil { other.isHeld }
            #expect(start.duration(to: clock.now) == .seconds(8))
            group.cancelAll()
        }
    }
}
