public import KubernetesModel

/// Who contends for which lease, and how fast a new leader is found when one is lost.
public struct LeaderElectionConfiguration: Hashable, Sendable {
    /// The Lease; it is made if it is not there.
    public var lease: ObjectKey

    /// Tells the contenders apart: the pod's name, and something random.
    public var identity: String

    /// How long the others wait after they have last seen a renewal.
    public var leaseDuration = Duration.seconds(15)

    /// How long a leader that cannot renew goes on leading. Less than ``leaseDuration``, so that it has stopped when
    /// another begins.
    public var renewDeadline = Duration.seconds(10)

    /// How often a leader renews, and the others look.
    public var retryPeriod = Duration.seconds(2)

    public init(lease: ObjectKey, identity: String) {
        self.lease = lease
        self.identity = identity
    }
}
