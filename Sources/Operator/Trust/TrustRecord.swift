internal import JSON
internal import KubernetesModel
internal import WorkloadIdentity

/// How one exchange of a ServiceAccount ended last, and when it was good last.
struct TrustRecord: Hashable {
    /// So many denials in a row are told as one, if the first is so long ago. What was set up a moment ago is not known everywhere
    /// at the provider yet, for up to five minutes.
    static let denialsToTell = 4
    static let timeToTell = Duration.seconds(300)

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
    /// When the first of these was.
    var firstDenial: Timestamp?
    var lastProof: Timestamp?
    /// The pod in which that was seen; `nil` if the operator tried it.
    private(set) var pod: String?
    /// When it was tried.
    private(set) var time: Timestamp

    /// - Parameters:
    ///   - previous: what was known before of the same exchange.
    ///   - pod: the one in which it was tried.
    init(_ result: TrialResult, after previous: TrustRecord?, seenIn pod: String? = nil, at now: Timestamp) {
        provider = result.provider
        mechanism = result.mechanism
        identity = result.identity
        verdict = result.verdict
        lastProof = previous?.lastProof
        time = now
        switch verdict.outcome {
        case .verified: lastProof = now
        case .unknown: break
        case .failed:
            denials = min((previous?.denials ?? 0) + (isDenied ? 1 : 0), Self.denialsToTell + 10)
            firstDenial = previous?.firstDenial ?? (isDenied ? now : nil)
        }
        // A pod's denial holds until a pod, or the operator, is not denied.
        self.pod = pod ?? (isDenied && previous?.isDenied == true ? previous?.pod : nil)
    }

    /// The same as if it had been tried again, with nothing learned by that.
    func triedAgain(at now: Timestamp) -> TrustRecord {
        var record = self
        record.time = now
        return record
    }

    /// Whether this says more of the trust than what was known of the same exchange: the latest word of a provider counts. Where
    /// none spoke, a pod's way to it is the one that matters, and what can be tried in a pod alone is no news. A pod is read
    /// late, and by each leader anew.
    func outweighs(_ known: TrustRecord) -> Bool {
        // With a new release each pod of the one before is as another would be added now.
        if verdict.reason == Verdict.containerChanged { return false }
        if pod != nil, time <= known.time, known.pod != nil || known.isWordOfProvider { return false }
        if (pod == nil) == (known.pod == nil) || isWordOfProvider { return true }
        return pod != nil && (verdict.outcome == .failed || !known.isWordOfProvider)
    }

    private var isWordOfProvider: Bool { verdict.outcome == .verified || verdict.isDenial }

    func isSame(as other: TrustRecord) -> Bool {
        provider == other.provider && mechanism == other.mechanism && identity == other.identity
    }

    /// Whether the provider denied it. A token that it takes once was taken: how often a pod presents its own is not known here.
    private var isDenied: Bool { verdict.isDenial && verdict.reason != "SingleUseToken" }

    private var isDeniedForLong: Bool {
        guard denials >= Self.denialsToTell, let firstDenial else { return false }
        return firstDenial.elapsed(until: time) >= Self.timeToTell
    }

    var status: Condition.Status {
        switch verdict.outcome {
        case .verified: .true
        // The application was denied at the same time, and with such a token.
        case .failed where isDenied && (pod != nil || isDeniedForLong): .false
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
        var text = "\(provider): \(pod.map { "in pod \($0): " } ?? "")\(verdict.message)"
        if let fix = verdict.fix { text += "; next: \(fix)" }
        if isDenied, status == .unknown { text += "; it is tried again before that counts" }
        return text
    }
}

// MARK: - In a status

extension TrustRecord {
    /// - Parameter time: when it was tried.
    /// - Returns: `nil` if another release wrote it, and meant what this one does not know.
    init?(_ json: JSONValue, at time: Timestamp) {
        guard let provider = json["provider"]?.string,
            let outcome = json["outcome"]?.string.flatMap(Verdict.Outcome.init(rawValue:)),
            let reason = json["reason"]?.string
        else { return nil }
        self.provider = ProviderName(rawValue: provider)
        mechanism = json["mechanism"]?.string.flatMap(Mechanism.init(rawValue:))
        identity = json["identity"]?.string
        verdict = Verdict(
            outcome: outcome, reason: reason, message: json["message"]?.string ?? "", fix: json["fix"]?.string,
            isDenial: json["denied"]?.bool ?? false)
        denials = min(max(json["denials"]?.integer ?? 0, 0), Self.denialsToTell + 10)
        // Nothing is known of what comes after the trial: another clock wrote that, or somebody else.
        func past(_ name: String) -> Timestamp? {
            json[name]?.string.flatMap { Timestamp($0) }.flatMap { $0 <= time ? $0 : nil }
        }
        firstDenial = denials > 0 ? past("firstDenialTime") ?? time : nil
        lastProof = past("lastProofTime")
        pod = json["pod"]?.string
        self.time = time
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
        json["pod"] = pod.map { .string($0) }
        if verdict.isDenial { json["denied"] = true }
        if denials > 0 { json["denials"] = .number(JSONNumber(denials)) }
        json["firstDenialTime"] = firstDenial.map { .string($0.description) }
        json["lastProofTime"] = lastProof.map { .string($0.description) }
        return json
    }
}

extension Timestamp {
    /// How long after this time another one is; nothing if it is not after: clocks of two machines differ, and are set back.
    func elapsed(until later: Timestamp) -> Duration { self <= later ? distance(to: later) : .zero }
}
