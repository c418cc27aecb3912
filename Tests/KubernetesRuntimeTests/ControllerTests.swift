import CoreMetrics
import KubernetesClient
import KubernetesModel
import Logging
import MetricsTestKit
import ServiceLifecycle
import ServiceLifecycleTestKit
import Synchronization
import Testing

@testable import KubernetesRuntime

@Suite("Controller", .timeLimit(.minutes(5)))
struct ControllerTests {
    /// Reconciles as a test says, and remembers what it was asked to reconcile.
    final class ScriptedReconciler: Reconciler {
        private let script: @Sendable (ObjectKey, Int) async throws -> ReconcileResult
        private let keys = Mutex<[ObjectKey]>([])

        /// - Parameter script: is told the key, and how many times it has been reconciled before.
        init(_ script: @escaping @Sendable (ObjectKey, Int) async throws -> ReconcileResult = { _, _ in .done }) {
            self.script = script
        }

        var reconciled: [ObjectKey] { keys.withLock { $0 } }

        func reconcile(_ key: ObjectKey) async throws -> ReconcileResult {
            let count = keys.withLock { keys in
                keys.append(key)
                return keys.count { $0 == key } - 1
            }
            return try await script(key, count)
        }
    }

    struct Failure: Error {}

    let clock = ManualClock()
    let metrics = TestMetrics()
    let key = ObjectKey(namespace: "n", name: "a")

    func controller(
        _ reconciler: ScriptedReconciler, concurrency: Int = 2, after: [@Sendable () async throws -> Void] = []
    ) -> Controller {
        Controller(
            "test", reconciler: reconciler, concurrency: concurrency, after: after, metrics: metrics,
            logger: Logger(label: "test"), clock: clock)
    }

    func running(_ controller: Controller, _ body: () async throws -> Void) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await controller.run() }
            try await body()
            group.cancelAll()
        }
    }

    func count(_ result: String) -> Int64? {
        try? metrics.expectCounter(
            "controller_runtime_reconcile_total", [("controller", "test"), ("result", result)]
        ).totalValue
    }

    @Test("reconciles what is added, before and after it starts")
    func reconciles() async throws {
        let reconciler = ScriptedReconciler()
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            await eventually { reconciler.reconciled.count == 1 }
            controller.queue.add(ObjectKey(name: "b"))
            await eventually { count("success") == 2 }
        }
        #expect(reconciler.reconciled == [key, ObjectKey(name: "b")])
    }

    @Test("waits for what has to be there first")
    func prerequisites() async throws {
        let writer = StoreWriter<ServiceAccount>()
        let reconciler = ScriptedReconciler()
        let controller = controller(reconciler, after: [writer.store.waitUntilSynced])
        controller.queue.add(key)
        try await running(controller) {
            await eventually { !writer.store.shared.state.withLock { $0.waiting.isEmpty } }
            #expect(reconciler.reconciled.isEmpty)
            writer.replace(with: [])
            await eventually { reconciler.reconciled.count == 1 }
        }
    }

    @Test("tries again later and later what fails")
    func retries() async throws {
        let reconciler = ScriptedReconciler { _, attempt in
            if attempt < 3 { throw Failure() }
            return .done
        }
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            var waits: [Duration] = []
            for _ in 1...3 {
                let wait = await clock.nextDeadline()
                waits.append(wait)
                clock.advance(by: wait)
                await eventually { reconciler.reconciled.count == waits.count + 1 }
            }
            #expect(waits == [.milliseconds(5), .milliseconds(10), .milliseconds(20)])
            await eventually { count("success") == 1 }
        }
        #expect(count("error") == 3)
    }

    @Test("tries again no sooner than the server asks")
    func retryAfter() async throws {
        let reconciler = ScriptedReconciler { _, attempt in
            guard attempt == 0 else { return .done }
            throw KubernetesError(operation: "x", status: APIStatus(code: 429), retryAfter: .seconds(7))
        }
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            #expect(await clock.nextDeadline() == .seconds(7))
        }
    }

    @Test("does not try again what trying again does not fix")
    func terminalError() async throws {
        let reconciler = ScriptedReconciler { _, _ in throw TerminalError(Failure()) }
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            await eventually { count("error") == 1 }
            #expect(clock.earliestDeadline == nil)
            for name in ["reconcile_errors", "terminal_reconcile_errors"] {
                let counter = try metrics.expectCounter("controller_runtime_\(name)_total", [("controller", "test")])
                #expect(counter.totalValue == 1)
            }
            let most = try metrics.expectMeter(
                "controller_runtime_max_concurrent_reconciles", [("controller", "test")])
            #expect(most.lastValue == 2)
        }
    }

    @Test("looks again after the time that the reconciler asks for")
    func requeue() async throws {
        let reconciler = ScriptedReconciler { _, attempt in attempt == 0 ? .requeue(after: .seconds(60)) : .done }
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            #expect(await clock.nextDeadline() == .seconds(60))
            clock.advance(by: .seconds(60))
            await eventually { count("success") == 1 }
        }
        #expect(count("requeue_after") == 1)
    }

    @Test("never reconciles one object twice at a time, nor more objects than it may")
    func concurrency() async throws {
        let running = Mutex<[ObjectKey]>([])
        let most = Mutex(0)
        let reconciler = ScriptedReconciler { key, _ in
            running.withLock { keys in
                #expect(!keys.contains(key))
                keys.append(key)
                most.withLock { $0 = max($0, keys.count) }
            }
            for _ in 0..<20 { await Task.yield() }
            running.withLock { keys in keys.removeAll { $0 == key } }
            return .done
        }
        let controller = controller(reconciler, concurrency: 3)
        let keys = (0..<10).map { ObjectKey(name: "\($0)") }
        try await self.running(controller) {
            for _ in 0..<20 {
                for key in keys { controller.queue.add(key) }
                await Task.yield()
            }
            await eventually { Set(reconciler.reconciled) == Set(keys) && running.withLock { $0.isEmpty } }
        }
        #expect(most.withLock { $0 } == 3)
    }

    @Test("what was broken off when it was cancelled is done when it runs again, as after a lost lease")
    func resumes() async throws {
        let reconciler = ScriptedReconciler { [clock] _, attempt in
            if attempt == 0 { try await clock.sleep(for: .seconds(3600)) }
            return .done
        }
        let controller = controller(reconciler)
        controller.queue.add(key)
        try await running(controller) {
            _ = await clock.nextDeadline()
        }
        try await running(controller) {
            await eventually { count("success") == 1 }
        }
        #expect(reconciler.reconciled == [key, key])
    }

    @Test("finishes what it has begun when it is shut down, and nothing else")
    func shutDown() async throws {
        let gate = LiveGate()
        let reconciler = ScriptedReconciler { _, _ in
            await gate.wait()
            return .done
        }
        let controller = controller(reconciler, concurrency: 1)
        controller.queue.add(key)
        controller.queue.add(ObjectKey(name: "b"))
        try await testGracefulShutdown { trigger in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await controller.run() }
                await eventually { reconciler.reconciled.count == 1 }
                trigger.triggerGracefulShutdown()
                gate.open()
                try await group.waitForAll()
            }
        }
        #expect(reconciler.reconciled == [key])
        #expect(count("success") == 1)
    }
}

/// Something that one task waits for until another one lets it go on.
struct LiveGate: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream()
    }

    func wait() async {
        for await _ in stream {}
    }

    func open() {
        continuation.finish()
    }
}
