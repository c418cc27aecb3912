internal import JSON
public import KubernetesModel

/// One line of a watch.
public enum WatchEvent<Resource: KubernetesResource>: Sendable {
    case added(Resource)
    case modified(Resource)

    /// The object as it was last.
    case deleted(Resource)

    /// Nothing changed up to this version, from which a watch can go on.
    case bookmark(resourceVersion: String)

    /// The server ends the watch, and says why.
    case error(APIStatus)

    /// The version from which a watch goes on that follows this event.
    public var resourceVersion: String? {
        switch self {
        case .added(let resource), .modified(let resource), .deleted(let resource): resource.metadata.resourceVersion
        case .bookmark(let resourceVersion): resourceVersion
        case .error: nil
        }
    }
}

extension WatchEvent {
    /// Reads a line in one pass: servers write `type` first. If it comes last, the object is read when it is known.
    init(parsing line: [UInt8]) throws {
        var json = JSONReader(line)
        var type: String?
        var skippedObject: JSONReader?
        var event: WatchEvent?
        try json.object { key, json in
            switch (key, type) {
            case ("type", _):
                type = try json.string()
            case ("object", let type?):
                event = try WatchEvent(type, from: &json)
            case ("object", nil):
                skippedObject = json
                try json.skip()
            default:
                try json.skip()
            }
        }
        try json.end()
        if let type, var skippedObject {
            event = try WatchEvent(type, from: &skippedObject)
        }
        guard let event else { throw JSONError("expected a watch event", at: 0) }
        self = event
    }

    private init(_ type: String, from json: inout JSONReader) throws {
        let start = json.offset
        switch type {
        case "ADDED": self = .added(try json.read())
        case "MODIFIED": self = .modified(try json.read())
        case "DELETED": self = .deleted(try json.read())
        case "BOOKMARK": self = .bookmark(resourceVersion: try json.read(Envelope.self).metadata.resourceVersion)
        case "ERROR": self = .error(try json.read())
        default: throw JSONError("unknown type of watch event", at: start)
        }
    }
}
