import CoreMetrics
import Hummingbird
import HummingbirdTesting
import Logging
import ServiceLifecycle
import Testing

@testable import Observability

@Suite("AdminServer", .timeLimit(.minutes(5))) struct AdminServerTests {
    @Test("is live as long as it answers")
    func live() async throws {
        let harness = AdminHarness(Readiness(waitingFor: ["webhook"]))
        #expect(try await harness.get("/livez") == "200 ok\n")
    }

    @Test("is ready once every check is, and lists what is not")
    func ready() async throws {
        let readiness = Readiness(waitingFor: ["certificate", "webhook"])
        let harness = AdminHarness(readiness)
        readiness.ready("certificate")
        #expect(
            try await harness.get("/readyz") == """
                503 [+]certificate ok
                [-]webhook failed: not ready yet
                readyz check failed

                """)
        readiness.ready("webhook")
        #expect(try await harness.get("/readyz") == "200 ok\n")
        readiness.unready("webhook", because: "stopping")
        #expect(try await harness.get("/readyz").contains("[-]webhook failed: stopping\n"))
    }

    @Test("lists every check when asked to", arguments: ["/readyz?verbose", "/readyz?verbose=1"])
    func verbose(_ path: String) async throws {
        let readiness = Readiness()
        readiness.ready("caches")
        #expect(try await AdminHarness(readiness).get(path) == "200 [+]caches ok\nreadyz check passed\n")
    }

    @Test("shows the program's metrics and the process's")
    func metrics() async throws {
        let harness = AdminHarness(Readiness())
        Counter(label: "x", factory: PrometheusMetricsFactory(registry: harness.registry)).increment()
        let answer = try await harness.get("/metrics")
        #expect(answer.hasPrefix("200 # TYPE x counter\nx 1\n"))
        #expect(answer.contains("\nprocess_resident_memory_bytes "))
    }

    @Test("listens on a free port, says which, and stops when told to")
    func listening() async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = AdminServer(
            host: "127.0.0.1", port: 0, readiness: Readiness(), registry: PrometheusRegistry(), logger: .quiet
        ) { port.yield($0) }
        let services = ServiceGroup(services: [server], logger: .quiet)
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await services.run() }
            let port = try #require(await ports.first { _ in true })
            try await TestClient.withClient(host: "127.0.0.1", port: port) { client in
                let response = try await client.get("/metrics")
                #expect(response.status == .ok)
                #expect(response.headers[.contentType] == "text/plain; version=0.0.4; charset=utf-8")
            }
            await services.triggerGracefulShutdown()
            try await group.waitForAll()
        }
    }
}

@Suite("Readiness") struct ReadinessTests {
    @Test("is there without checks, and keeps their order")
    func order() {
        let readiness = Readiness()
        #expect(readiness.isReady)
        readiness.unready("b", because: "no")
        readiness.ready("a")
        readiness.ready("b")
        #expect(readiness.isReady)
        #expect(readiness.checks.map(\.name) == ["b", "a"])
    }
}

private struct AdminHarness {
    let registry = PrometheusRegistry()
    let readiness: Readiness

    init(_ readiness: Readiness) {
        self.readiness = readiness
    }

    /// Status and body.
    func get(_ path: String) async throws -> String {
        let server = AdminServer(readiness: readiness, registry: registry, logger: .quiet)
        return try await server.application.test(.router) { client in
            try await client.execute(uri: path, method: .get) { "\($0.status.code) \(String(buffer: $0.body))" }
        }
    }
}

extension Logger {
    fileprivate static var quiet: Logger { Logger(label: "test") { _ in SwiftLogNoOpLogHandler() } }
}
