import CoreMetrics
import JSON
import Logging
import NIOCore
import NIOHTTP1
import Synchronization

/// From a request to an answer: finds the handler, takes the body in, reads the review, asks, answers.
///
/// The order of the checks is that of their cost: a review gets a place when its body is complete, and is parsed when it has
/// one. All happens on the connection's event loop, but for a ``PendingReview``.
final class AdmissionResponder: Sendable {
    private let configuration: AdmissionServer.Configuration
    private let webhooks: [String: Webhook]
    private let gate: AdmissionGate
    private let laborious = LaboriousReviews()
    private let isEnding = Atomic(false)
    private let rejections: RejectionLog
    private let clock: any Clock<Duration>
    private let logger: Logger

    init(
        configuration: AdmissionServer.Configuration,
        handlers: [String: any AdmissionHandler],
        metrics: any MetricsFactory,
        logger: Logger,
        clock: any Clock<Duration> = .continuous
    ) {
        self.configuration = configuration
        self.clock = clock
        self.logger = logger
        rejections = RejectionLog(logger)
        gate = AdmissionGate(
            reviewLimit: configuration.reviewLimit, weightLimit: configuration.memoryLimit,
            arrivingLimit: configuration.arrivingBytesLimit)
        webhooks = handlers.reduce(into: [:]) { webhooks, entry in
            webhooks[entry.key] = Webhook(
                path: entry.key, handler: entry.value,
                metrics: AdmissionMetrics(path: entry.key, factory: metrics))
        }
    }

    /// From now on each answer is the last one on its connection.
    func endConnections() { isEnding.store(true, ordering: .relaxed) }

    // MARK: A request arrives

    enum Opening {
        /// The body may come.
        case review(IncomingReview)
        /// Whatever the body is.
        case answer(Answer)
    }

    func open(_ head: HTTPRequestHead, from sender: AdmissionGate.Sender) -> Opening {
        let target = head.uri.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        guard let path = target.first, let webhook = webhooks[String(path)] else {
            return .answer(closing(Rejection.notFound.answer))
        }
        let limit = configuration.reviewDeadline(for: target.dropFirst().first)
        var review = IncomingReview(of: webhook, from: sender, limit: limit)
        webhook.metrics.began()
        do {
            review.expect(try bodySize(promisedIn: head))
            return .review(review)
        } catch {
            return .answer(reject(review, error))
        }
    }

    /// - Returns: 0 if the body comes in chunks.
    private func bodySize(promisedIn head: HTTPRequestHead) throws(Rejection) -> Int {
        guard head.method == .POST else { throw .notPost }
        guard head.hasJSON else { throw .notJSON }
        let size = head.contentLength ?? 0
        guard size <= configuration.bodyLimit else { throw .tooLarge(limit: configuration.bodyLimit) }
        return size
    }

    /// - Returns: the answer, if there is one before the body has ended. The review is over then.
    func receive(_ bytes: ByteBuffer, of review: inout IncomingReview) -> Answer? {
        guard bytes.readableBytes <= configuration.bodyLimit - review.body.count else {
            return reject(review, .tooLarge(limit: configuration.bodyLimit))
        }
        let excess = review.excess(with: bytes)
        guard excess == 0 || gate.arrive(excess, from: review.sender) else { return reject(review, .overloaded) }
        review.append(bytes)
        return nil
    }

    /// The connection has ended before the body has.
    func abandon(_ review: IncomingReview) {
        end(review, .failed)
    }

    // MARK: A request is complete

    enum Reply {
        case answer(Answer)
        case pending(PendingReview)
    }

    func reply(to review: IncomingReview) -> Reply {
        guard gate.enter(bodyOf: review.body.count) else { return .answer(reject(review, .overloaded)) }
        let deadline = ContinuousClock.now + review.limit
        do {
            let isPrompt = review.body.count <= configuration.promptBodySize
            let content = isPrompt ? try read(review.body, by: review.webhook) : nil
            guard let content, !content.isLaborious, let verdict = try promptVerdict(on: content, by: review.webhook)
            else {
                depart(review)
                return .pending(PendingReview(review, content, before: deadline, in: gate))
            }
            gate.leave(bodyOf: review.body.count)
            end(review, verdict.outcome)
            return .answer(answer(verdict, to: content.request, by: review.webhook))
        } catch {
            gate.leave(bodyOf: review.body.count)
            return .answer(reject(review, error))
        }
    }

    private func read(_ body: [UInt8], by webhook: Webhook) throws(Rejection) -> any ReviewInHand {
        do {
            return try webhook.read(body, maximumDepth: configuration.depthLimit)
        } catch let error as JSONLimitExceeded {
            throw .excessive(error)
        } catch let error as MalformedReview {
            throw .malformed(error)
        } catch {
            throw .failed(error)
        }
    }

    private func promptVerdict(
        on review: any ReviewInHand, by webhook: Webhook
    ) throws(Rejection) -> AdmissionResponse? {
        do {
            return try review.promptVerdict()
        } catch {
            throw failure(.failed(error), of: review.request, by: webhook)
        }
    }

    // MARK: Something has to be waited for

    /// The answer to a review that cannot be answered at once.
    func answer(to pending: PendingReview) async -> Answer {
        do {
            return try await withTaskExecutorPreference(pending.isLaborious ? laborious : nil) {
                // It may have had to wait for others of its size.
                guard ContinuousClock.now < pending.deadline else { throw Rejection.overloaded }
                let review = try pending.content ?? read(pending.body, by: pending.webhook)
                let verdict = try await verdict(on: review, pending)
                pending.count(verdict.outcome)
                return answer(verdict, to: review.request, by: pending.webhook)
            }
        } catch {
            let rejection = error as? Rejection ?? .failed(error)
            pending.count(rejection.outcome)
            return answer(rejection, by: pending.webhook)
        }
    }

    private func verdict(
        on review: any ReviewInHand, _ pending: PendingReview
    ) async throws(Rejection) -> AdmissionResponse {
        do {
            return try await ReviewDeadline.$current.withValue(pending.deadline) {
                try await withDeadline(pending.limit, clock: clock) { try await review.verdict() }
            }
        } catch {
            let rejection: Rejection =
                error is DeadlineExceeded ? .deadlineExceeded(after: pending.limit) : .failed(error)
            throw failure(rejection, of: review.request, by: pending.webhook)
        }
    }

    // MARK: Answers

    private func answer(
        _ verdict: AdmissionResponse, to request: AdmissionRequest, by webhook: Webhook
    ) -> Answer {
        log(verdict, on: request, by: webhook)
        return closing(Answer(verdict, uid: request.uid))
    }

    private func answer(_ rejection: Rejection, by webhook: Webhook) -> Answer {
        rejections.note(rejection, at: webhook.path)
        return closing(rejection.answer)
    }

    private func reject(_ review: IncomingReview, _ rejection: Rejection) -> Answer {
        end(review, rejection.outcome)
        return answer(rejection, by: review.webhook)
    }

    private func closing(_ answer: Answer) -> Answer {
        isEnding.load(ordering: .relaxed) ? answer.endingConnection() : answer
    }

    private func end(_ review: IncomingReview, _ outcome: AdmissionMetrics.Outcome) {
        depart(review)
        review.webhook.metrics.ended(outcome, after: .now - review.beginning)
    }

    private func depart(_ review: IncomingReview) {
        if review.heldBytes > 0 { gate.depart(review.heldBytes, from: review.sender) }
    }
}

// MARK: - What is logged

extension AdmissionResponder {
    private func log(_ verdict: AdmissionResponse, on review: AdmissionRequest, by webhook: Webhook) {
        // A dry run changes nothing that anybody could look for; that it was denied, somebody has seen.
        let isNews = !verdict.allowed || verdict.record != nil && !review.dryRun
        let message = verdict.record?.message ?? (verdict.allowed ? "admission review answered" : "admission denied")
        logger.log(
            level: isNews ? .info : .debug, "\(message)",
            metadata: metadata(of: review, by: webhook, verdict))
    }

    /// Logs which review got no verdict.
    private func failure(_ rejection: Rejection, of review: AdmissionRequest, by webhook: Webhook) -> Rejection {
        logger.error(
            "admission review failed",
            metadata: metadata(of: review, by: webhook).merging(["reason": "\(rejection.reason)"]) { $1 })
        return rejection
    }

    private func metadata(
        of review: AdmissionRequest, by webhook: Webhook, _ verdict: AdmissionResponse? = nil
    ) -> Logger.Metadata {
        // One dictionary, with room for all: every injection is logged.
        var metadata = Logger.Metadata(minimumCapacity: 16)
        metadata["webhook.path"] = .string(webhook.path)
        metadata["review.uid"] = .string(review.uid)
        metadata["review.user"] = .string(review.userHash)
        metadata["operation"] = .string(review.operation.rawValue)
        metadata["resource"] = .string(review.resource.resource)
        metadata["namespace"] = .string(review.namespace)
        metadata["name"] = .string(review.name)
        guard let verdict else { return metadata }
        metadata["outcome"] = .string(verdict.outcome.rawValue)
        if let refusal = verdict.refusal { metadata["reason"] = .string(refusal.message) }
        for (key, value) in verdict.record?.fields ?? [:] { metadata[key] = .string(value) }
        return metadata
    }
}

extension AdmissionResponse {
    fileprivate var outcome: AdmissionMetrics.Outcome {
        guard allowed else { return .refused }
        return patch?.isEmpty ?? true ? .allowed : .patched
    }
}

extension Rejection {
    fileprivate var outcome: AdmissionMetrics.Outcome {
        switch status {
        case .payloadTooLarge: .tooLarge
        case .serviceUnavailable: .overloaded
        case .internalServerError: .failed
        default: .malformed
        }
    }
}

// MARK: - HTTP

extension HTTPRequestHead {
    /// `application/json`, with any parameters (RFC 9110 section 8.3.1).
    fileprivate var hasJSON: Bool {
        guard let value = headers.first(name: "Content-Type") else { return false }
        // As API servers write it.
        if value == "application/json" { return true }
        let type = value.prefix { $0 != ";" && $0 != " " }
        return type.lowercased() == "application/json"
    }

    /// `nil` if the body comes in chunks.
    fileprivate var contentLength: Int? {
        headers.first(name: "Content-Length").flatMap { Int($0) }.map { max(0, $0) }
    }
}
