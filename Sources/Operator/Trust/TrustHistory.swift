internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// What came of trying the trust of one ServiceAccount, as it stands in its WorkloadIdentity's status, so that another leader
/// goes on from there.
struct TrustHistory: Hashable {
    private let subject: Subject
    /// The hash of the plan that was tried.
    private(set) var plan: String
    private(set) var lastTrial: Timestamp
    private(set) var records: [TrustRecord]
    /// Whether it was read from a status. By what another process could not verify, nobody need wait: its configuration or its
    /// rights may have been what was wrong.
    private var isInherited = false

    /// Nobody has more roles and providers than that.
    private static let mostRecords = 100

    /// - Parameter previous: of the same plan.
    init(_ results: [TrialResult], of plan: Plan, after previous: TrustHistory?, at now: Timestamp) {
        subject = plan.subject
        self.plan = plan.hash ?? ""
        lastTrial = now
        let known = previous?.records ?? []
        records = results.prefix(Self.mostRecords).map { result in
            let new = TrustRecord(result, after: nil, at: now)
            return TrustRecord(result, after: known.first { $0.isSame(as: new) }, at: now)
        }
    }

    func isOf(_ plan: Plan) -> Bool { self.plan == plan.hash ?? "" }

    /// How long it is until the next trial is due.
    func wait(interval: Duration, at now: Timestamp) -> Duration {
        if isInherited, condition?.status != .true { return .zero }
        let wait = records.map { $0.wait(interval: interval) }.min() ?? interval
        return max(.zero, wait * jitter - lastTrial.distance(to: now))
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
    /// `nil` if none was written, or another release wrote it, and meant what this one does not know.
    init?(_ identity: WorkloadIdentityObject) {
        guard let json = identity.status["verification"],
            let time = json["lastTrialTime"]?.string.flatMap({ Timestamp($0) })
        else { return nil }
        subject = Subject(identity.key)
        plan = json["plan"]?.string ?? ""
        lastTrial = time
        records = (json["results"]?.array ?? []).prefix(Self.mostRecords).compactMap { TrustRecord($0) }
        isInherited = true
    }

    var json: JSONValue {
        [
            "plan": .string(plan), "lastTrialTime": .string(lastTrial.description),
            "results": .array(records.map(\.json)),
        ]
    }
}
