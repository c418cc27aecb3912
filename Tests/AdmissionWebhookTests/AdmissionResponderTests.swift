import InMemoryLogging
import JSON
import Logging
import MetricsTestKit
import NIOCore
import NIOHTTP1
import Synchronization
import Testing

@testable import AdmissionWebhook

@Suite("AdmissionResponder", .timeLimit(.minutes(5))) struct AdmissionResponderTests {
    @Test("answers a review with the handler's verdict")
    func verdict() async throws {
        var patch = JSONPatch()
        patch.add([], at: JSONPointer("spec", "volumes"))
        let harness = ResponderHarness { [patch] request in
            #expect(request.namespace == "shop")
            return .allowed(patch: patch, warnings: ["careful"])
        }
        let response = try await harness.post(review())
        #expect(response.status == .ok)
        #expect(response.headers.first(name: "Content-Type") == "application/json")
        #expect(response.headers.first(name: "Content-Length") == "\(response.body.readableBytes)")
        let json = try JSONValue(parsing: Array(response.body.readableBytesView))
        #expect(json["response"]?["uid"]?.string == "8c3a8f6e-2f5c-4f1e-9d0b-3b1a5d6c7e8f")
        #expect(json["response"]?["allowed"]?.bool == true)
        #expect(json["response"]?["warnings"] == ["careful"])
        #expect(harness.outcomes == ["patched": 1])
    }

    @Test("asks for the end of each connection once the server is about to end, and not before")
    func endsConnections() async throws {
        let harness = ResponderHarness()
        #expect(try await harness.post(review()).headers.first(name: "Connection") == nil)
        harness.endConnections()
        for body in [review(), Array("{".utf8)] {
            #expect(try await harness.post(body).headers.first(name: "Connection") == "close")
        }
    }

    @Test("asks for a prompt verdict first, and for one that waits if there is none", arguments: [false, true])
    func prompt(isPrompt: Bool) async throws {
        let harness = ResponderHarness { _ in
            .allowed(warnings: ["in time"])
        } prompt: { _ in
            isPrompt ? .allowed(warnings: ["prompt"]) : nil
        }
        let response = try await harness.post(review())
        let json = try JSONValue(parsing: Array(response.body.readableBytesView))
        #expect(json["response"]?["warnings"] == [isPrompt ? "prompt" : "in time"])
        #expect(harness.outcomes == ["allowed": 1])
    }

    @Test("a prompt verdict that fails is HTTP 500, and is logged like any other")
    func promptFailure() async throws {
        let harness = ResponderHarness(prompt: { _ in throw TestError() })
        #expect(try await harness.post(review()).status == .internalServerError)
        #expect(harness.outcomes == ["failed": 1])
        #expect(harness.log.entries.first { $0.level == .error }?.metadata["namespace"] == "shop")
    }

    @Test("never asks for a prompt verdict on a large review: reading it takes too long for an event loop")
    func largeIsNotPrompt() async throws {
        let harness = ResponderHarness(
            .test { $0.promptBodySize = review().count - 1 }, prompt: { _ in .refused("asked") })
        #expect(try await harness.post(review()).status == .ok)
        #expect(harness.outcomes == ["allowed": 1])
    }

    @Test("a review that nobody waits for any more leaves its place and is counted")
    func abandoned() async throws {
        let harness = ResponderHarness(.test { $0.reviewLimit = 1 })
        for _ in 0..<3 { harness.abandon(review()) }
        #expect(try await harness.post(review()).status == .ok)
        #expect(harness.outcomes == ["allowed": 1, "failed": 3])
        let inFlight = try harness.metrics.expectMeter("admission_webhook_reviews_in_flight", [("path", "/mutate")])
        #expect(inFlight.values.last == 0)
    }

    @Test("finds the handler by path, whatever the query")
    func paths() async throws {
        let harness = ResponderHarness()
        #expect(try await harness.post(review(), to: "/mutate?timeout=5s").status == .ok)
        #expect(try await harness.post(review(), to: "/").status == .notFound)
        #expect(try await harness.post(review(), to: "/mutate/").status == .notFound)
    }

    @Test("takes POST only", arguments: [HTTPMethod.GET, .HEAD, .PUT, .PATCH, .DELETE])
    func methods(_ method: HTTPMethod) async throws {
        let response = try await ResponderHarness().send(method, review())
        #expect(response.status == .methodNotAllowed)
        #expect(response.headers.first(name: "Allow") == "POST")
    }

    @Test(
        "takes JSON only",
        arguments: [
            ("application/json", HTTPResponseStatus.ok),
            ("application/json; charset=utf-8", .ok),
            ("application/json;charset=utf-8", .ok),
            ("Application/JSON", .ok),
            ("application/jsonp", .unsupportedMediaType),
            ("text/json", .unsupportedMediaType),
            ("", .unsupportedMediaType),
            (nil, .unsupportedMediaType),
        ] as [(String?, HTTPResponseStatus)])
    func contentTypes(_ contentType: String?, _ status: HTTPResponseStatus) async throws {
        #expect(try await ResponderHarness().post(review(), contentType: contentType).status == status)
    }

    @Test("says in plain text what is wrong with a review, and where")
    func malformed() async throws {
        let harness = ResponderHarness()
        let response = try await harness.post(Array(#"{"request":{"uid":7}}"#.utf8))
        #expect(response.status == .badRequest)
        #expect(response.headers.first(name: "Content-Type") == "text/plain; charset=utf-8")
        #expect(
            String(buffer: response.body)
                == "the admission review cannot be read: expected a string, found a number at byte 18\n")
        #expect(harness.outcomes == ["malformed": 1])
    }

    @Test("takes bodies up to the limit and no larger, with or without a Content-Length", arguments: [true, false])
    func sizes(_ declaresLength: Bool) async throws {
        let body = review()
        let configuration = AdmissionServer.Configuration.test { $0.bodyLimit = body.count }
        let fitting = ResponderHarness(configuration)
        #expect(try await fitting.post(body, declaresLength: declaresLength).status == .ok)
        let response = try await fitting.post(body + [0x20], declaresLength: declaresLength)
        #expect(response.status == .payloadTooLarge)
        #expect(String(buffer: response.body) == "an admission review may have \(body.count) bytes at most\n")
        #expect(response.headers.first(name: "Connection") == "close")
        #expect(fitting.outcomes == ["allowed": 1, "too_large": 1])
    }

    @Test("limits depth")
    func depth() async throws {
        let harness = ResponderHarness(.test { $0.depthLimit = 8 })
        #expect(try await harness.post(review(object: [[[[[1]]]]])).status == .ok)
        #expect(try await harness.post(review(object: [[[[[[[1]]]]]]])).status == .badRequest)
    }

    @Test("sends reviews away that there is no room for, and lets others in again", arguments: [true, false])
    func overload(_ countsBytes: Bool) async throws {
        let slowBody = review((["request", "name"], "slow"))
        let configuration = AdmissionServer.Configuration.test {
            let weight = AdmissionGate.weight(ofBody: slowBody.count)
            if countsBytes { $0.memoryLimit = weight } else { $0.reviewLimit = 1 }
        }
        let (begun, isBegun) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let harness = ResponderHarness(configuration) { request in
            if request.name == "slow" {
                isBegun.finish()
                for await _ in released {}
            }
            return .allowed()
        }
        async let slow = harness.post(slowBody)
        for await _ in begun {}
        let refused = try await harness.post(review())
        #expect(refused.status == .serviceUnavailable)
        #expect(refused.headers.first(name: "Retry-After") == "1")
        release.finish()
        #expect(try await slow.status == .ok)
        #expect(try await harness.post(review()).status == .ok)
        #expect(harness.outcomes == ["allowed": 2, "overloaded": 1])
        let inFlight = try harness.metrics.expectMeter("admission_webhook_reviews_in_flight", [("path", "/mutate")])
        #expect(inFlight.values.last == 0)
    }

    @Test("answers HTTP 413 to an object that holds more than its reader keeps, and counts it apart")
    func tooMuch() async throws {
        let harness = ResponderHarness(objectsAs: Excessive.self) { _ in .allowed() }
        let response = try await harness.post(review())
        #expect(response.status == .payloadTooLarge)
        #expect(
            String(buffer: response.body) == "the admission review is too large: the pod has more than 1 container\n")
        #expect(harness.outcomes == ["too_large": 1])
    }

    @Test("takes no place for a body that does not come: the others are answered meanwhile")
    func silentBody() async throws {
        let harness = ResponderHarness(.test { $0.reviewLimit = 1 })
        let (silence, end) = AsyncStream.makeStream(of: ByteBuffer.self)
        async let silent = harness.send(.POST, chunks: silence)
        for _ in 0..<10 { #expect(try await harness.post(review()).status == .ok) }
        end.yield(ByteBuffer(bytes: review()))
        end.finish()
        #expect(await silent.status == .ok)
    }

    @Test("large bodies that arrive take room from each other, and none from those of the usual size")
    func largeBodies() async throws {
        let harness = ResponderHarness(.test { $0.arrivingBytesLimit = 100_000 })
        let (asked, isAsked) = AsyncStream.makeStream(of: Void.self)
        let (released, release) = AsyncStream.makeStream(of: Void.self)
        let chunks = Mutex([ByteBuffer(repeating: 0x20, count: 90_000)])
        let stream = AsyncStream<ByteBuffer> {
            if let chunk = chunks.withLock({ $0.popLast() }) { return chunk }
            // Who asks for more has taken what there was.
            isAsked.finish()
            for await _ in released {}
            return nil
        }
        async let slow = harness.send(.POST, chunks: stream)
        for await _ in asked {}
        let large = [UInt8](repeating: 0x20, count: 60_000)
        #expect(try await harness.send(.POST, large).status == .serviceUnavailable)
        #expect(try await harness.post(review()).status == .ok)
        release.finish()
        #expect(await slow.status == .badRequest)
        #expect(try await harness.send(.POST, large).status == .badRequest)
    }

    @Test("a large review is read beside the others, and answered like them", arguments: [70_000, 1_000_000])
    func largeReview(size: Int) async throws {
        let harness = ResponderHarness { _ in
            await Task.yield()
            return .allowed(warnings: ["read"])
        }
        let padding = JSONValue.string(String(repeating: "x", count: size))
        let response = try await harness.post(review(object: ["metadata": ["padding": padding]]))
        #expect(response.status == .ok)
        #expect(try JSONValue(parsing: Array(response.body.readableBytesView))["response"]?["warnings"] == ["read"])
    }

    @Test("logs the first rejection of a kind, and then how many there were")
    func rejections() throws {
        let log = InMemoryLogHandler()
        let rejections = RejectionLog(Logger(label: "test") { _ in log })
        let start = ContinuousClock.now
        for index in 0..<1000 {
            rejections.note(.notPost, at: "/mutate", start + .milliseconds(index))
            rejections.note(.notJSON, at: "/mutate", start + .milliseconds(index))
        }
        #expect(log.entries.count == 2)
        rejections.note(.notPost, at: "/mutate", start + .seconds(11))
        #expect(log.entries.count == 3)
        #expect(log.entries.last?.metadata["rejections.unlogged"] == "999")
        #expect(log.entries.allSatisfy { $0.level <= .notice })
    }

    @Test("answers HTTP 500 with the reason if the handler fails, and logs which review it was")
    func failure() async throws {
        let harness = ResponderHarness { _ in throw TestError() }
        let response = try await harness.post(review())
        #expect(response.status == .internalServerError)
        #expect(String(buffer: response.body) == "the admission handler failed: the store is on fire\n")
        #expect(harness.outcomes == ["failed": 1])
        let record = try #require(harness.log.entries.first { $0.level == .error })
        #expect(record.metadata["review.uid"] == "8c3a8f6e-2f5c-4f1e-9d0b-3b1a5d6c7e8f")
        #expect(record.metadata["namespace"] == "shop")
        #expect(record.metadata["reason"] == "the admission handler failed: the store is on fire")
    }

    @Test("cancels a handler that takes too long, and answers HTTP 500")
    func deadline() async throws {
        let harness = ResponderHarness(clock: ImpatientClock()) { _ in
            try await Task.sleep(for: .seconds(3600))
            return .allowed()
        }
        let response = try await harness.post(review())
        #expect(response.status == .internalServerError)
        #expect(String(buffer: response.body) == "the admission handler gave no verdict within 4.0 seconds\n")
    }

    @Test(
        "gives the handler four fifths of what the API server waits, and 4 seconds where it does not say",
        arguments: [
            ("?timeout=5s", "4.0"), ("?timeout=1s", "0.8"), ("?timeout=30s", "24.0"), ("?a=b&timeout=10s&c=d", "8.0"),
            ("?timeout=3600s", "24.0"), ("", "4.0"), ("?", "4.0"), ("?timeout", "4.0"), ("?timeout=", "4.0"),
            ("?timeout=s", "4.0"), ("?timeout=0s", "4.0"), ("?timeout=-5s", "4.0"), ("?timeout=5m", "4.0"),
            ("?timeout=5", "4.0"), ("?timeout=99999999999999999999s", "4.0"), ("?timeout=%", "4.0"),
            ("?&&=&%zz=%f&timeout=%35s", "4.0"), ("?timeout=\u{1F552}s", "4.0"),
        ])
    func deadline(query: String, seconds: String) async throws {
        let harness = ResponderHarness(clock: ImpatientClock()) { _ in
            try await Task.sleep(for: .seconds(3600))
            return .allowed()
        }
        let response = try await harness.post(review(), to: "/mutate" + query)
        #expect(
            String(buffer: response.body) == "the admission handler gave no verdict within \(seconds) seconds\n")
    }

    @Test("tells the handler until when it is waited for")
    func tellsDeadline() async throws {
        let harness = ResponderHarness { _ in
            let left = try #require(ReviewDeadline.current) - .now
            #expect(left > .seconds(8) && left <= .seconds(16))
            return .allowed()
        }
        #expect(try await harness.post(review(), to: "/mutate?timeout=20s").status == .ok)
        #expect(ReviewDeadline.current == nil)
    }

    @Test("never logs the requesting user in clear, refused or failed")
    func user() async throws {
        let refusing = ResponderHarness { _ in .refused("no") }
        let failing = ResponderHarness { _ in throw TestError() }
        for harness in [refusing, failing] {
            _ = try await harness.post(review())
            #expect(!harness.log.entries.isEmpty)
            #expect(harness.log.entries.contains { $0.metadata["review.user"] != nil })
            #expect(!harness.log.entries.contains { "\($0)".contains("replicaset-controller") })
        }
        #expect(refusing.outcomes == ["refused": 1])
    }

    @Test("logs what the handler did and who asked, once, and a dry run for debugging alone", arguments: [false, true])
    func record(isDryRun: Bool) async throws {
        let harness = ResponderHarness { _ in
            var response = AdmissionResponse.allowed()
            response.record = AdmissionRecord(
                "credentials injected", ["owner": "ReplicaSet app", "outcome": "injected", "name": "app-"])
            return response
        }
        _ = try await harness.post(review((["request", "dryRun"], .bool(isDryRun))))
        guard !isDryRun else {
            #expect(harness.log.entries.isEmpty)
            return
        }
        let record = try #require(harness.log.entries.first)
        #expect("\(record.message)" == "credentials injected" && record.level == .info)
        #expect(harness.log.entries.count == 1)
        #expect(record.metadata["owner"] == "ReplicaSet app" && record.metadata["name"] == "app-")
        #expect(record.metadata["outcome"] == "injected")
        #expect(record.metadata["reason"] == nil)
        #expect(record.metadata["review.uid"] != nil && record.metadata["review.user"] != nil)
    }

    @Test("logs that it denied something, and why")
    func denial() async throws {
        let harness = ResponderHarness { _ in .refused("write a region") }
        _ = try await harness.post(review())
        let record = try #require(harness.log.entries.first { $0.level == .info })
        #expect("\(record.message)" == "admission denied")
        #expect(record.metadata["reason"] == "write a region" && record.metadata["outcome"] == "refused")
    }

    @Test("logs nothing above debug about what it allows")
    func quiet() async throws {
        let harness = ResponderHarness()
        _ = try await harness.post(review())
        #expect(harness.log.entries.filter { $0.level > .debug }.isEmpty)
    }
}
