internal import JSON
internal import KubernetesModel

/// Who leads, as far as one contender can tell. It decides; ``LeaderElector`` reads and writes the Lease.
///
/// The clocks of two machines are never compared: a lease has expired if this contender has seen it unchanged for as long
/// as it lasts.
struct LeaderElectionStateMachine {
    enum Action: Hashable {
        /// Somebody else leads.
        case wait

        case create(JSONValue)

        /// A merge patch, which the server refuses if the Lease has changed since it was seen.
        case update(JSONValue)
    }

    private let configuration: LeaderElectionConfiguration

    /// The Lease as it was last seen, or written.
    private var observed: Lease?
    private var observedAt = Duration.zero

    /// Whether the Lease has to be read before it can be decided what to do. A leader writes without reading.
    private(set) var needsLease = true

    /// When this contender last wrote itself into the Lease; `nil` if it does not lead.
    private var renewedAt: Duration?

    init(_ configuration: LeaderElectionConfiguration) {
        self.configuration = configuration
    }

    /// How much longer this contender may lead if it cannot renew. Zero if it does not lead.
    func timeLeft(at now: Duration) -> Duration {
        guard let renewedAt else { return .zero }
        return max(.zero, renewedAt + configuration.renewDeadline - now)
    }

    /// - Parameter lease: `nil` if there is none.
    mutating func saw(_ lease: Lease?, at now: Duration) {
        if lease != observed { observedAt = now }
        observed = lease
        needsLease = false
        if let lease, lease.holderIdentity != configuration.identity { renewedAt = nil }
    }

    /// What to do to lead, or to go on leading.
    ///
    /// - Parameter time: what is written into the Lease.
    func action(at now: Duration, time: Timestamp) -> Action {
        guard let observed else { return .create(["spec": specification(at: time)]) }
        guard waitingTime(at: now) == .zero else { return .wait }
        return .update(patch(observed, specification(at: time)))
    }

    /// How long another's Lease is good if it stays as it was last seen. Zero if this contender may write it.
    func waitingTime(at now: Duration) -> Duration {
        guard let observed, !observed.holderIdentity.isEmpty, observed.holderIdentity != configuration.identity else {
            return .zero
        }
        let duration = observed.leaseDurationSeconds.map { Duration.seconds($0) } ?? configuration.leaseDuration
        return max(.zero, observedAt + duration - now)
    }

    /// The Lease was written as ``action(at:time:)`` said.
    mutating func wrote(_ lease: Lease, at now: Duration) {
        observed = lease
        observedAt = now
        renewedAt = now
        needsLease = false
    }

    /// The Lease could not be written, or another one leads: it is read before the next attempt.
    mutating func becameUncertain() {
        needsLease = true
    }

    /// A patch that lets another one lead at once; `nil` if this contender does not lead.
    mutating func release(time: Timestamp) -> JSONValue? {
        defer { renewedAt = nil }
        guard let observed, observed.holderIdentity == configuration.identity, renewedAt != nil else { return nil }
        return patch(
            observed,
            [
                "holderIdentity": "",
                "leaseDurationSeconds": 1,
                "renewTime": .string(time.microsecondDescription),
            ])
    }

    private func specification(at time: Timestamp) -> JSONValue {
        let isRenewal = observed?.holderIdentity == configuration.identity
        let transitions = observed?.leaseTransitions ?? 0
        let now = JSONValue.string(time.microsecondDescription)
        var specification: JSONValue = [
            "holderIdentity": .string(configuration.identity),
            "leaseDurationSeconds": .number(JSONNumber(Int(configuration.leaseDuration.components.seconds))),
            "renewTime": now,
        ]
        if !isRenewal {
            specification["acquireTime"] = now
            specification["leaseTransitions"] = .number(JSONNumber(observed == nil ? 0 : transitions &+ 1))
        }
        return specification
    }

    private func patch(_ observed: Lease, _ specification: JSONValue) -> JSONValue {
        [
            "metadata": ["resourceVersion": .string(observed.metadata.resourceVersion)],
            "spec": specification,
        ]
    }
}
