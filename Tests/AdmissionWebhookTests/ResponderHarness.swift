import Hummingbird
import HummingbirdCore
import InMemoryLogging
import JSON
import Logging
import MetricsTestKit
import NIOCore
import Synchronization
import Testing

@testable import AdmissionWebhook

/// A response, collected.
struct Answer {
    let status: HTTPResponse.Status
    let headers: HTTPFields
    let body: ByteBuffer
}

/// A responder with one webhook at `/mutate`, without sockets.
struct ResponderHarness {
    let metrics = TestMetrics()
    let log = InMemoryLogHandler()
    private let responder: AdmissionResponder

    init(
        _ configuration: AdmissionServer.Configuration = .init(),
        clock: any Clock<Duration> = .continuous,
        _ judge: @escaping @Sendable (AdmissionRequest) async throws -> AdmissionResponse = { _ in .allowed() }
    ) {
        self.init(configuration, objectsAs: WholeObject.self, clock: clock, judge)
    }

    init<Object: ReviewedObject>(
        _ configuration: AdmissionServer.Configuration = .init(),
        objectsAs type: Object.Type,
        clock: any Clock<Duration> = .continuous,
        _ judge: @escaping @Sendable (AdmissionRequest) async throws -> AdmissionResponse
    ) {
        responder = AdmissionResponder(
            configuration: configuration,
            handlers: ["/mutate": TestHandler<Object>(judge)],
            metrics: metrics,
            logger: Logger(label: "test") { [log] _ in log },
            clock: clock)
    }

    func endConnections() { responder.endConnections() }

    /// How many reviews ended in each way, without those that none did.
    var outcomes: [String: Int64] {
        var outcomes: [String: Int64] = [:]
        for outcome in AdmissionMetrics.Outcome.allCases {
            let labels = [("path", "/mutate"), ("outcome", outcome.rawValue)]
            let total = metrics.counterTotal(label: "admission_webhook_reviews_total", dimensions: labels)
            if total > 0 { outcomes[outcome.rawValue] = total }
        }
        return outcomes
    }

    func post(
        _ body: [UInt8],
        to path: String = "/mutate",
        contentType: String? = "application/json",
        declaresLength: Bool = true
    ) async throws -> Answer {
        try await send(.post, body, to: path, contentType: contentType, declaresLength: declaresLength)
    }

    func send(
        _ method: HTTPRequest.Method,
        _ body: [UInt8],
        to path: String = "/mutate",
        contentType: String? = "application/json",
        declaresLength: Bool = true
    ) async throws -> Answer {
        var headers = HTTPFields()
        headers[.contentType] = contentType
        if declaresLength { headers[.contentLength] = "\(body.count)" }
        let chunks = stride(from: 0, to: body.count, by: 100).map { start in
            ByteBuffer(bytes: body[start..<min(start + 100, body.count)])
        }
        let stream = AsyncStream { stream in
            for chunk in chunks { stream.yield(chunk) }
            stream.finish()
        }
        return try await send(method, chunks: stream, to: path, headers: headers)
    }

    func send(
        _ method: HTTPRequest.Method,
        chunks: AsyncStream<ByteBuffer>,
        to path: String = "/mutate",
        headers: HTTPFields = [.contentType: "application/json"]
    ) async throws -> Answer {
        let request = Request(
            head: HTTPRequest(method: method, scheme: nil, authority: nil, path: path, headerFields: headers),
            body: RequestBody(asyncSequence: chunks))
        let response = try await responder.respond(to: request, context: .none)
        let collected = CollectedBody()
        try await response.body.write(collected)
        return Answer(status: response.status, headers: response.headers, body: collected.buffer.withLock { $0 })
    }
}

/// An object of which nothing may be kept.
struct Excessive: ReviewedObject {
    let isLaborious = false

    init(from json: inout JSONReader) throws {
        throw JSONLimitExceeded("the pod has more than 1 container")
    }
}

final class CollectedBody: ResponseBodyWriter, Sendable {
    let buffer = Mutex(ByteBuffer())

    func write(_ buffer: ByteBuffer) async throws {
        self.buffer.withLock { _ = $0.writeImmutableBuffer(buffer) }
    }

    consuming func finish(_ trailingHeaders: HTTPFields?) async throws {}
}

/// A clock by which everything takes too long.
struct ImpatientClock: Clock {
    typealias Instant = ContinuousClock.Instant
    var now: Instant { .now }
    var minimumResolution: Duration { .nanoseconds(1) }
    func sleep(until deadline: Instant, tolerance: Duration?) async throws {}
}

extension AdmissionServer.Configuration {
    static func test(_ change: (inout Self) -> Void) -> Self {
        var configuration = Self()
        change(&configuration)
        return configuration
    }
}
