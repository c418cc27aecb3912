public import FoundationEssentials

/// How long certificates are valid, and how early the next ones are made. Seconds, as `Date` counts.
public struct CertificateLifetimes: Sendable, Hashable {
    /// How long a CA is valid: ten years. It is trusted by one webhook configuration, which is changed with it.
    public var authority: TimeInterval = 3650 * .day

    /// How long a serving certificate is valid: 90 days, renewed after 60. It costs nothing to renew one, so it is done often
    /// enough that it is known to work; and a month is left to notice when it does not.
    public var leaf: TimeInterval = 90 * .day

    /// How long a new CA must have been announced (been in every `caBundle`) before a certificate is signed with it: a day,
    /// for a change that takes seconds while the API server answers.
    public var announcement: TimeInterval = .day

    /// How far validity begins in the past, for clocks that are behind: an hour.
    public var backdating: TimeInterval = .hour

    public init() {}

    /// When a certificate of this validity is to be replaced: when a third of its life is left.
    func renewal(after begin: Date, before end: Date) -> Date {
        end.addingTimeInterval(-end.timeIntervalSince(begin) / 3)
    }
}

extension TimeInterval {
    static let hour: TimeInterval = 3600
    static let day: TimeInterval = 24 * hour
}
