public import JSON

/// What the API server answers instead of an object: why it did not do what it was asked to (`metav1.Status`).
public struct APIStatus: Hashable, Sendable {
    /// One thing wrong with one field.
    public struct Cause: Hashable, Sendable {
        public var reason = ""
        public var message = ""

        /// A path such as `spec.template.spec.containers[0].image`.
        public var field = ""
    }

    /// `Success` or `Failure`.
    public var status = ""

    /// One CamelCase word for programs: `NotFound`, `AlreadyExists`, `Conflict`, `Expired`, `Invalid`, …
    public var reason = ""
    public var message = ""

    /// The HTTP status that goes with the reason; also inside a watch, whose own HTTP status was 200.
    public var code = 0
    public var causes: [Cause] = []
    public var retryAfterSeconds: Int?

    public init(code: Int = 0, reason: String = "", message: String = "") {
        self.code = code
        self.reason = reason
        self.message = message
    }
}

extension APIStatus: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "status": status = try json.optionalString() ?? ""
            case "reason": reason = try json.optionalString() ?? ""
            case "message": message = try json.optionalString() ?? ""
            case "code": code = try json.integer()
            case "details": try readDetails(from: &json)
            default: try json.skip()
            }
        }
    }

    private mutating func readDetails(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "causes": causes = try json.list()
            case "retryAfterSeconds": retryAfterSeconds = try json.integer()
            default: try json.skip()
            }
        }
    }
}

extension APIStatus.Cause: JSONReadable {
    public init(from json: inout JSONReader) throws {
        try json.object { key, json in
            switch key {
            case "reason": reason = try json.optionalString() ?? ""
            case "message": message = try json.optionalString() ?? ""
            case "field": field = try json.optionalString() ?? ""
            default: try json.skip()
            }
        }
    }
}
