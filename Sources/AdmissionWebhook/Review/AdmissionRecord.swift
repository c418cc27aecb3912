/// What a handler did about an object, as one line of the log.
public struct AdmissionRecord: Sendable, Hashable {
    /// The same for all that is of one kind.
    public var message: String

    /// Beside what is logged of every review: who asked for what, and where.
    public var fields: [String: String]

    public init(_ message: String, _ fields: [String: String] = [:]) {
        self.message = message
        self.fields = fields
    }
}
