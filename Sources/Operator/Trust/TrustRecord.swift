internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// How one exchange of a ServiceAccount ended last, and when it was good last.
struct TrustRecord: Hashable {
    /// So many denials in a row are told as one. What was set up a moment ago is not known everywhere at the provider yet, for up
    /// to five minutes; with the waits between them these are seven.
    static let denialsToTell = 4

    /// After a failure that says nothing of the trust, such as a network's.
    private static let patience = Duration.seconds(600)
    private static let shortestWait = Duration.seconds(60)

    var provider: ProviderName
    /// `nil` if there is no usable one.
    var mechanism: Mechanism?
    /// Whom the provider takes the ServiceAccount for.
    var identity: String?
    var verdict: Verdict
    /// How many times in a row the provider denied it. A failure on the way to the provider is not counted.
    var denials = 0
    var lastProof: Timestamp?

    /// - Parameter previous: what was known before of the same exchange.
    init(_ result: TrialResult, after previous: TrustRecord?, at now: Timestamp) {
        provider = result.provider
        mechanism = result.mechanism
        identity = result.identity
        verdict = result.verdict
        lastProof = previous?.lastProof
        switch verdict.outcome {
        case .verified: lastProof = now
        case .unknown: break
        case .failed: denials = min((previous?.denials ?? 0) + (isDenied ? 1 : 0), Self.denialsToTell + 10)
        }
    }

    func isSame(as other: TrustRecord) -> Bool {
        provider == other.provider && mechanism == other.mechanism && identity == other.identity
    }

    /// Whether the provider denied it. A token that it takes once was taken: how often a pod presents its own is not known here.
    private var isDenied: Bool { verdict.isDenial && verdict.reason != "SingleUseToken" }

    var status: Condition.Status {
        switch verdict.outcome {
        case .verified: .true
        case .failed where isDenied && denials >= Self.denialsToTell: .false
        case .failed, .unknown: .unknown
        }
    }

    /// How long after this trial the next one is due.
    func wait(interval: Duration) -> Duration {
        switch verdict.outcome {
        case .failed where isDenied: min(interval, Self.shortestWait * (1 << max(denials - 1, 0)))
        case .failed: min(interval, Self.patience)
        // Of a provider that takes tokens which name a pod. There may be one soon.
        case .unknown where verdict.reason == "NoPod": min(interval, Self.patience)
        case .verified, .unknown: interval
        }
    }

    /// The cause, and the command that fixes it.
    var message: String {
        var text = "\(provider): \(verdict.message)"
        if let fix = verdict.fix { text += "; next: \(fix)" }
        if isDenied, status == .unknown { text += "; it is tried again before that counts" }
        return text
    }
}

// MARK: - In a status

extension TrustRecord {
    /// `nil` if another release wrote it, and meant what this one does not know.
    init?(_ json: JSONValue) {
        guard let provider = json["provider"]?.string,
            let outcome = json["outcome"]?.string.flatMap(Verdict.Outcome.init(rawValue:)),
            let reason = json["reason"]?.string
        else { return nil }
        self.provider = ProviderName(rawValue: provider)
        mechanism = json["mechanism"]?.string.flatMap(Mechanism.init(rawValue:))
        identity = json["identity"]?.string
        verdict = Verdict(
            outcome: outcome, reason: reason, message: json["message"]?.string ?? "", fix: json["fix"]?.string)
        denials = min(max(json["denials"]?.integer ?? 0, 0), Self.denialsToTell + 10)
        lastProof = json["lastProofTime"]?.string.flatMap { Timestamp($0) }
    }

    var json: JSONValue {
        var json: JSONValue = [
            "provider": .string(provider.rawValue), "status": .string(status.rawValue),
            "outcome": .string(verdict.outcome.rawValue), "reason": .string(verdict.reason),
            "message": .string(verdict.message),
        ]
        json["mechanism"] = mechanism.map { .string($0.rawValue) }
        json["identity"] = identity.map { .string($0) }
        json["fix"] = verdict.fix.map { .string($0) }
        if denials > 0 { json["denials"] = .number(JSONNumber(denials)) }
        json["lastProofTime"] = lastProof.map { .string($0.description) }
        return json
    }
}
