internal import KubernetesClient
internal import Synchronization

/// Whether this replica leads, for all who need to know. ``LeaderElector`` contends for it.
///
/// It ends by itself when the Lease has not been renewed in time, by a clock that runs on while the process is stopped
/// (`ContinuousClock` reads `CLOCK_BOOTTIME` on Linux). So a process that goes on after a pause knows at once that it leads no
/// more:
/// ```swift
/// let writer = client.writing(onlyWhile: { leadership.isHeld })
/// ```
public final class Leadership: Sendable {
    let configuration: LeaderElectionConfiguration
    let stopwatch: Stopwatch
    let machine: Mutex<LeaderElectionStateMachine>

    public init(_ configuration: LeaderElectionConfiguration, clock: any Clock<Duration> = .continuous) {
        self.configuration = configuration
        stopwatch = Stopwatch(clock)
        machine = Mutex(LeaderElectionStateMachine(configuration))
    }

    public var isHeld: Bool { timeLeft > .zero }

    /// How much longer this replica leads if it cannot renew the Lease.
    var timeLeft: Duration {
        machine.withLock { $0.timeLeft(at: stopwatch.elapsed) }
    }
}
