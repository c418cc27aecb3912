package import KubernetesClient
internal import Synchronization

/// Wakes up one task that waits for something to do. Signals that nobody has waited for yet count as one.
///
/// Not a stream: one whose reader was cancelled has ended, and would wake up every later reader at once, for ever.
package final class Signal: Sendable {
    private struct State {
        var isSent = false
        var waiter: CheckedContinuation<Void, Never>?

        /// Whoever waits is to be woken up; if nobody does, the next one will not have to wait.
        mutating func send() -> CheckedContinuation<Void, Never>? {
            isSent = waiter == nil
            return takeWaiter()
        }

        mutating func takeWaiter() -> CheckedContinuation<Void, Never>? {
            defer { waiter = nil }
            return waiter
        }
    }

    private let state = Mutex(State())

    package init() {}

    package func send() {
        state.withLock { $0.send() }?.resume()
    }

    /// Only one task may wait at a time. It is woken up also when it is cancelled.
    ///
    /// - Parameter duration: wake up after that, if there was no signal; `nil`: never.
    package func wait(atMost duration: Duration? = nil, _ stopwatch: Stopwatch) async {
        guard let duration else {
            await wait()
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await stopwatch.sleep(for: duration)) != nil else { return }
                self.send()
            }
            await wait()
            group.cancelAll()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let woken: [CheckedContinuation<Void, Never>] = state.withLock { state in
                    // Cancellation marks the task before it calls the handler below, so it is noticed here or there.
                    if state.isSent || Task.isCancelled {
                        state.isSent = false
                        return [continuation]
                    }
                    // A second one is against the rules, and better woken up for nothing than never.
                    defer { state.waiter = continuation }
                    return state.takeWaiter().map { [$0] } ?? []
                }
                for continuation in woken { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.takeWaiter() }?.resume()
        }
    }
}
