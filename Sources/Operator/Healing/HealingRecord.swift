internal import JSON
internal import KubernetesModel

/// Why a pod is replaced. The raw values are those of ``PodState/Trouble``.
enum HealingCause: String, Hashable {
    case notInjected = "NotInjected"
    case stale = "Stale"
}

/// The last that was done for a workload, as it stands in its WorkloadIdentity's status, so that another leader goes on from
/// there and repeats nothing.
struct HealingRecord: Hashable {
    enum Phase: String, Hashable {
        /// Written before the eviction is asked for: the pod goes, or is about to.
        case evicting = "Evicting"
        /// The replacement is ready and carries the plan.
        case replaced = "Replaced"
        /// The API server refused the eviction, mostly for a disruption budget.
        case refused = "Refused"
        /// What came in its place is no better.
        case notHealed = "NotHealed"
    }

    var kind: String
    var workload: String
    var pod: String
    var podUID: String
    var cause: HealingCause
    /// When it came to this phase.
    var time: Timestamp
    var phase: Phase
    /// How many pods of the workload were to be replaced by then, this one included.
    var remaining: Int
    /// How many times in a row it did not help.
    var failures = 0
    var message = ""
}

extension HealingRecord {
    /// `nil` if another release wrote it, and meant what this one does not know.
    init?(_ json: JSONValue) {
        guard let kind = json["kind"]?.string, let workload = json["name"]?.string, let pod = json["pod"]?.string,
            let uid = json["podUID"]?.string, let cause = json["cause"]?.string.flatMap(HealingCause.init(rawValue:)),
            let time = json["time"]?.string.flatMap({ Timestamp($0) }),
            let phase = json["phase"]?.string.flatMap(Phase.init(rawValue:))
        else { return nil }
        self.init(
            kind: kind, workload: workload, pod: pod, podUID: uid, cause: cause, time: time, phase: phase,
            remaining: json["remaining"]?.integer ?? 0, failures: max(json["failures"]?.integer ?? 0, 0),
            message: json["message"]?.string ?? "")
    }

    var json: JSONValue {
        var json: JSONValue = [
            "kind": .string(kind), "name": .string(workload), "pod": .string(pod), "podUID": .string(podUID),
            "cause": .string(cause.rawValue), "time": .string(time.description), "phase": .string(phase.rawValue),
            "remaining": .number(JSONNumber(remaining)),
        ]
        if failures > 0 { json["failures"] = .number(JSONNumber(failures)) }
        if !message.isEmpty { json["message"] = .string(message) }
        return json
    }

    func entered(_ phase: Phase, at now: Timestamp, failures: Int, message: String = "") -> HealingRecord {
        var record = self
        (record.phase, record.time, record.failures, record.message) = (phase, now, failures, message)
        return record
    }
}

extension WorkloadIdentityObject {
    var healing: [HealingRecord] { (status["healing"]?.array ?? []).compactMap { HealingRecord($0) } }

    func healing(of workload: Workload) -> HealingRecord? {
        healing.first { $0.kind == workload.kind.rawValue && $0.workload == workload.metadata.name }
    }
}

extension Timestamp {
    /// Between two times, in whichever order: the clocks of two machines may differ.
    func distance(to other: Timestamp) -> Duration {
        .seconds(Int64(clamping: seconds.subtractingReportingOverflow(other.seconds).partialValue.magnitude))
    }
}
