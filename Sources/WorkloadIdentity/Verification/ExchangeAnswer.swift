internal import JSON

/// What a provider answered. It may hold a credential, and is never shown.
public struct ExchangeAnswer: Sendable, CustomStringConvertible, CustomReflectable {
    public let status: Int
    let body: String

    public init(status: Int, body: [UInt8]) {
        self.status = status
        self.body = String(decoding: body, as: UTF8.self)
    }

    public var description: String { "HTTP \(status)" }
    public var customMirror: Mirror { Mirror(self, children: EmptyCollection<Mirror.Child>()) }

    var isSuccess: Bool { (200..<300).contains(status) }
    var json: JSONValue { (try? JSONValue(parsing: Array(body.utf8))) ?? .null }

    /// The text of an XML element, the first of its name.
    func element(_ name: String) -> String? {
        guard let start = body.firstRange(of: "<\(name)>"),
            let end = body[start.upperBound...].firstRange(of: "</\(name)>")
        else { return nil }
        return String(body[start.upperBound..<end.lowerBound])
    }
}
