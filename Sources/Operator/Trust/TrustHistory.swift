internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// What came of trying the trust of one ServiceAccount, as it stands in its WorkloadIdentity's status, so that another leader
/// goes on from there.
struct TrustHistory: Hashable {
    let subject: Subject
    /// Of the ``TrialScope``.
    let fingerprint: String
    private(set) var lastTrial: Timestamp
    private(set) var records: [TrustRecord]
    /// Whether it was read from a status. By what another process could not verify, nobody need wait: its configuration or its
    /// rights may have been what was wrong.
    private var isInherited = false

    /// Nobody has more roles and providers than that.
    private static let mostRecords = 100

    /// By how much the clock of another leader may be ahead.
    static let clockSkew = Duration.seconds(30)

    /// - Parameters:
    ///   - previous: of the same scope.
    ///   - pod: the one in which it was tried; `nil`: the operator did.
    init(
        _ results: [TrialResult], of scope: TrialScope, after previous: TrustHistory?, seenIn pod: String? = nil,
        at time: Timestamp
    ) {
        subject = scope.subject
        fingerprint = scope.fingerprint
        // A pod may be read late.
        lastTrial = pod == nil ? time : max(previous?.lastTrial ?? time, time)
        let known = previous?.records ?? []
        records = results.prefix(Self.mostRecords).map { result in
            let new = TrustRecord(result, after: nil, seenIn: pod, at: time)
            guard let known = known.first(where: { $0.isSame(as: new) }) else { return new }
            guard new.outweighs(known) else { return pod == nil ? known.triedAgain(at: time) : known }
            return TrustRecord(result, after: known, seenIn: pod, at: time)
        }
        isInherited = pod != nil && previous?.isInherited == true
    }

    /// Whether some of it was.
    var isSeenInPods: Bool { records.contains { $0.pod != nil } }

    func isOf(_ scope: TrialScope) -> Bool { subject == scope.subject && fingerprint == scope.fingerprint }

    /// How long it is until the next trial is due.
    func wait(interval: Duration, at now: Timestamp) -> Duration {
        if isInherited, condition?.status != .true { return .zero }
        // A clock that was set back must not keep it from being tried.
        guard now.elapsed(until: lastTrial) <= Self.clockSkew else { return .zero }
        let waits = records.map { $0.wait(interval: interval) * jitter - $0.time.elapsed(until: now) }
        return max(.zero, waits.min() ?? interval * jitter - lastTrial.elapsed(until: now))
    }

    /// By a tenth more or less, so that ServiceAccounts that were tried together drift apart; the same until the next trial.
    private var jitter: Double {
        var hasher = Hasher()
        hasher.combine(subject)
        hasher.combine(lastTrial)
        return 0.9 + 0.2 * Double(UInt(bitPattern: hasher.finalize()) % 1001) / 1000
    }

    /// `Verified`, which says of the worst exchange what `lanyard verify` would; `nil` if there is none.
    var condition: Condition? {
        guard !records.isEmpty else { return nil }
        for status in [Condition.Status.false, .unknown] {
            let concerned = records.filter { $0.status == status }
            guard let first = concerned.first else { continue }
            return Condition(
                type: ConditionType.verified, status: status, reason: first.verdict.reason,
                message: concerned.map(\.message).joined(separator: "; "))
        }
        let proven = records.map { "\($0.provider)\($0.mechanism.map { " by \($0)" } ?? "")" }
        return Condition(
            type: ConditionType.verified, status: .true, reason: StatusReason.verified,
            message: "A token was exchanged for a credential: \(proven.joined(separator: ", "))")
    }
}

// MARK: - In a status

extension TrustHistory {
    /// `nil` if none was written, if another release wrote it, and meant what this one does not know, or if it is of a time to
    /// come. Part of it would be no less wrong than none: what is missing might be what was denied.
    init?(_ identity: WorkloadIdentityObject, at now: Timestamp) {
        guard let json = identity.status["verification"], let fingerprint = json["plan"]?.string,
            let time = json["lastTrialTime"]?.string.flatMap({ Timestamp($0) }),
            now.elapsed(until: time) <= Self.clockSkew,
            let results = json["results"]?.array, results.count <= Self.mostRecords
        else { return nil }
        subject = Subject(identity.key)
        self.fingerprint = fingerprint
        lastTrial = time
        records = results.compactMap { TrustRecord($0, at: time) }
        isInherited = true
        guard records.count == results.count else { return nil }
    }

    var json: JSONValue {
        [
            "plan": .string(fingerprint), "lastTrialTime": .string(lastTrial.description),
            "results": .array(records.map(\.json)),
        ]
    }
}
