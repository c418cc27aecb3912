import CoreMetrics
import Hummingbird
import JSON
import Logging
import NIOCore

/// From an HTTP request to an HTTP response: finds the handler, reads the review, asks, answers.
///
/// The order of the checks is that of their cost: nothing is read before the request has a place, and nothing is parsed before
/// it is complete.
struct AdmissionResponder: HTTPResponder {
    /// Nothing is needed of the connection, so nothing is kept.
    struct Context: InitializableFromSource {
        static let none = Context()

        init(source: ApplicationRequestContextSource) {}

        private init() {}
    }

    private struct Webhook {
        let path: String
        let metrics: AdmissionMetrics
        let read: @Sendable (_ body: [UInt8], _ maximumDepth: Int) throws(MalformedReview) -> Review

        init(path: String, handler: some AdmissionHandler, metrics: AdmissionMetrics) {
            self.path = path
            self.metrics = metrics
            read = { body, depth throws(MalformedReview) in try Review(body, maximumDepth: depth, by: handler) }
        }
    }

    /// A request, and how its handler judges it: here ends what depends on the type of the handler's objects.
    private struct Review {
        let request: AdmissionRequest
        let verdict: @Sendable () async throws -> AdmissionResponse

        init<Handler: AdmissionHandler>(
            _ body: [UInt8], maximumDepth: Int, by handler: Handler
        ) throws(MalformedReview) {
            let review = try AdmissionReview.read(body, objectsAs: Handler.Object.self, maximumDepth: maximumDepth)
            request = review.request
            verdict = { try await handler.review(review.request, of: review.object, replacing: review.oldObject) }
        }
    }

    private let configuration: AdmissionServer.Configuration
    private let webhooks: [String: Webhook]
    private let gate: AdmissionGate
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
        gate = AdmissionGate(reviewLimit: configuration.reviewLimit, byteLimit: configuration.bytesInFlightLimit)
        webhooks = handlers.reduce(into: [:]) { webhooks, entry in
            webhooks[entry.key] = Webhook(
                path: entry.key, handler: entry.value,
                metrics: AdmissionMetrics(path: entry.key, factory: metrics))
        }
    }

    func respond(to request: Request, context: Context) async throws -> Response {
        guard let webhook = webhooks[request.uri.path] else { return Rejection.notFound.response }
        let start = ContinuousClock.now
        var outcome = AdmissionMetrics.Outcome.failed
        webhook.metrics.began()
        defer { webhook.metrics.ended(outcome, after: ContinuousClock.now - start) }

        let response: Response
        (response, outcome) = try await answer(request, by: webhook)
        return response
    }

    /// - Throws: only if the connection breaks.
    private func answer(
        _ request: Request,
        by webhook: Webhook
    ) async throws -> (Response, AdmissionMetrics.Outcome) {
        do {
            try check(request)
            guard gate.enter() else { throw Rejection.overloaded }
            var heldBytes = 0
            defer { gate.leave(bytes: heldBytes) }
            let review = try await read(request, by: webhook, heldBytes: &heldBytes)
            return await answer(review, within: configuration.reviewDeadline(for: request.uri.query), by: webhook)
        } catch let rejection as Rejection {
            log(rejection, by: webhook)
            return (rejection.response, rejection.outcome)
        }
    }

    private func check(_ request: Request) throws(Rejection) {
        guard request.method == .post else { throw .notPost }
        guard request.hasJSON else { throw .notJSON }
        let limit = configuration.bodyLimit
        guard request.contentLength ?? 0 <= limit else { throw .tooLarge(limit: limit) }
    }

    private func read(_ request: Request, by webhook: Webhook, heldBytes: inout Int) async throws -> Review {
        var body: [UInt8] = []
        body.reserveCapacity(request.contentLength ?? 0)
        for try await chunk in request.body {
            guard chunk.readableBytes <= configuration.bodyLimit - body.count else {
                throw Rejection.tooLarge(limit: configuration.bodyLimit)
            }
            guard gate.hold(bytes: chunk.readableBytes) else { throw Rejection.overloaded }
            heldBytes += chunk.readableBytes
            body.append(contentsOf: chunk.readableBytesView)
        }
        do {
            return try webhook.read(body, configuration.depthLimit)
        } catch {
            throw Rejection.malformed(error)
        }
    }

    private func answer(
        _ review: Review,
        within limit: Duration,
        by webhook: Webhook
    ) async -> (Response, AdmissionMetrics.Outcome) {
        do {
            let verdict = try await ReviewDeadline.$current.withValue(.now + limit) {
                try await withDeadline(limit, clock: clock, review.verdict)
            }
            log(verdict, on: review.request, by: webhook)
            return (Response(verdict, uid: review.request.uid), verdict.outcome)
        } catch {
            let rejection: Rejection = error is DeadlineExceeded ? .deadlineExceeded(after: limit) : .failed(error)
            log(rejection, on: review.request, by: webhook)
            return (rejection.response, rejection.outcome)
        }
    }
}

// MARK: - What is logged

extension AdmissionResponder {
    private func log(_ verdict: AdmissionResponse, on review: AdmissionRequest, by webhook: Webhook) {
        logger.log(
            level: verdict.allowed ? .debug : .info,
            "admission review answered",
            metadata: metadata(of: review, by: webhook).merging(
                ["outcome": "\(verdict.outcome)", "reason": "\(verdict.refusal?.message ?? "")"]
            ) { $1 })
    }

    private func log(_ rejection: Rejection, on review: AdmissionRequest, by webhook: Webhook) {
        logger.error(
            "admission review failed",
            metadata: metadata(of: review, by: webhook).merging(["reason": "\(rejection.reason)"]) { $1 })
    }

    /// Not above `notice`: whoever reaches the port can cause it.
    private func log(_ rejection: Rejection, by webhook: Webhook) {
        logger.notice(
            "admission review rejected",
            metadata: [
                "webhook.path": "\(webhook.path)", "status": "\(rejection.status.code)",
                "reason": "\(rejection.reason)",
            ])
    }

    private func metadata(of review: AdmissionRequest, by webhook: Webhook) -> Logger.Metadata {
        [
            "webhook.path": "\(webhook.path)",
            "review.uid": "\(review.uid)",
            "review.user": "\(review.userHash)",
            "operation": "\(review.operation.rawValue)",
            "resource": "\(review.resource.resource)",
            "namespace": "\(review.namespace)",
            "name": "\(review.name)",
        ]
    }
}

// MARK: - HTTP

extension Request {
    /// `application/json`, with any parameters (RFC 9110 section 8.3.1).
    fileprivate var hasJSON: Bool {
        guard let value = headers[.contentType] else { return false }
        // As API servers write it.
        if value == "application/json" { return true }
        let type = value.prefix { $0 != ";" && $0 != " " }
        return type.lowercased() == "application/json"
    }

    /// `nil` if the body comes in chunks.
    fileprivate var contentLength: Int? {
        headers[.contentLength].flatMap { Int($0) }.map { max(0, $0) }
    }
}

extension Response {
    fileprivate init(_ verdict: AdmissionResponse, uid: String) {
        self.init(
            status: .ok,
            headers: [.contentType: "application/json"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: verdict.review(uid: uid))))
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
        case .serviceUnavailable: .overloaded
        case .internalServerError: .failed
        default: .malformed
        }
    }
}
