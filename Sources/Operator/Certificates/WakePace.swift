/// How soon to do again what every change calls for: at once as a rule, and slower while changes do not stop, since then
/// somebody fights.
struct WakePace {
    /// A few changes may come together.
    private static let least = Duration.milliseconds(20)
    private static let most = Duration.seconds(5)

    /// After so long a rest it is as if nothing had been.
    private static let rest = Duration.seconds(20)
    private static let patience = 20

    private var wakes = 0

    /// - Parameter rest: how long nothing has changed.
    mutating func delay(afterRest rest: Duration) -> Duration {
        wakes = rest >= Self.rest ? 0 : min(wakes + 1, Self.patience + 10)
        return wakes <= Self.patience ? Self.least : min(Self.most, Self.least * (1 << (wakes - Self.patience)))
    }
}
