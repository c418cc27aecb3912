internal import ServiceLifecycle

/// Says once that the stores are complete.
struct ReadinessWhenSynced: Service {
    let stores: [@Sendable () async throws -> Void]
    let onSynced: @Sendable () -> Void

    func run() async throws {
        do {
            try await cancelWhenGracefulShutdown {
                for wait in stores { try await wait() }
                onSynced()
            }
            try await gracefulShutdown()
        } catch is CancellationError {
            // Shut down before the stores were complete.
        }
    }
}
