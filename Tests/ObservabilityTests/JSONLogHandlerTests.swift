import JSON
import Logging
import Synchronization
import Testing

@testable import Observability

@Suite("JSONLogHandler") struct JSONLogHandlerTests {
    @Test("writes one line a record, with time, level, logger and message first")
    func plain() {
        let harness = LogHarness()
        harness.logger.info("serving certificate loaded")
        harness.logger.error("again")
        #expect(
            harness.lines == [
                #"{"ts":"2026-11-21T03:28:00.007Z","level":"info","logger":"test","msg":"serving certificate loaded"}"#,
                #"{"ts":"2026-11-21T03:28:00.007Z","level":"error","logger":"test","msg":"again"}"#,
            ])
    }

    @Test("keeps the structure of metadata, in order of their keys")
    func metadata() {
        let harness = LogHarness()
        harness.logger.info(
            "m",
            metadata: [
                "review.uid": "1",
                "port": .stringConvertible(8443),
                "hosts": ["a", "b"],
                "labels": ["y": "2", "x": "1"],
            ])
        #expect(harness.fields == #""hosts":["a","b"],"labels":{"x":"1","y":"2"},"port":"8443","review.uid":"1""#)
    }

    @Test("lets the more specific metadata win")
    func precedence() {
        let provider = Logger.MetadataProvider { ["a": "provider", "b": "provider", "c": "provider"] }
        let harness = LogHarness(provider: provider)
        var logger = harness.logger
        logger[metadataKey: "a"] = "logger"
        logger[metadataKey: "d"] = "logger"
        logger.info("m", metadata: ["b": "record"])
        #expect(harness.fields == #""a":"provider","b":"record","c":"provider","d":"logger""#)
    }

    @Test("does not let metadata pass for the record's own fields")
    func collision() {
        let harness = LogHarness()
        harness.logger.info("m", metadata: ["msg": "forged", "level": "critical"])
        #expect(harness.fields == #""_level":"critical","_msg":"forged""#)
    }

    @Test(
        "stays one line of valid JSON whatever is logged",
        arguments: ["\n\r\t", "\"},{\"", "\u{0}\u{1B}[2J", "🦆\u{2028}"])
    func hostile(_ text: String) throws {
        let harness = LogHarness()
        harness.logger.info("\(text)", metadata: ["\(text)": "\(text)"])
        #expect(harness.lines.count == 1)
        let json = try JSONValue(parsing: Array((harness.lines.first ?? "").utf8))
        #expect(json["msg"]?.string == text)
        #expect(json[text]?.string == text)
    }

    @Test("has the error of a record")
    func error() {
        struct Broken: Error, CustomStringConvertible { let description = "broken" }
        let harness = LogHarness()
        harness.logger.warning("m", error: Broken())
        #expect(harness.fields == #""error":"broken""#)
    }

    @Test("says in the next line of a kind how many were left out, and leaves out none of another kind")
    func limit() {
        let harness = LogHarness(limit: LogLimit(burst: 2, perSecond: 1))
        for _ in 0..<50 { harness.logger.info("flood", metadata: ["unlogged": "forged"]) }
        harness.logger.warning("m")
        #expect(harness.lines.count == 3)
        #expect(harness.lines.dropLast().allSatisfy { $0.hasSuffix(#""msg":"flood","_unlogged":"forged"}"#) })
    }

    @Test("leaves out what is below its level")
    func level() {
        let harness = LogHarness()
        harness.logger.debug("m")
        #expect(harness.lines.isEmpty)
    }
}

@Suite("Timestamp") struct TimestampTests {
    @Test(
        "is RFC 3339 in UTC with milliseconds",
        arguments: [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (951_782_400, 1, "2000-02-29T00:00:00.001Z"),
            (951_868_799, 999, "2000-02-29T23:59:59.999Z"),
            (951_868_800, 0, "2000-03-01T00:00:00.000Z"),
            (1_709_164_800, 10, "2024-02-29T00:00:00.010Z"),
            (1_767_225_599, 500, "2025-12-31T23:59:59.500Z"),
            (4_107_542_400, 0, "2100-03-01T00:00:00.000Z"),
        ])
    func description(_ seconds: Int, _ milliseconds: Int, _ text: String) {
        #expect(Timestamp(seconds: seconds, milliseconds: milliseconds).description == text)
    }
}

/// A logger whose lines are kept, at a moment that does not change.
private struct LogHarness {
    private final class Lines: Sendable {
        let lines = Mutex<[String]>([])
    }

    let logger: Logger
    private let written = Lines()

    init(provider: Logger.MetadataProvider? = nil, limit: LogLimit? = nil) {
        logger = Logger(label: "test") { [written] label in
            let sink = LogSink { line in written.lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) } }
            var handler = JSONLogHandler(label: label, level: .info, sink: sink, limit: limit) {
                Timestamp(seconds: 1_795_231_680, milliseconds: 7)
            }
            handler.metadataProvider = provider
            return handler
        }
    }

    /// What was written, a line each, without the line breaks.
    var lines: [String] {
        written.lines.withLock { $0.map { $0.hasSuffix("\n") ? String($0.dropLast()) : "no line break: \($0)" } }
    }

    /// What stands after the message of the only record.
    var fields: String {
        let line = lines.first ?? ""
        guard let message = line.firstRange(of: #""msg":"m","#) else { return line }
        return String(line[message.upperBound...].dropLast())
    }
}
