internal import ServiceLifecycle

/// Holds up the shutdown of the services started before it, which go on serving meanwhile.
struct DrainDelay: Service {
    private let duration: Duration
    private let onShutdown: @Sendable () -> Void

    init(for duration: Duration, onShutdown: @escaping @Sendable () -> Void) {
        self.duration = duration
        self.onShutdown = onShutdown
    }

    func run() async throws {
        try? await gracefulShutdown()
        onShutdown()
        try? await Task.sleep(for: duration)
    }
}
