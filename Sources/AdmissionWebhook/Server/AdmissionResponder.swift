import CoreMetrics
import Hummingbird
import JSON
import Logging
import NIOCore
import Synchronization

/// From an HTTP request to an HTTP response: finds the handler, reads the review, asks, answers.
///
/// The order of the checks is that of their cost: a review gets a place when its body is complete, and is parsed when it has
/// one.
struct AdmissionResponder: HTTPResponder {
    struct Context: InitializableFromSource {
        static let none = Context()

        /// The connection that the request came on; `nil` in tests.
        let connection: ConnectionTable.ID?

        init(source: ApplicationRequestContextSource) {
            connection = ConnectionTable.ID(source.channel)
        }

        private init() {
            connection = nil
        }
    }

    private struct Webhook {
        let path: String
        let metrics: AdmissionMetrics
        let read: @Sendable (_ body: [UInt8], _ maximumDepth: Int) throws -> Review

        init(path: String, handler: some AdmissionHandler, metrics: AdmissionMetrics) {
            self.path = path
            self.metrics = metrics
            read = { body, depth in try Review(body, maximumDepth: depth, by: handler) }
        }
    }

    /// A request, and how its handler reviews it: here ends what depends on the type of the handler's objects.
    private struct Review {
        let request: AdmissionRequest
        let isLaborious: Bool
        let verdict: @Sendable () async throws -> AdmissionResponse

        init<Handler: AdmissionHandler>(_ body: [UInt8], maximumDepth: Int, by handler: Handler) throws {
            let review = try AdmissionReview.read(body, objectsAs: Handler.Object.self, maximumDepth: maximumDepth)
            request = review.request
            isLaborious = review.object?.isLaborious == true || review.oldObject?.isLaborious == true
            verdict = { try await handler.review(review.request, of: review.object, replacing: review.oldObject) }
        }
    }

    private let configuration: AdmissionServer.Configuration
    private let webhooks: [String: Webhook]
    private let gate: AdmissionGate
    private let connections: ConnectionTable?
    private let laborious = LaboriousReviews()
    private let ending = Ending()
    private let rejections: RejectionLog
    private let clock: any Clock<Duration>
    private let logger: Logger

    init(
        configuration: AdmissionServer.Configuration,
        handlers: [String: any AdmissionHandler],
        connections: ConnectionTable? = nil,
        metrics: any MetricsFactory,
        logger: Logger,
        clock: any Clock<Duration> = .continuous
    ) {
        self.configuration = configuration
        self.connections = connections
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

    func respond(to request: Request, context: Context) async throws -> Response {
        guard let webhook = webhooks[request.uri.path] else { return Rejection.notFound.response }
        let start = ContinuousClock.now
        var outcome = AdmissionMetrics.Outcome.failed
        webhook.metrics.began()
        defer { webhook.metrics.ended(outcome, after: ContinuousClock.now - start) }

        var response: Response
        (response, outcome) = try await answer(request, on: context.connection, by: webhook)
        if ending.hasBegun { response.headers[.connection] = "close" }
        return response
    }

    /// From now on each answer is the last one on its connection.
    func endConnections() { ending.begin() }

    private final class Ending: Sendable {
        private let state = Atomic(false)

        var hasBegun: Bool { state.load(ordering: .relaxed) }

        func begin() { state.store(true, ordering: .relaxed) }
    }

    /// - Throws: only if the connection breaks.
    private func answer(
        _ request: Request, on connection: ConnectionTable.ID?, by webhook: Webhook
    ) async throws -> (Response, AdmissionMetrics.Outcome) {
        do {
            try check(request)
            let body = try await body(of: request, on: connection)
            guard gate.enter(bodyOf: body.count) else { throw Rejection.overloaded }
            defer { gate.leave(bodyOf: body.count) }
            let limit = configuration.reviewDeadline(for: request.uri.query)
            let deadline = ContinuousClock.now + limit
            guard body.count <= configuration.promptBodySize else {
                return try await withTaskExecutorPreference(laborious) {
                    try await answer(
                        try read(body, by: webhook, before: deadline), before: deadline, limit, by: webhook)
                }
            }
            let review = try read(body, by: webhook, before: deadline)
            return try await withTaskExecutorPreference(review.isLaborious ? laborious : nil) {
                try await answer(review, before: deadline, limit, by: webhook)
            }
        } catch let rejection as Rejection {
            rejections.note(rejection, at: webhook.path)
            return (rejection.response, rejection.outcome)
        }
    }

    private func check(_ request: Request) throws(Rejection) {
        guard request.method == .post else { throw .notPost }
        guard request.hasJSON else { throw .notJSON }
        let limit = configuration.bodyLimit
        guard request.contentLength ?? 0 <= limit else { throw .tooLarge(limit: limit) }
    }

    private func body(of request: Request, on connection: ConnectionTable.ID?) async throws -> [UInt8] {
        let isKnown = connection.flatMap { connections?.isProven($0) } ?? false
        let sender = isKnown ? AdmissionGate.Sender.known : .unknown
        var heldBytes = 0
        defer { gate.depart(heldBytes, from: sender) }
        var body: [UInt8] = []
        // No more than has arrived: what a sender merely promises takes no room.
        body.reserveCapacity(min(request.contentLength ?? 0, AdmissionGate.freeBytes))
        for try await chunk in request.body {
            guard chunk.readableBytes <= configuration.bodyLimit - body.count else {
                throw Rejection.tooLarge(limit: configuration.bodyLimit)
            }
            let excess = max(0, body.count + chunk.readableBytes - AdmissionGate.freeBytes) - heldBytes
            guard excess <= 0 || gate.arrive(excess, from: sender) else { throw Rejection.overloaded }
            heldBytes += max(0, excess)
            body.append(contentsOf: chunk.readableBytesView)
        }
        return body
    }

    private func read(
        _ body: [UInt8], by webhook: Webhook, before deadline: ContinuousClock.Instant
    ) throws(Rejection) -> Review {
        // It may have had to wait for others of its size.
        guard ContinuousClock.now < deadline else { throw .overloaded }
        do {
            return try webhook.read(body, configuration.depthLimit)
        } catch let error as JSONLimitExceeded {
            throw .excessive(error)
        } catch let error as MalformedReview {
            throw .malformed(error)
        } catch {
            throw .failed(error)
        }
    }

    private func answer(
        _ review: Review, before deadline: ContinuousClock.Instant, _ limit: Duration, by webhook: Webhook
    ) async throws -> (Response, AdmissionMetrics.Outcome) {
        do {
            let verdict = try await ReviewDeadline.$current.withValue(deadline) {
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
        // A dry run changes nothing that anybody could look for; that it was denied, somebody has seen.
        let isNews = !verdict.allowed || verdict.record != nil && !review.dryRun
        let message = verdict.record?.message ?? (verdict.allowed ? "admission review answered" : "admission denied")
        logger.log(
            level: isNews ? .info : .debug, "\(message)",
            metadata: metadata(of: review, by: webhook).merging(verdict.metadata) { $1 })
    }

    private func log(_ rejection: Rejection, on review: AdmissionRequest, by webhook: Webhook) {
        logger.error(
            "admission review failed",
            metadata: metadata(of: review, by: webhook).merging(["reason": "\(rejection.reason)"]) { $1 })
    }

    private func metadata(of review: AdmissionRequest, by webhook: Webhook) -> Logger.Metadata {
        [
            "webhook.path": .string(webhook.path),
            "review.uid": .string(review.uid),
            "review.user": .string(review.userHash),
            "operation": .string(review.operation.rawValue),
            "resource": .string(review.resource.resource),
            "namespace": .string(review.namespace),
            "name": .string(review.name),
        ]
    }
}

extension AdmissionResponse {
    fileprivate var metadata: Logger.Metadata {
        var metadata: Logger.Metadata = ["outcome": .string(outcome.rawValue)]
        if let refusal { metadata["reason"] = .string(refusal.message) }
        for (key, value) in record?.fields ?? [:] { metadata[key] = .string(value) }
        return metadata
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
        case .contentTooLarge: .tooLarge
        case .serviceUnavailable: .overloaded
        case .internalServerError: .failed
        default: .malformed
        }
    }
}
