// Field numbers are those of k8s.io/apimachinery/pkg/apis/meta/v1/generated.proto.

extension ObjectMetadata {
    /// Reads a `PartialObjectMetadata`.
    public init(partialObject bytes: [UInt8]) throws {
        self.init(name: "")
        var message = ProtobufReader(bytes)
        try message.fields { field, message in
            switch field {
            case 1: try message.message { try readField($0, from: &$1) }
            default: try message.skip()
            }
        }
    }

    mutating func readField(_ field: UInt64, from message: inout ProtobufReader) throws {
        switch field {
        case 1: name = try message.string()
        case 3:
            let text = try message.string()
            namespace = text.isEmpty ? nil : text
        case 5: uid = try message.string()
        case 6: resourceVersion = try message.string()
        case 7: generation = try message.integer()
        case 8: creationTimestamp = try Timestamp(from: &message)
        case 9: deletionTimestamp = try Timestamp(from: &message)
        case 11: try message.readEntry(into: &labels)
        case 12: try message.readEntry(into: &annotations, except: Self.copyOfWholeObject)
        case 13: ownerReferences.append(try OwnerReference(from: &message))
        default: try message.skip()
        }
    }
}

extension OwnerReference {
    fileprivate init(from message: inout ProtobufReader) throws {
        self.init(apiVersion: "", kind: "", name: "", uid: "")
        try message.message { field, message in
            switch field {
            case 1: kind = try message.string()
            case 3: name = try message.string()
            case 4: uid = try message.string()
            case 5: apiVersion = try message.string()
            case 6: isController = try message.bool()
            default: try message.skip()
            }
        }
    }
}

extension Timestamp {
    /// - Returns: `nil` for a time that is not set.
    fileprivate init?(from message: inout ProtobufReader) throws {
        var seconds: Int?
        try message.message { field, message in
            switch field {
            case 1: seconds = try message.integer()
            default: try message.skip()
            }
        }
        guard let seconds else { return nil }
        self.init(seconds: Int64(seconds))
    }
}

extension ProtobufReader {
    /// Reads one entry of a map of strings.
    fileprivate mutating func readEntry(into map: inout [String: String], except ignoredKey: String? = nil) throws {
        var (key, value) = ("", "")
        try message { field, message in
            switch field {
            case 1: key = try message.string()
            case 2 where key != ignoredKey: value = try message.string()
            default: try message.skip()
            }
        }
        if key != ignoredKey { map[key] = value }
    }
}

extension ListMetadata {
    public init(protobuf bytes: [UInt8]) throws {
        var message = ProtobufReader(bytes)
        try message.fields { field, message in
            switch field {
            case 2: resourceVersion = try message.string()
            case 3: continueToken = try message.string()
            default: try message.skip()
            }
        }
    }
}

extension APIStatus {
    /// Reads a `Status` in its envelope, as it stands in an answer.
    public init(protobufAnswer bytes: [UInt8]) throws {
        guard bytes.starts(with: ProtobufEnvelope.magic) else {
            throw ProtobufError("expected a Kubernetes object", at: 0)
        }
        var envelope = ProtobufReader(Array(bytes.dropFirst(ProtobufEnvelope.magic.count)))
        try envelope.fields { field, envelope in
            switch field {
            case ProtobufEnvelope.object: try envelope.message { try readField($0, from: &$1) }
            default: try envelope.skip()
            }
        }
    }

    private mutating func readField(_ field: UInt64, from message: inout ProtobufReader) throws {
        switch field {
        case 2: status = try message.string()
        case 3: self.message = try message.string()
        case 4: reason = try message.string()
        case 5: try message.message { try readDetail($0, from: &$1) }
        case 6: code = try message.integer()
        default: try message.skip()
        }
    }

    private mutating func readDetail(_ field: UInt64, from message: inout ProtobufReader) throws {
        switch field {
        case 4: causes.append(try Cause(from: &message))
        case 5: retryAfterSeconds = try message.integer()
        default: try message.skip()
        }
    }
}

extension APIStatus.Cause {
    fileprivate init(from message: inout ProtobufReader) throws {
        try message.message { field, message in
            switch field {
            case 1: reason = try message.string()
            case 2: self.message = try message.string()
            case 3: self.field = try message.string()
            default: try message.skip()
            }
        }
    }
}

/// What stands around every object that Kubernetes sends in this encoding (`runtime.Unknown`).
public enum ProtobufEnvelope {
    public static let magic = Array("k8s\0".utf8)

    /// The field that holds the object.
    public static let object: UInt64 = 2
}
