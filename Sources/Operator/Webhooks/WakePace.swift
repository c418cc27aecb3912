/// How soon to do again what every change calls for: at once as a rule, and slower while changes do not stop, since then
/// somebody fights.
struct WakePace {
    /// A few changes may come together.
    private static let least = Duration.milliseconds(20)
    private static let most = Duration.seconds(5)

    /// So many changes in a row are answered at once, and then as many as there are of these rests. One disturbance is some
    /// changes: what was done, and what this replica and the others do about it.
    private static let patience = 20
    private static let rest = Duration.milliseconds(500)

    /// A rest for each change, less the rests that there were since. What exceeds the patience at most makes the longest delay.
    private var debt = Duration.zero
    private static let mostDebt = rest * (patience + 8)

    /// - Parameter rest: how long nothing had changed.
    mutating func delay(afterRest rest: Duration) -> Duration {
        debt = min(max(debt - rest, .zero) + Self.rest, Self.mostDebt)
        let excess = Int(debt / Self.rest) - Self.patience
        return excess <= 0 ? Self.least : min(Self.most, Self.least * (1 << excess))
    }
}
