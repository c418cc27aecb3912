internal import CoreMetrics
internal import KubernetesClient
public import KubernetesModel
internal import Metrics
internal import Synchronization

/// The keys of objects that somebody has to look at, each once.
///
/// Anything may add keys at any time, without waiting. One ``Controller`` takes them out.
public final class WorkQueue: Sendable {
    private let machine: Mutex<WorkQueueStateMachine<ObjectKey>>
    private let stopwatch: Stopwatch
    private let signal = Signal()
    private let metrics: WorkQueueMetrics

    init(metrics: WorkQueueMetrics, clock: any Clock<Duration>) {
        self.metrics = metrics
        stopwatch = Stopwatch(clock)
        machine = Mutex(WorkQueueStateMachine(backoff: Backoff(initial: .milliseconds(5), maximum: .seconds(300))))
    }

    public func add(_ key: ObjectKey) {
        metrics.adds.increment()
        update { $0.add(key, at: $1) }
    }

    /// Of several delays the shortest counts.
    public func add(_ key: ObjectKey, after delay: Duration) {
        metrics.adds.increment()
        update { $0.add(key, after: delay, at: $1) }
    }

    /// Waits for a key to work on. Only one task may take keys out.
    ///
    /// - Parameter limit: how many keys may be worked on at the same time.
    /// - Returns: `nil` when the queue is shut down or the task is cancelled.
    func next(limit: Int) async -> ObjectKey? {
        while !Task.isCancelled {
            let (next, depth) = machine.withLock { ($0.next(limit: limit, at: stopwatch.elapsed), $0.depth) }
            metrics.depth.record(depth)
            switch next {
            case .process(let key, let waited):
                metrics.waiting.record(duration: waited)
                return key
            case .wait(let duration):
                await signal.wait(atMost: duration, stopwatch)
            case .end:
                return nil
            }
        }
        return nil
    }

    /// The key was worked on, and is as it should be.
    func succeeded(_ key: ObjectKey, again delay: Duration?) {
        update { machine, now in
            machine.forgetFailures(of: key)
            machine.done(key, at: now)
            if let delay { machine.add(key, after: delay, at: now) }
        }
    }

    /// The key was worked on in vain, and comes again.
    ///
    /// - Parameter maximum: wait no more than that, however often it was in vain; unless `retryAfter` is more.
    func failed(_ key: ObjectKey, retryAfter: Duration?, maximum: Duration? = nil) {
        metrics.retries.increment()
        update { machine, now in
            machine.done(key, at: now)
            machine.retry(key, minimum: retryAfter ?? .zero, maximum: maximum, at: now)
        }
    }

    func shutDown() {
        update { machine, _ in machine.shutDown() }
    }

    private func update(_ change: (inout WorkQueueStateMachine<ObjectKey>, Duration) -> Void) {
        let depth = machine.withLock { machine in
            change(&machine, stopwatch.elapsed)
            return machine.depth
        }
        metrics.depth.record(depth)
        signal.send()
    }
}
