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

    /// Failures of whoever tried it, on its network and with its rights, which a pod need not have; and of no trial at all.
    private static let otherFailures: Set = [
        "TimedOut", "Unreachable", "TLSFailed", "ProxyDenied", "UnexpectedAnswer", "Throttled", "NotPermitted",
        "ClusterFailed", "NoUsableMechanism",
    ]

    public init(outcome: Outcome, reason: String, message: String, fix: String? = nil) {
        self.outcome = outcome
        self.reason = reason
        self.message = message
        self.fix = fix
    }

    /// Whether a pod is denied for the same cause.
    public var isDenial: Bool { outcome == .failed && !Self.otherFailures.contains(reason) }

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
}
