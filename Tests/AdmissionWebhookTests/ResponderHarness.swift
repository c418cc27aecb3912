import InMemoryLogging
import JSON
import Logging
import MetricsTestKit
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import AdmissionWebhook

/// A responder with one webhook at `/mutate`, without sockets.
struct ResponderHarness {
    let metrics = TestMetrics()
    let log = InMemoryLogHandler()
    let responder: AdmissionResponder

    init(
        _ configuration: AdmissionServer.Configuration = .init(),
        clock: any Clock<Duration> = .continuous,
        _ judge: @escaping @Sendable (AdmissionRequest) async throws -> AdmissionResponse = { _ in .allowed() },
        prompt: @escaping @Sendable (AdmissionRequest) throws -> AdmissionResponse? = { _ in nil }
    ) {
        self.init(configuration, objectsAs: WholeObject.self, clock: clock, judge, prompt: prompt)
    }

    init<Object: ReviewedObject>(
        _ configuration: AdmissionServer.Configuration = .init(),
        objectsAs type: Object.Type,
        clock: any Clock<Duration> = .continuous,
        _ judge: @escaping @Sendable (AdmissionRequest) async throws -> AdmissionResponse,
        prompt: @escaping @Sendable (AdmissionRequest) throws -> AdmissionResponse? = { _ in nil }
    ) {
        responder = AdmissionResponder(
            configuration: configuration,
            handlers: ["/mutate": TestHandler<Object>(judge, prompt: prompt)],
            metrics: metrics,
            logger: Logger(label: "test") { [log] _ in log },
            clock: clock)
    }

    func endConnections() { responder.endConnections() }

    /// A review that is complete, and whose connection ends before it is answered.
    func abandon(_ body: [UInt8]) {
        let head = HTTPRequestHead(
            version: .http1_1, method: .POST, uri: "/mutate", headers: ["Content-Type": "application/json"])
        guard case .review(var review) = responder.open(head, from: .unknown),
            responder.receive(ByteBuffer(bytes: body), of: &review) == nil
        else { return }
        _ = responder.reply(to: review)
    }

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
        try await send(.POST, body, to: path, contentType: contentType, declaresLength: declaresLength)
    }

    func send(
        _ method: HTTPMethod,
        _ body: [UInt8],
        to path: String = "/mutate",
        contentType: String? = "application/json",
        declaresLength: Bool = true
    ) async throws -> Answer {
        var headers = HTTPHeaders()
        if let contentType { headers.add(name: "Content-Type", value: contentType) }
        if declaresLength { headers.add(name: "content-length", value: "\(body.count)") }
        let chunks = stride(from: 0, to: body.count, by: 100).map { start in
            ByteBuffer(bytes: body[start..<min(start + 100, body.count)])
        }
        let stream = AsyncStream { stream in
            for chunk in chunks { stream.yield(chunk) }
            stream.finish()
        }
        return await send(method, chunks: stream, to: path, headers: headers)
    }

    func send(
        _ method: HTTPMethod,
        chunks: AsyncStream<ByteBuffer>,
        to path: String = "/mutate",
        headers: HTTPHeaders = ["Content-Type": "application/json"]
    ) async -> Answer {
        let head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: headers)
        switch responder.open(head, from: .unknown) {
        case .answer(let answer): return answer
        case .review(var review):
            for await chunk in chunks {
                if let answer = responder.receive(chunk, of: &review) { return answer }
            }
            switch responder.reply(to: review) {
            case .answer(let answer): return answer
            case .pending(let pending): return await responder.answer(to: pending)
            }
        }
    }
}

/// An object of which nothing may be kept.
struct Excessive: ReviewedObject {
    let isLaborious = false

    init(from json: inout JSONReader) throws {
        throw JSONLimitExceeded("the pod has more than 1 container")
    }
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
