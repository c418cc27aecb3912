import KubernetesClient
import Synchronization
import Testing

@testable import KubernetesRuntime

@Suite("Signal", .timeLimit(.minutes(5)))
struct SignalTests {
    private let clock = ManualClock()
    private let signal = Signal()
    private var stopwatch: Stopwatch { Stopwatch(clock) }

    @Test("one that was sent before anybody waits, however often, wakes up one wait")
    func counts() async {
        signal.send()
        signal.send()
        await signal.wait(stopwatch)
        async let second: Void = signal.wait(atMost: .seconds(5), stopwatch)
        #expect(await clock.nextDeadline() == .seconds(5))
        clock.advance(by: .seconds(5))
        await second
    }

    @Test("a wait that was cancelled ends, and the next one waits as if nothing had been")
    func survivesCancellation() async {
        let cancelled = Task { await signal.wait(stopwatch) }
        cancelled.cancel()
        await cancelled.value

        async let next: Void = signal.wait(atMost: .seconds(5), stopwatch)
        #expect(await clock.nextDeadline() == .seconds(5))
        // Woken up at once it would have stopped its timer by now.
        for _ in 0..<100 { await Task.yield() }
        #expect(clock.sleeperCount == 1)
        signal.send()
        await next
    }
}
