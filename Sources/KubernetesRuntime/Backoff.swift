/// Waits that grow with each failure: `initial`, twice that, four times, … up to `maximum`.
struct Backoff: Hashable, Sendable {
    let initial: Duration
    let maximum: Duration

    /// By how much of itself a wait is lengthened at most, so that many who failed at once do not all come back at once.
    let jitter: Double
    private(set) var failures = 0

    init(initial: Duration, maximum: Duration, jitter: Double = 0) {
        self.initial = initial
        self.maximum = maximum
        self.jitter = jitter
    }

    /// The wait after one more failure.
    ///
    /// - Parameter chance: from 0 to 1; decides how much of ``jitter`` is added.
    mutating func next(chance: Double = 0) -> Duration {
        // 2 to the power of 40 is more than any maximum; without the bound the product would overflow one day.
        let doubled = initial * (1 << min(failures, 40))
        failures += 1
        return min(doubled, maximum) * (1 + jitter * chance)
    }

    mutating func reset() {
        failures = 0
    }
}
