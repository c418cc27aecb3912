import JSON
public import Logging

/// Writes each log record as one line of JSON.
///
/// ```json
/// {"ts":"2026-11-21T03:28:00.123Z","level":"info","logger":"webhook","msg":"serving certificate loaded","directory":"/tls"}
/// ```
/// Metadata stand beside the message under their own keys, dictionaries and arrays as they are. A key that the record itself
/// has is prefixed with an underscore. Keys are in order, so that equal records are equal lines.
///
/// Bootstrap it once, in `main`:
/// ```swift
/// LoggingSystem.bootstrap { label in JSONLogHandler(label: label, level: .info) }
/// ```
public struct JSONLogHandler: LogHandler {
    public var logLevel: Logger.Level
    public var metadata: Logger.Metadata = [:]
    public var metadataProvider: Logger.MetadataProvider?

    private let label: String
    private let sink: LogSink
    private let limit: LogLimit?
    private let now: @Sendable () -> Timestamp

    /// - Parameter limit: what all handlers of a process share; `nil` to write every line.
    public init(
        label: String, level: Logger.Level = .info, sink: LogSink = .standardError, limit: LogLimit? = nil
    ) {
        self.init(label: label, level: level, sink: sink, limit: limit, now: { .now })
    }

    init(
        label: String, level: Logger.Level, sink: LogSink, limit: LogLimit? = nil,
        now: @escaping @Sendable () -> Timestamp
    ) {
        self.label = label
        self.sink = sink
        self.limit = limit
        self.now = now
        logLevel = level
    }

    public subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    public func log(event: LogEvent) {
        var unlogged = 0
        if let limit {
            guard let count = limit.admit(event.level, event.message.description) else { return }
            unlogged = count
        }
        var line = LogLine()
        line.write("ts", .string(now().description))
        line.write("level", .string(event.level.rawValue))
        line.write("logger", .string(label))
        line.write("msg", .string(event.message.description))
        if let error = event.error { line.write("error", .string("\(error)")) }
        if unlogged > 0 { line.write("unlogged", .number(JSONNumber(unlogged))) }
        for (key, value) in fields(of: event) {
            line.write(LogLine.recordKeys.contains(key) ? "_" + key : key, JSONValue(value))
        }
        sink.write(line.finished())
    }

    /// What is known of a record, the most specific winning.
    private func fields(of event: LogEvent) -> [(key: String, value: Logger.MetadataValue)] {
        var fields = metadata
        if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
        if let own = event.metadata { fields.merge(own) { $1 } }
        return fields.sorted { $0.key < $1.key }
    }
}

/// One line being written.
private struct LogLine {
    static let recordKeys: Set = ["ts", "level", "logger", "msg", "error", "unlogged"]

    private var bytes: [UInt8] = [UInt8(ascii: "{")]

    mutating func write(_ key: String, _ value: JSONValue) {
        if bytes.count > 1 { bytes.append(UInt8(ascii: ",")) }
        JSONValue.write(key, to: &bytes)
        bytes.append(UInt8(ascii: ":"))
        value.write(to: &bytes)
    }

    consuming func finished() -> [UInt8] {
        bytes.append(contentsOf: "}\n".utf8)
        return bytes
    }
}

extension JSONValue {
    fileprivate init(_ value: Logger.MetadataValue) {
        switch value {
        case .string(let string): self = .string(string)
        case .stringConvertible(let convertible): self = .string(convertible.description)
        case .array(let values): self = .array(values.map(JSONValue.init))
        case .dictionary(let values):
            var members = JSONObject()
            for (key, value) in values.sorted(by: { $0.key < $1.key }) { members[key] = JSONValue(value) }
            self = .object(members)
        }
    }
}
