import Testing

@testable import KubernetesRuntime

@Suite("Work queue state machine")
struct WorkQueueStateMachineTests {
    var queue = WorkQueueStateMachine<String>(backoff: Backoff(initial: .milliseconds(5), maximum: .seconds(1)))

    /// What the queue says next, as text: a key, `wait`, `wait 5.0 seconds` or `end`.
    mutating func next(limit: Int = 10, at now: Duration = .zero) -> String {
        switch queue.next(limit: limit, at: now) {
        case .process(let key, _): key
        case .wait(nil): "wait"
        case .wait(let duration?): "wait \(duration)"
        case .end: "end"
        }
    }

    @Test("gives keys in the order in which they were added, each once")
    mutating func order() {
        for key in ["b", "a", "b", "c", "a"] { queue.add(key, at: .zero) }
        #expect(queue.depth == 3)
        let keys = [next(), next(), next(), next()]
        #expect(keys == ["b", "a", "c", "wait"])
    }

    @Test("gives a key that is added while it is worked on exactly once more, and not before it is done")
    mutating func addedWhileProcessing() {
        queue.add("a", at: .zero)
        let first = next()
        queue.add("a", at: .zero)
        queue.add("a", at: .zero)
        let meanwhile = next()
        queue.done("a", at: .zero)
        let second = next()
        queue.done("a", at: .zero)
        let last = next()
        #expect([first, meanwhile, second, last] == ["a", "wait", "a", "wait"])
    }

    @Test("does not give more keys than may be worked on at once")
    mutating func limit() {
        for key in ["a", "b", "c"] { queue.add(key, at: .zero) }
        queue.add("d", after: .seconds(1), at: .zero)
        let keys = [next(limit: 2), next(limit: 2), next(limit: 2)]
        queue.done("a", at: .zero)
        let freed = next(limit: 2)
        #expect(keys == ["a", "b", "wait"])
        #expect(freed == "c")
    }

    @Test("holds a delayed key back until it is due")
    mutating func delay() {
        queue.add("a", after: .seconds(5), at: .seconds(1))
        let early = next(at: .seconds(2))
        let due = next(at: .seconds(6))
        #expect([early, due] == ["wait 4.0 seconds", "a"])
    }

    @Test("takes the shortest of several delays, and gives the key once")
    mutating func shortestDelay() {
        queue.add("a", after: .seconds(5), at: .zero)
        queue.add("a", after: .seconds(2), at: .zero)
        queue.add("a", after: .seconds(9), at: .zero)
        let waits = next()
        let due = next(at: .seconds(2))
        queue.done("a", at: .seconds(2))
        let rest = next(at: .seconds(10))
        #expect([waits, due, rest] == ["wait 2.0 seconds", "a", "wait"])
    }

    @Test("lets a delayed key that falls due while it is worked on come after that")
    mutating func delayWhileProcessing() {
        queue.add("a", at: .zero)
        let first = next()
        queue.add("a", after: .seconds(1), at: .zero)
        let meanwhile = next(at: .seconds(1))
        queue.done("a", at: .seconds(1))
        let second = next(at: .seconds(1))
        #expect([first, meanwhile, second] == ["a", "wait", "a"])
    }

    @Test("retries later and later, per key, until the key succeeds")
    mutating func retries() {
        var waits: [String] = []
        for _ in 1...3 {
            queue.retry("a", at: .zero)
            waits.append(next())
            _ = next(at: .seconds(1))
            queue.done("a", at: .zero)
        }
        queue.forgetFailures(of: "a")
        queue.retry("a", at: .zero)
        waits.append(next())
        #expect(waits == ["wait 0.005 seconds", "wait 0.01 seconds", "wait 0.02 seconds", "wait 0.005 seconds"])
    }

    @Test("retries no sooner than the server asks")
    mutating func minimum() {
        queue.retry("a", minimum: .seconds(30), at: .zero)
        let wait = next()
        #expect(wait == "wait 30.0 seconds")
    }

    @Test("waits no longer than it is told to, unless the server asks for more")
    mutating func maximum() {
        var waits: [String] = []
        for _ in 1...4 {
            queue.retry("a", maximum: .milliseconds(15), at: .zero)
            waits.append(next())
            _ = next(at: .seconds(1))
            queue.done("a", at: .zero)
        }
        queue.retry("a", minimum: .seconds(30), maximum: .milliseconds(15), at: .zero)
        waits.append(next())
        let expected = ["0.005", "0.01", "0.015", "0.015", "30.0"].map { "wait \($0) seconds" }
        #expect(waits == expected)
    }

    @Test("ends when it is shut down, and takes nothing more")
    mutating func shutDown() {
        queue.add("a", at: .zero)
        queue.add("b", after: .seconds(1), at: .zero)
        queue.shutDown()
        queue.add("c", at: .zero)
        queue.add("d", after: .seconds(1), at: .zero)
        let ends = [next(), next(at: .seconds(9))]
        #expect(ends == ["end", "end"])
        #expect(queue.depth == 0)
    }

    @Test("says how long a key has waited")
    mutating func waiting() {
        queue.add("a", at: .seconds(1))
        queue.add("a", at: .seconds(2))
        guard case .process("a", let waited) = queue.next(limit: 1, at: .seconds(4)) else {
            Issue.record("expected a key")
            return
        }
        #expect(waited == .seconds(3))
    }
}
