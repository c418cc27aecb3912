import Synchronization

/// A review that cannot be answered at once: what it depends on has to be asked for, or reading it takes long.
///
/// It has a place at the gate for as long as somebody holds it. Its connection may end before anybody answers it.
final class PendingReview: Sendable {
    let webhook: Webhook
    let body: [UInt8]
    /// `nil` if reading takes long, too.
    let content: (any ReviewInHand)?
    let limit: Duration
    let deadline: ContinuousClock.Instant
    private let beginning: ContinuousClock.Instant
    private let gate: AdmissionGate
    private let isCounted = Atomic(false)

    /// - Parameter gate: where the review has a place, which is left when this object goes.
    init(
        _ review: IncomingReview, _ content: (any ReviewInHand)?, before deadline: ContinuousClock.Instant,
        in gate: AdmissionGate
    ) {
        webhook = review.webhook
        body = review.body
        limit = review.limit
        beginning = review.beginning
        self.content = content
        self.deadline = deadline
        self.gate = gate
    }

    deinit {
        count(.failed)
        gate.leave(bodyOf: body.count)
    }

    var isLaborious: Bool { content?.isLaborious ?? true }

    /// Counts how the review ended, once.
    func count(_ outcome: AdmissionMetrics.Outcome) {
        guard !isCounted.exchange(true, ordering: .relaxed) else { return }
        webhook.metrics.ended(outcome, after: .now - beginning)
    }
}
