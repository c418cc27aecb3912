public import KubernetesModel

/// Who contends for which lease, and how fast a new leader is found when one is lost.
public struct LeaderElectionConfiguration: Hashable, Sendable {
    /// The Lease; it is made if it is not there.
    public var lease: ObjectKey

    /// Tells the contenders apart: the pod's name, and something random.
    public var identity: String

    /// How long the others wait after they have last seen a renewal. Whole seconds: the Lease says no more.
    public var leaseDuration = Duration.seconds(8)

    /// How long a leader that cannot renew goes on leading. Less than ``leaseDuration``, so that it has stopped when
    /// another begins, and with some time left for what is on its way to the server.
    public var renewDeadline = Duration.seconds(5)

    /// How often a leader renews, and the others look.
    public var retryPeriod = Duration.seconds(1)

    public init(lease: ObjectKey, identity: String) {
        self.lease = lease
        self.identity = identity
    }
}
