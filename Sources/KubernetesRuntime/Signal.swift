internal import KubernetesClient

/// Wakes up one task that waits for something to do. Signals that nobody has waited for yet count as one.
struct Signal: Sendable {
    private let stream: AsyncStream<Void>
    private let continuation: AsyncStream<Void>.Continuation

    init() {
        (stream, continuation) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(1))
    }

    func send() {
        continuation.yield()
    }

    /// Only one task may wait at a time, and none can after it was cancelled: it is then woken at once.
    ///
    /// - Parameter duration: wake up after that, if there was no signal; `nil`: never.
    func wait(atMost duration: Duration? = nil, _ stopwatch: Stopwatch) async {
        var signals = stream.makeAsyncIterator()
        guard let duration else {
            _ = await signals.next(isolation: #isolation)
            return
        }
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                guard (try? await stopwatch.sleep(for: duration)) != nil else { return }
                send()
            }
            _ = await signals.next(isolation: #isolation)
            group.cancelAll()
        }
    }
}
