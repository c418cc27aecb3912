/// What came of trying a trust.
public struct Verdict: Hashable, Sendable {
    public enum Outcome: String, CaseIterable, Hashable, Sendable {
        /// The provider gave a credential for the token.
        case verified = "Verified"
        case failed = "Failed"
        /// It cannot be tried from outside the pod.
        case unknown = "Unknown"
    }

    public var outcome: Outcome
    /// A stable word in CamelCase.
    public var reason: String
    public var message: String
    /// The command that fixes it, or shows what there is to fix.
    public var fix: String?
    /// Whether the provider itself denied it, so that a pod is denied for the same cause. All other failures are of whoever
    /// tried it, on its network and with its rights, which a pod need not have; or of no trial at all.
    public var isDenial: Bool

    public init(outcome: Outcome, reason: String, message: String, fix: String? = nil, isDenial: Bool = false) {
        self.outcome = outcome
        self.reason = reason
        self.message = message
        self.fix = fix
        self.isDenial = isDenial
    }

    static func verified(_ message: String) -> Verdict {
        Verdict(outcome: .verified, reason: "Verified", message: message)
    }

    public static func unknown(_ reason: String, _ message: String) -> Verdict {
        Verdict(outcome: .unknown, reason: reason, message: message)
    }

    /// A failure that no provider has spoken of.
    public static func failed(_ reason: String, _ message: String, fix: String? = nil) -> Verdict {
        Verdict(outcome: .failed, reason: reason, message: message, fix: fix)
    }

    /// What the provider said against the token.
    public static func denied(_ reason: String, _ message: String, fix: String? = nil) -> Verdict {
        Verdict(outcome: .failed, reason: reason, message: message, fix: fix, isDenial: true)
    }
}
