public import JSON

/// The envelope, `AdmissionReview` of `admission.k8s.io/v1`, that a request comes in and a response goes out in.
package enum AdmissionReview {
    static let apiVersion = "admission.k8s.io/v1"
    static let kind = "AdmissionReview"

    /// What a review is about, with of each object what is asked for.
    package struct Content<Object: ReviewedObject>: Sendable {
        package var request: AdmissionRequest
        package var object: Object?
        package var oldObject: Object?
    }

    /// Reads a review in one pass over its bytes.
    ///
    /// - Parameter maximumDepth: how many arrays and objects may stand inside each other.
    /// - Throws: ``MalformedReview`` for whatever is not a complete review of a version that is spoken here, and a
    ///   `JSONLimitExceeded` for one that holds more than the object's type keeps.
    package static func read<Object: ReviewedObject>(
        _ body: [UInt8], objectsAs type: Object.Type, maximumDepth: Int
    ) throws -> Content<Object> {
        do {
            var json = JSONReader(body, maximumDepth: maximumDepth)
            var object: Object?
            var oldObject: Object?
            let envelope = try Envelope(from: &json) { place, json in
                let value: Object? = json.skipNull() ? nil : try json.read()
                switch place {
                case .new: object = value
                case .old: oldObject = value
                }
            }
            try json.end()
            return Content(request: try envelope.checkedRequest(), object: object, oldObject: oldObject)
        } catch let error where error is MalformedReview || error is JSONLimitExceeded {
            throw error
        } catch {
            throw MalformedReview("the admission review cannot be read: \(error)")
        }
    }
}

/// A body that is no review: the sender's mistake, not the object's.
struct MalformedReview: Error, CustomStringConvertible {
    let description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Which of the two objects of a request.
private enum ObjectPlace { case new, old }

private typealias ObjectReader = (ObjectPlace, inout JSONReader) throws -> Void

private struct Envelope {
    var apiVersion = ""
    var kind = ""
    var request: AdmissionRequest?

    init(from json: inout JSONReader, readObject: ObjectReader) throws {
        try json.members { key, json in
            switch key {
            case "apiVersion": apiVersion = try json.optionalString() ?? ""
            case "kind": kind = try json.shortText()
            case "request":
                request = json.skipNull() ? nil : try AdmissionRequest(from: &json, readObject: readObject)
            default: try json.skip()
            }
        }
    }

    func checkedRequest() throws -> AdmissionRequest {
        guard kind == AdmissionReview.kind else {
            throw MalformedReview("kind is '\(kind.excerpt)', and must be '\(AdmissionReview.kind)'")
        }
        guard apiVersion == AdmissionReview.apiVersion else {
            throw MalformedReview(
                "apiVersion '\(apiVersion.excerpt)' is not supported; '\(AdmissionReview.apiVersion)' is")
        }
        guard let request else { throw MalformedReview("the admission review has no request") }
        guard !request.uid.isEmpty else { throw MalformedReview("the admission review's request has no uid") }
        return request
    }
}

extension AdmissionRequest {
    fileprivate init(from json: inout JSONReader, readObject: ObjectReader) throws {
        var operation: Operation?
        self.init(uid: "", kind: Kind(version: "", kind: ""), resource: Resource(version: "", resource: ""))
        try json.members { key, json in
            switch key {
            case "uid": uid = try json.shortText()
            case "kind": kind = try json.read()
            case "resource": resource = try json.read()
            case "subResource": subResource = try json.shortText()
            case "name": name = try json.shortText()
            case "namespace": namespace = try json.shortText()
            case "operation": operation = try json.read()
            case "dryRun": dryRun = try !json.skipNull() && json.bool()
            case "userInfo": (username, isByNode) = try json.user()
            case "object": try readObject(.new, &json)
            case "oldObject": try readObject(.old, &json)
            default: try json.skip()
            }
        }
        guard let operation else { throw MalformedReview("the admission review's request has no operation") }
        self.operation = operation
    }
}

extension AdmissionRequest.Kind: JSONReadable {
    public init(from json: inout JSONReader) throws {
        self.init(version: "", kind: "")
        try json.members { key, json in
            switch key {
            case "group": group = try json.shortText()
            case "version": version = try json.shortText()
            case "kind": kind = try json.shortText()
            default: try json.skip()
            }
        }
    }
}

extension AdmissionRequest.Resource: JSONReadable {
    public init(from json: inout JSONReader) throws {
        self.init(version: "", resource: "")
        try json.members { key, json in
            switch key {
            case "group": group = try json.shortText()
            case "version": version = try json.shortText()
            case "resource": resource = try json.shortText()
            default: try json.skip()
            }
        }
    }
}

extension AdmissionRequest.Operation: JSONReadable {
    public init(from json: inout JSONReader) throws {
        let text = try json.string()
        guard let operation = Self(rawValue: text) else {
            let known = Self.allCases.map(\.rawValue).joined(separator: ", ")
            throw MalformedReview("operation '\(text.excerpt)' is not known; it must be one of \(known)")
        }
        self = operation
    }
}

extension JSONReader {
    /// A name or an identifier, which is repeated in logs and answers. `null` counts as the empty string.
    fileprivate mutating func shortText() throws -> String {
        guard let text = try optionalString() else { return "" }
        guard text.utf8.count <= 1024 else {
            throw MalformedReview("\(text.excerpt) is longer than a name or an identifier may be")
        }
        return text
    }

    /// Who asks. Of the groups nothing is kept but whether the nodes' is among them.
    fileprivate mutating func user() throws -> (name: String, isNode: Bool) {
        var user = (name: "", isNode: false)
        try members { key, json in
            switch key {
            case "username": user.name = try json.optionalString() ?? ""
            case "groups":
                user.isNode = false
                try json.array { json in
                    let group = try json.optionalString()
                    user.isNode = user.isNode || group == "system:nodes"
                }
            default: try json.skip()
            }
        }
        return user
    }
}

extension String {
    /// As much of a foreign text as a message may repeat.
    fileprivate var excerpt: String { count > 64 ? prefix(64) + "…" : self }
}
