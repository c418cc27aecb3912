/// When the review that is being answered has to be, for all that is done for it: what it waits for is bounded by what is
/// left.
public enum ReviewDeadline {
    /// `nil` where nothing is done for a review.
    @TaskLocal public static var current: ContinuousClock.Instant?
}

extension AdmissionServer.Configuration {
    /// How long the handler of a review has: four fifths of what the API server waits, so that it still learns the reason.
    ///
    /// - Parameter query: the API server adds `timeout=5s` to each call, by the registration's `timeoutSeconds`, which are 30
    ///   at most. What says nothing of the kind leaves ``reviewDeadline``.
    func reviewDeadline(for query: Substring?) -> Duration {
        let parameters = query?.split(separator: "&") ?? []
        let timeout = parameters.first { $0.hasPrefix("timeout=") }?.dropFirst("timeout=".count)
        guard let timeout, timeout.last == "s", let seconds = Int(timeout.dropLast()), seconds > 0 else {
            return reviewDeadline
        }
        return .milliseconds(800 * min(seconds, 30))
    }
}
