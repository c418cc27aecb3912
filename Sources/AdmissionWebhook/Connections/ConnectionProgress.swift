import NIOCore

/// How far one connection has come, and by when it has to come further. It decides; ``ConnectionSteps`` keeps the time.
///
/// ```
/// handshaking ──▸ waiting ──first byte──▸ head ──▸ body ──end──▸ answering ──▸ waiting
/// ```
/// Each step has a time of its own, from its own beginning: an idle timeout alone lets a sender hold its place for ever by
/// sending a byte now and then.
struct ConnectionProgress {
    enum Step: Hashable {
        case handshaking
        /// Nothing of a request has arrived yet.
        case waiting
        case head
        case body(byteCount: Int)
        /// A whole request has arrived, and has no answer yet.
        case answering
    }

    /// What took too long.
    enum Delay: String, CaseIterable, Sendable {
        case handshake
        case head
        case body
        /// The next request of one who has had a review answered.
        case idle
    }

    private(set) var step = Step.handshaking
    private var since: NIODeadline
    /// Whether a review has been answered. Who has shown that much may be idle.
    private(set) var isProven = false
    private let limits: ConnectionLimits

    init(openedAt now: NIODeadline, limits: ConnectionLimits) {
        since = now
        self.limits = limits
    }

    /// When the step has taken too long; `nil` if it may take for ever.
    var deadline: NIODeadline? {
        switch step {
        case .handshaking: since + TimeAmount(limits.handshakeTimeout)
        case .waiting where isProven: since + TimeAmount(limits.idleTimeout)
        case .waiting, .head: since + TimeAmount(limits.headTimeout)
        case .body(let byteCount):
            min(
                since + TimeAmount(limits.bodyTimeout),
                since + .seconds(1) + .milliseconds(Int64(byteCount) * 1000 / Int64(max(limits.leastBytesPerSecond, 1)))
            )
        case .answering: nil
        }
    }

    /// What has taken too long, if anything has.
    func delay(at now: NIODeadline) -> Delay? {
        guard let deadline, deadline <= now else { return nil }
        return switch step {
        case .handshaking: .handshake
        case .waiting where isProven: .idle
        case .waiting, .head: .head
        case .body: .body
        case .answering: nil
        }
    }

    // MARK: Transitions

    mutating func shookHands(at now: NIODeadline) {
        guard step == .handshaking else { return }
        begin(.waiting, at: now)
    }

    /// Some bytes have arrived, of whatever.
    mutating func received(at now: NIODeadline) {
        if step == .waiting { begin(.head, at: now) }
    }

    mutating func receivedHead(at now: NIODeadline) {
        begin(.body(byteCount: 0), at: now)
    }

    mutating func receivedBody(_ byteCount: Int) {
        if case .body(let earlier) = step { step = .body(byteCount: earlier + byteCount) }
    }

    /// - Parameter isAnswered: whether the answer has left before, since the head was enough for it.
    mutating func receivedEnd(isAnswered: Bool = false, at now: NIODeadline) {
        begin(isAnswered ? .waiting : .answering, at: now)
    }

    /// - Parameter isReview: whether it was a whole review that was answered.
    mutating func answered(isReview: Bool, at now: NIODeadline) {
        isProven = isProven || isReview
        if step == .answering { begin(.waiting, at: now) }
    }

    private mutating func begin(_ step: Step, at now: NIODeadline) {
        self.step = step
        since = now
    }
}
